"""A pass has every public photo of its event, those that come later too, while its money stays."""

import threading

import pytest
from sqlmodel import select

from core import downloads, ingest, passes, photos, renditions
from core.backends import Backends
from core.errors import Conflict
from models.event import Event
from models.order import Download, LineItem, Order, OrderStatus
from models.photo import Photo, Review, Stage
from tests.makers import make_event, make_photo, owner_of
from tests.sold import PRICE, files_of, lines_of, sell


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def either(request) -> Backends:
    """The platform with its rows on SQLite, and on PostgreSQL."""
    return request.getfixturevalue("backends" if request.param == "sqlite" else "platform")


def names(backends: Backends, order: Order) -> list[str]:
    return [link.filename for link in downloads.links(backends, order)]


def approve(backends: Backends, photo: Photo) -> None:
    with backends.transaction() as session:
        session.get_one(Photo, photo.id).review = Review.APPROVED


def refund(backends: Backends, order: Order, amount: int = PRICE, *, is_whole: bool = True) -> None:
    """Give money of every line back, as the whole of it or as a part."""
    with backends.transaction() as session:
        ids = lines_of(session, order)
        for line_id in ids:
            session.get_one(LineItem, line_id).refunded_amount = amount
        if is_whole:
            downloads.withdraw(session, ids, backends.now())


def test_a_pass_has_every_public_photo_of_its_event_and_no_other(either):
    event = make_event(either)
    for name in "ab":
        make_photo(either, event, filename=f"{name}.jpg")
    make_photo(either, event, review=Review.PENDING)
    make_photo(either, event, review=Review.REJECTED)
    make_photo(either, event, stage=Stage.RENDERED)
    make_photo(either, event, removed_at=either.now())
    make_photo(either, make_event(either))

    order = sell(either, event)

    assert names(either, order) == ["a.jpg", "b.jpg"]
    assert {file.limit for file in files_of(either, order)} == {either.settings.download_limit}


def test_a_photo_approved_later_is_there_when_the_order_is_looked_at(either):
    event = make_event(either)
    make_photo(either, event, filename="a.jpg")
    late = make_photo(either, event, filename="b.jpg", review=Review.PENDING)
    order = sell(either, event)
    before = names(either, order)

    approve(either, late)

    assert (before, names(either, order)) == (["a.jpg"], ["a.jpg", "b.jpg"])
    assert b"b.jpg" in b"".join(downloads.open_zip(either, order).chunks)


def test_many_looks_at_once_grant_each_photo_once(either):
    event = make_event(either)
    order = sell(either, event)
    for _ in range(20):
        make_photo(either, event)
    barrier, seen = threading.Barrier(4), []

    def look() -> None:
        barrier.wait()
        seen.append(len(downloads.links(either, order)))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [20] * 4
    assert len(files_of(either, order)) == 20


def test_looking_again_writes_nothing(backends, event, monkeypatch):
    make_photo(backends, event)
    order = sell(backends, event)
    monkeypatch.setattr(backends, "transaction", None)

    assert len(downloads.links(backends, order)) == 1


def test_what_is_fetched_of_a_pass_is_counted_by_photo(backends, event):
    make_photo(backends, event, filename="a.jpg")
    make_photo(backends, event, filename="b.jpg")
    order = sell(backends, event)

    b"".join(downloads.open(backends, downloads.links(backends, order)[0].url.rpartition("/")[2]).chunks)

    full = backends.settings.download_limit
    assert [link.left for link in downloads.links(backends, order)] == [full - 1, full]


def test_a_pass_and_a_photo_of_one_order_both_count(backends, event):
    photo = make_photo(backends, event, filename="a.jpg")

    order = sell(backends, event, photo)

    assert names(backends, order) == ["a.jpg", "a.jpg"]
    archive = b"".join(downloads.open_zip(backends, order).chunks)
    assert b"a (2).jpg" in archive


# --- money back ----------------------------------------------------------------------------


def test_a_pass_whose_money_went_back_gets_nothing_more(either):
    event = make_event(either)
    make_photo(either, event)
    kept = make_photo(either, make_event(either), filename="kept.jpg")
    order = sell(either, event, kept)
    with either.transaction() as session:
        line = session.exec(select(LineItem).where(LineItem.event_id == event.id)).one()
        line.refunded_amount = PRICE
        downloads.withdraw(session, [line.id], either.now())

    make_photo(either, event)

    assert [link.is_withdrawn for link in downloads.links(either, order)].count(False) == 1
    assert len(files_of(either, order)) == 2


def test_a_pass_of_which_a_part_went_back_still_gets_more(backends, event):
    order = sell(backends, event)
    refund(backends, order, PRICE // 2, is_whole=False)

    make_photo(backends, event)

    assert len(downloads.links(backends, order)) == 1


def test_a_free_pass_gets_more(backends, event):
    order = sell(backends, event, total_amount=0)
    with backends.transaction() as session:
        session.exec(select(LineItem)).one().amount = 0

    make_photo(backends, event)

    assert len(downloads.links(backends, order)) == 1


def test_a_refund_between_the_question_and_the_grant_is_seen(backends, event, monkeypatch):
    """What was asked before the lock is asked again behind it."""
    order = sell(backends, event)
    make_photo(backends, event)
    real = backends.transaction

    def refund_first():
        monkeypatch.setattr(backends, "transaction", real)
        refund(backends, order)
        return real()

    monkeypatch.setattr(backends, "transaction", refund_first)
    passes.top_up(backends, order.id)

    assert files_of(backends, order) == []


def test_an_unpaid_pass_is_not_topped_up(backends, event):
    order = sell(backends, event, status=OrderStatus.PENDING)
    make_photo(backends, event)

    passes.top_up(backends, order.id)

    assert files_of(backends, order) == []


# --- pictures and deletion -----------------------------------------------------------------


def opens(backends: Backends, order: Order, photo: Photo) -> bool:
    token = renditions.url(backends, photo.id, "300", renditions.order_grant(order)).removeprefix("/img/")
    try:
        renditions.open_signed(backends, token, by=None).content.close()
    except renditions.NoSuchPicture:
        return False
    return True


def test_the_pictures_of_a_pass_are_shown_to_its_buyer(backends, event):
    photo, other = make_photo(backends, event), make_photo(backends, make_event(backends))
    order = sell(backends, event)
    before = opens(backends, order, photo), opens(backends, order, other)

    refund(backends, order)

    assert before == (True, False)
    assert not opens(backends, order, photo)


def test_a_photo_of_a_pass_may_be_deleted_and_its_file_goes_with_it(backends, event, work):
    photo = make_photo(backends, event, filename="a.jpg")
    make_photo(backends, event, filename="b.jpg")
    order = sell(backends, event)
    token = downloads.links(backends, order)[0].url.rpartition("/")[2]

    photos.delete(backends, [photo.id], by=owner_of(backends, event))
    at_once = names(backends, order)
    with pytest.raises(downloads.NoSuchDownload):
        downloads.open(backends, token)
    work()

    assert at_once == names(backends, order) == ["b.jpg"]
    assert len(files_of(backends, order)) == 1
    with backends.reading() as session:
        assert session.get(Photo, photo.id) is None
        assert len(session.exec(select(LineItem)).all()) == 1


def test_a_photo_that_was_sold_by_itself_stays_whatever_passes_there_are(backends, event):
    photo = make_photo(backends, event)
    sell(backends, event)
    sell(backends, photo)

    with pytest.raises(Conflict, match="in orders"):
        photos.delete(backends, [photo.id], by=owner_of(backends, event))


def test_a_photo_approved_while_it_is_taken_apart_is_in_no_pass(backends, event):
    photo = make_photo(backends, event)
    order = sell(backends, event)
    photos.delete(backends, [photo.id], by=owner_of(backends, event))

    passes.top_up(backends, order.id)
    ingest.delete_photo(backends, str(photo.id))

    with backends.reading() as session:
        assert session.exec(select(Download)).all() == []
