"""The files that were paid for."""

import hashlib
import io
import json
import threading
import zipfile
from datetime import timedelta

import pytest
from sqlmodel import select, update

from core import downloads
from core.backends import Backends
from core.errors import Forbidden, NotFound
from models.activity import Activity, ActivityKind
from models.fields import utc_now
from models.order import Download, Order, OrderStatus
from models.photo import Photo, Review
from tests.makers import make_event, make_jpeg, make_photo
from tests.sold import sell


def bought_photo(backends: Backends, **fields) -> tuple[Order, Photo]:
    """A paid order of one photo."""
    photo = make_photo(backends, make_event(backends), **fields)
    return sell(backends, photo), photo


def token_of(backends: Backends, order: Order) -> str:
    """The token of the order's first file."""
    return downloads.links(backends, order)[0].url.rpartition("/")[2]


def counts(backends: Backends) -> list[int]:
    """How often each granted file was fetched."""
    with backends.reading() as session:
        return sorted(session.exec(select(Download.count)))


def test_who_paid_receives_the_original_untouched(backends):
    content = make_jpeg("somchai", seed=7)
    order, photo = bought_photo(backends, content=content)

    delivery = downloads.open(backends, token_of(backends, order))
    received = b"".join(delivery.chunks)

    assert received == content
    assert hashlib.sha256(received).hexdigest() == photo.sha256 == delivery.sha256
    assert (delivery.length, delivery.media_type) == (len(content), "image/jpeg")


def test_of_a_photo_with_gps_the_copy_without_it_is_delivered(backends):
    order, photo = bought_photo(backends, has_gps=True)
    copy = make_jpeg(seed=99)
    backends.objects.put(photo.delivered_key, io.BytesIO(copy), len(copy), "image/jpeg")
    with backends.transaction() as session:
        row = session.get(Photo, photo.id)
        row.delivered_sha256, row.delivered_size = hashlib.sha256(copy).hexdigest(), len(copy)

    delivery = downloads.open(backends, token_of(backends, order))

    assert b"".join(delivery.chunks) == copy
    assert (delivery.length, delivery.sha256) == (len(copy), hashlib.sha256(copy).hexdigest())


def test_each_fetch_is_counted_and_the_link_says_how_many_are_left(backends):
    order, photo = bought_photo(backends)
    before = downloads.links(backends, order)[0]

    b"".join(downloads.open(backends, token_of(backends, order)).chunks)

    after = downloads.links(backends, order)[0]
    assert (before.left, after.left) == (20, 19)
    assert before.url == after.url
    with backends.reading() as session:
        activity = session.exec(select(Activity).where(Activity.kind == ActivityKind.DOWNLOAD)).one()
    assert (activity.subject, activity.event_id) == (str(photo.id), photo.event_id)


def test_looking_at_the_headers_only_is_not_counted(backends):
    order, photo = bought_photo(backends)

    delivery = downloads.open(backends, token_of(backends, order), is_counted=False)

    assert (delivery.length, list(delivery.chunks)) == (photo.delivered_size, [])
    assert counts(backends) == [0]


def fetch_at_once(backends: Backends, token: str, number: int) -> list[bool]:
    """Fetch one file in several threads at the same moment; tell which were let through."""
    barrier, let_through = threading.Barrier(number), []

    def fetch() -> None:
        barrier.wait()
        try:
            b"".join(downloads.open(backends, token).chunks)
            let_through.append(True)
        except downloads.DownloadOver:
            let_through.append(False)

    threads = [threading.Thread(target=fetch) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return let_through


def test_a_file_is_fetched_as_often_as_granted_even_by_many_at_once(backends):
    backends.settings.download_limit = 3
    order, _ = bought_photo(backends)

    let_through = fetch_at_once(backends, token_of(backends, order), 8)

    assert (let_through.count(True), let_through.count(False)) == (3, 5)
    assert counts(backends) == [3]


def test_beyond_the_limit_the_refusal_says_what_to_do(backends):
    backends.settings.download_limit = 1
    order, _ = bought_photo(backends)
    token = token_of(backends, order)
    b"".join(downloads.open(backends, token).chunks)

    with pytest.raises(downloads.DownloadOver, match="Write to the organiser"):
        downloads.open(backends, token)

    assert downloads.links(backends, order)[0].left == 0


def test_after_its_time_a_file_can_no_longer_be_fetched(backends):
    order, _ = bought_photo(backends)
    token = token_of(backends, order)
    backends.now = lambda: utc_now() + timedelta(days=31)

    with pytest.raises(downloads.DownloadOver):
        downloads.open(backends, token)

    assert downloads.links(backends, order)[0].left == 0
    assert counts(backends) == [0]


@pytest.mark.parametrize(
    "status",
    [status for status in OrderStatus if status is not OrderStatus.PAID],
    ids=lambda status: status.value,
)
def test_only_a_paid_order_delivers(backends, status):
    order, _ = bought_photo(backends)
    token = token_of(backends, order)
    with backends.transaction() as session:
        session.execute(update(Order).values(status=status))

    for refused in (
        lambda: downloads.open(backends, token),
        lambda: downloads.open(backends, token, is_counted=False),
        lambda: downloads.open_zip(backends, order),
        lambda: downloads.links(backends, order),
    ):
        with pytest.raises(downloads.Withdrawn if status is OrderStatus.REFUNDED else downloads.NotPaid):
            refused()
    assert counts(backends) == [0]


def test_an_order_that_was_never_paid_has_no_files(backends):
    order = sell(backends, make_photo(backends, make_event(backends)), status=OrderStatus.PENDING)

    with pytest.raises(Forbidden, match="not paid"):
        downloads.links(backends, order)


@pytest.mark.parametrize(
    "spoil", [lambda token: token[:-1], lambda token: "x" + token, lambda _: "", lambda _: "ก"]
)
def test_a_changed_address_is_not_found(backends, spoil):
    order, _ = bought_photo(backends)

    with pytest.raises(NotFound):
        downloads.open(backends, spoil(token_of(backends, order)))


def test_a_token_signed_for_another_purpose_opens_no_file(backends):
    bought_photo(backends)
    with backends.reading() as session:
        download = session.exec(select(Download)).one()

    with pytest.raises(NotFound):
        downloads.open(backends, backends.signer.sign("order", str(download.id)))


def test_a_photo_withdrawn_after_the_purchase_is_still_delivered(backends):
    order, photo = bought_photo(backends)
    with backends.transaction() as session:
        session.get(Photo, photo.id).review = Review.REJECTED

    delivery = downloads.open(backends, token_of(backends, order))

    assert hashlib.sha256(b"".join(delivery.chunks)).hexdigest() == photo.sha256


def test_a_file_that_is_gone_is_not_counted(backends):
    order, photo = bought_photo(backends)
    backends.objects.delete([photo.delivered_key])

    with pytest.raises(NotFound):
        downloads.open(backends, token_of(backends, order))

    assert counts(backends) == [0]


def unzip(delivery: downloads.Delivery) -> zipfile.ZipFile:
    """The archive, once all of it has come."""
    content = b"".join(delivery.chunks)
    assert len(content) == delivery.length
    return zipfile.ZipFile(io.BytesIO(content))


def test_the_zip_holds_every_photo_and_a_manifest_of_their_hashes(backends):
    event = make_event(backends, name="Bangkok Run")
    photos = [make_photo(backends, event, filename=f"IMG_{number}.jpg") for number in range(3)]
    order = sell(backends, *photos)

    archive = unzip(downloads.open_zip(backends, order))

    manifest = json.loads(archive.read("manifest.json"))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == ["IMG_0.jpg", "IMG_1.jpg", "IMG_2.jpg", "manifest.json"]
    assert manifest["order"] == str(order.id)
    assert {name: file["event"] for name, file in manifest["files"].items()} == dict.fromkeys(
        ("IMG_0.jpg", "IMG_1.jpg", "IMG_2.jpg"), "Bangkok Run"
    )
    for name, file in manifest["files"].items():
        content = archive.read(name)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
    assert counts(backends) == [1, 1, 1]


def test_two_photos_of_one_name_are_both_in_the_zip(backends):
    event = make_event(backends)
    names = ["IMG_1.jpg", "IMG_1.jpg", "img_1.JPG", "IMG_1 (2).jpg", "manifest.json"]
    order = sell(backends, *(make_photo(backends, event, filename=name) for name in names))

    archive = unzip(downloads.open_zip(backends, order))

    found = [name.casefold() for name in archive.namelist()]
    assert len(found) == len(set(found)) == len(names) + 1


def test_the_zip_leaves_out_what_was_fetched_too_often_and_ends_when_nothing_is_left(backends):
    event = make_event(backends)
    one, two = make_photo(backends, event, filename="a.jpg"), make_photo(backends, event, filename="b.jpg")
    backends.settings.download_limit = 1
    order = sell(backends, one, two)
    b"".join(downloads.open(backends, token_of(backends, order)).chunks)

    archive = unzip(downloads.open_zip(backends, order))

    assert archive.namelist() == ["b.jpg", "manifest.json"]
    with pytest.raises(downloads.DownloadOver):
        downloads.open_zip(backends, order)


def test_the_zip_reads_one_photo_at_a_time(backends):
    event = make_event(backends)
    order = sell(backends, make_photo(backends, event), make_photo(backends, event))
    opened = []
    real_open = backends.objects.open
    backends.objects.open = lambda key: opened.append(key) or real_open(key)

    chunks = downloads.open_zip(backends, order).chunks
    before = len(opened)
    next(chunks), next(chunks)

    assert (before, len(opened)) == (0, 1)
    chunks.close()
