"""Files taken away with their money, given back, and addresses that end when new ones are issued."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from core import downloads, orders, renditions
from core.backends import Backends
from core.downloads import NoSuchDownload, NotPaid, Withdrawn
from models.order import Order, OrderStatus
from models.photo import Photo
from tests.makers import make_event, make_photo
from tests.sold import files_of, lines_of, sell


@pytest.fixture
def bought(backends) -> tuple[Order, Photo, Photo]:
    """A paid order of two photos, in the order of their names."""
    event = make_event(backends)
    photos = make_photo(backends, event, filename="a.jpg"), make_photo(backends, event, filename="b.jpg")
    return sell(backends, *photos), *photos


def line_of(backends: Backends, order: Order, photo: Photo):
    return next(file.line_item_id for file in files_of(backends, order) if file.photo_id == photo.id)


def tokens(backends: Backends, order: Order) -> list[str]:
    return [link.url.rpartition("/")[2] for link in downloads.links(backends, order)]


def fetch(backends: Backends, token: str) -> int:
    return len(b"".join(downloads.open(backends, token).chunks))


def withdraw(backends: Backends, *line_ids) -> None:
    with backends.transaction() as session:
        downloads.withdraw(session, line_ids, backends.now())


def test_a_withdrawn_file_is_refused_and_the_other_is_still_there(backends, bought):
    order, photo, _ = bought
    gone, kept = tokens(backends, order)

    withdraw(backends, line_of(backends, order, photo))

    for is_counted in (True, False):
        with pytest.raises(Withdrawn, match="money for this photo went back"):
            downloads.open(backends, gone, is_counted=is_counted)
    assert fetch(backends, kept) > 0
    assert [file.count for file in files_of(backends, order) if file.photo_id == photo.id] == [0]


def test_links_and_zip_show_and_leave_out_what_was_withdrawn(backends, bought):
    order, photo, _ = bought

    withdraw(backends, line_of(backends, order, photo))

    gone, kept = downloads.links(backends, order)
    archive = b"".join(downloads.open_zip(backends, order).chunks)
    assert (gone.filename, gone.is_withdrawn, gone.left, gone.url) == ("a.jpg", True, 0, "")
    assert (kept.filename, kept.is_withdrawn, kept.left > 0) == ("b.jpg", False, True)
    assert (b"a.jpg" in archive, b"b.jpg" in archive) == (False, True)


def test_a_zip_of_nothing_but_withdrawn_files_is_over(backends, bought):
    order, photo, other = bought

    withdraw(backends, *(line_of(backends, order, one) for one in (photo, other)))

    for is_counted in (True, False):
        with pytest.raises(downloads.DownloadOver):
            downloads.open_zip(backends, order, is_counted=is_counted)


def test_a_withdrawn_photos_picture_is_hidden_from_its_buyer(backends, bought):
    order, photo, other = bought
    addresses = [
        renditions.url(backends, one.id, "300", renditions.order_grant(order)).removeprefix("/img/")
        for one in (photo, other)
    ]

    withdraw(backends, line_of(backends, order, photo))

    with pytest.raises(renditions.NoSuchPicture):
        renditions.open_signed(backends, addresses[0], by=None)
    renditions.open_signed(backends, addresses[1], by=None).content.close()


def test_a_refunded_order_delivers_nothing(backends, bought):
    order, photo, _ = bought
    token = tokens(backends, order)[0]
    address = renditions.url(backends, photo.id, "300", renditions.order_grant(order)).removeprefix("/img/")
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = OrderStatus.REFUNDED

    for refused in (
        lambda: downloads.open(backends, token),
        lambda: downloads.open_zip(backends, order),
        lambda: downloads.links(backends, order),
    ):
        with pytest.raises(Withdrawn):
            refused()
    with pytest.raises(renditions.NoSuchPicture):
        renditions.open_signed(backends, address, by=None)


def test_a_restored_file_is_fetched_by_its_old_address(backends, bought):
    order, photo, _ = bought
    token, line_id = tokens(backends, order)[0], line_of(backends, order, photo)
    withdraw(backends, line_id)

    with backends.transaction() as session:
        downloads.restore(session, [line_id])

    assert fetch(backends, token) > 0


def test_withdrawing_twice_keeps_the_first_moment(backends, bought):
    order, photo, _ = bought
    line_id = line_of(backends, order, photo)
    withdraw(backends, line_id)
    before = files_of(backends, order)

    withdraw(backends, line_id)

    assert files_of(backends, order) == before


# --- only what nobody fetched --------------------------------------------------------------


def withdraw_unfetched(backends: Backends, order: Order, *photos: Photo) -> bool:
    line_ids = [line_of(backends, order, photo) for photo in photos]
    with backends.transaction() as session:
        return downloads.withdraw_unfetched(session, line_ids, backends.now())


def withdrawn(backends: Backends, order: Order) -> list[bool]:
    return [file.withdrawn_at is not None for file in files_of(backends, order)]


def test_what_nobody_fetched_is_withdrawn(backends, bought):
    order, photo, other = bought

    assert withdraw_unfetched(backends, order, photo, other)
    assert withdrawn(backends, order) == [True, True]


def test_of_several_lines_all_are_withdrawn_or_none(backends, bought):
    order, photo, other = bought
    fetch(backends, tokens(backends, order)[0])

    done = withdraw_unfetched(backends, order, photo, other)

    assert not done
    assert withdrawn(backends, order) == [False, False]


def test_what_else_the_transaction_wrote_stays_when_nothing_is_withdrawn(backends, bought):
    order, _, _ = bought
    fetch(backends, tokens(backends, order)[0])

    with backends.transaction() as session:
        session.get_one(Order, order.id).email = "other@example.org"
        done = downloads.withdraw_unfetched(session, lines_of(session, order), backends.now())

    assert not done
    assert orders.find(backends, order.id).email == "other@example.org"


def test_the_first_fetch_is_remembered_also_when_links_are_issued_anew(backends, bought):
    order, photo, _ = bought
    now = backends.now()
    backends.now = lambda: now
    fetch(backends, tokens(backends, order)[0])
    backends.now = lambda: now + timedelta(hours=1)
    fetch(backends, tokens(backends, order)[0])
    with backends.transaction() as session:
        downloads.reissue(backends, session, order)

    with backends.reading() as session:
        fetched = downloads.fetched_lines(session, order)

    assert fetched == {line_of(backends, order, photo)}
    assert [file.fetched_at for file in files_of(backends, order) if file.photo_id == photo.id] == [now]
    assert not withdraw_unfetched(backends, order, photo)


class Race:
    """A file is fetched and taken back at the same moment."""

    def __init__(self, backends: Backends) -> None:
        self.backends = backends
        photo = make_photo(backends, make_event(backends))
        self.order = sell(backends, photo)
        self.token, self.line_id = tokens(backends, self.order)[0], line_of(backends, self.order, photo)
        self.is_fetched = threading.Event()

    def run(self, take_back: Callable[["Race"], bool]) -> tuple[bool, bool]:
        """Tell which of the two won: who fetched, who took back."""
        barrier, won = threading.Barrier(2), {}

        def fetch_it() -> None:
            barrier.wait()
            with suppress(Withdrawn, downloads.DownloadOver):
                won["fetch"] = fetch(self.backends, self.token) > 0
            self.is_fetched.set()

        def refund_it() -> None:
            barrier.wait()
            won["refund"] = take_back(self)

        threads = [threading.Thread(target=one) for one in (fetch_it, refund_it)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return won.get("fetch", False), won["refund"]


def as_it_is(race: Race) -> bool:
    with race.backends.transaction() as session:
        return downloads.withdraw_unfetched(session, [race.line_id], race.backends.now())


def asking_first(race: Race) -> bool:
    with race.backends.reading() as session:
        is_unfetched = not downloads.fetched_lines(session, race.order)
    race.is_fetched.wait(10)
    withdraw(race.backends, race.line_id)
    return is_unfetched


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def either(request) -> Backends:
    """The platform with its rows on SQLite, and on PostgreSQL."""
    return request.getfixturevalue("backends" if request.param == "sqlite" else "platform")


def test_a_fetch_and_a_refund_never_both_win(either):
    assert {Race(either).run(as_it_is) for _ in range(12)} <= {(True, False), (False, True)}


def test_a_refund_that_asks_first_and_acts_then_lets_both_win(either):
    """The negative control of the test above."""
    assert any(Race(either).run(asking_first) == (True, True) for _ in range(50))


# --- addresses that end --------------------------------------------------------------------


def reissue(backends: Backends, order: Order) -> None:
    with backends.transaction() as session:
        downloads.reissue(backends, session, order)


def test_new_links_end_those_before(backends, bought):
    order, _, _ = bought
    before, address = tokens(backends, order), orders.address_token(backends, order)

    reissue(backends, order)

    after, new_address = tokens(backends, order), orders.address_token(backends, order)
    for token in before:
        with pytest.raises(NoSuchDownload):
            downloads.open(backends, token)
    with pytest.raises(orders.NoSuchOrder):
        orders.by_token(backends, address)
    assert all(fetch(backends, token) for token in after)
    assert orders.by_token(backends, new_address).id == order.id


def test_new_links_are_fresh_in_time_and_number(backends, bought):
    backends.settings.download_limit = 1
    order, _, _ = bought
    fetch(backends, tokens(backends, order)[0])
    later = backends.now() + backends.settings.download_ttl + timedelta(days=1)
    backends.now = lambda: later
    over = [link.left for link in downloads.links(backends, order)]

    backends.settings.download_limit = 3
    reissue(backends, order)

    links = downloads.links(backends, order)
    assert over == [0, 0]
    assert [link.left for link in links] == [3, 3]
    assert {link.expires_at for link in links} == {later + backends.settings.download_ttl}


def test_new_links_bring_no_withdrawn_file_back(backends, bought):
    order, photo, _ = bought
    withdraw(backends, line_of(backends, order, photo))
    before = next(file for file in files_of(backends, order) if file.photo_id == photo.id)

    reissue(backends, order)

    assert next(file for file in files_of(backends, order) if file.photo_id == photo.id) == before
    assert [link.is_withdrawn for link in downloads.links(backends, order)] == [True, False]


@pytest.mark.parametrize(
    ("status", "refusal"), [(OrderStatus.HELD, NotPaid), (OrderStatus.REFUNDED, Withdrawn)]
)
def test_there_are_new_links_for_paid_orders_only(backends, bought, status, refusal):
    order, _, _ = bought
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = status

    with pytest.raises(refusal):
        reissue(backends, orders.find(backends, order.id))


def test_addresses_made_before_there_were_versions_live_until_new_ones_are_issued(backends, bought):
    order, _, _ = bought
    file = files_of(backends, order)[0]
    address, token = (
        backends.signer.sign("order", str(order.id)),
        backends.signer.sign("download", str(file.id)),
    )
    assert orders.by_token(backends, address).id == order.id
    assert fetch(backends, token) > 0

    reissue(backends, order)

    with pytest.raises(orders.NoSuchOrder):
        orders.by_token(backends, address)
    with pytest.raises(NoSuchDownload):
        downloads.open(backends, token)
