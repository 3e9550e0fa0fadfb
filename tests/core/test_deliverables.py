"""What a buyer receives of a photo: its name, its bytes, and the copy in web size."""

import hashlib
import io
import json
import zipfile
from uuid import UUID

import pytest
from PIL import Image

from core import deliverables, downloads, geotags, ingest, photos
from core.backends import Backends
from core.errors import NotFound, Unavailable
from models.account import Account
from models.cart import Size
from models.order import LineItem, Order
from models.photo import Photo
from tests.credits import EVERYWHERE, credited, said_by
from tests.makers import approve, make_event, make_photo, owner_of, upload
from tests.pictures import encoded, scene
from tests.sold import PRICE, files_of, sell


def token_of(backends: Backends, order: Order) -> str:
    return downloads.links(backends, order)[0].url.rpartition("/")[2]


def sold_in_web_size(backends: Backends, content: bytes | None = None, **fields) -> tuple[Order, Photo]:
    photo = make_photo(backends, make_event(backends), content, **fields)
    return sell(backends, photo, size=Size.WEB), photo


# --- full size -----------------------------------------------------------------------------


@pytest.mark.parametrize("has_gps", [False, True])
def test_the_full_size_says_whose_it_is_as_the_original_did(backends, work, has_gps):
    """T21: creator and copyright live in IPTC, EXIF and XMP."""
    event = make_event(backends)
    original = credited(gps=has_gps, size=(640, 480))
    photo = upload(backends, event, original, by=owner_of(backends, event))
    work()
    approve(backends, photo)

    delivery = downloads.open(backends, token_of(backends, sell(backends, photo)))

    received = b"".join(delivery.chunks)
    assert said_by(received) == said_by(original) == EVERYWHERE
    assert (received == original, len(received)) == (not has_gps, len(original))
    assert (geotags.has_gps(original), geotags.has_gps(received)) == (has_gps, False)
    assert hashlib.sha256(received).hexdigest() == delivery.sha256


# --- web size ------------------------------------------------------------------------------


def test_the_web_size_is_made_at_the_first_fetch_and_kept(backends):
    order, photo = sold_in_web_size(backends, credited(size=(2400, 1800)))
    key = deliverables.web_key(photo.id)
    before = list(backends.objects.keys("web/"))

    first = b"".join(downloads.open(backends, token_of(backends, order)).chunks)
    backends.pixels.web_copy = None  # it is made once
    second = b"".join(downloads.open(backends, token_of(backends, order)).chunks)

    assert (before, list(backends.objects.keys("web/"))) == ([], [key])
    assert first == second
    with Image.open(io.BytesIO(first)) as image:
        assert (image.format, image.size) == ("JPEG", (2048, 1536))
    assert said_by(first) == EVERYWHERE
    assert not geotags.has_gps(first)


def test_length_and_hash_of_the_web_size_are_its_own(backends):
    order, photo = sold_in_web_size(backends, encoded(scene(2100, 40)), media_type="image/png")
    token = token_of(backends, order)

    head = downloads.open(backends, token, is_counted=False)
    delivery = downloads.open(backends, token)
    received = b"".join(delivery.chunks)

    assert (head.length, head.sha256, head.media_type) == (
        len(received),
        hashlib.sha256(received).hexdigest(),
        "image/jpeg",
    )
    assert (delivery.length, delivery.sha256) == (head.length, head.sha256)
    assert delivery.filename == photo.filename.replace(".jpg", ".jpg.jpg")  # a PNG by its content


def test_a_link_to_the_web_size_says_so_and_to_the_full_size_says_more(backends):
    event = make_event(backends)
    photo = make_photo(backends, event, filename="scan.png", media_type="image/png")

    web = downloads.links(backends, sell(backends, photo, size=Size.WEB))[0]
    full = downloads.links(backends, sell(backends, photo))[0]

    assert (web.size, web.filename, web.media_type) == (Size.WEB, "scan.jpg", "image/jpeg")
    assert (web.byte_size, web.sha256) == (None, None)
    assert (full.size, full.filename, full.media_type) == (Size.FULL, "scan.png", "image/png")
    assert (full.byte_size, full.sha256) == (photo.byte_size, photo.sha256)


def test_both_sizes_are_in_one_zip_with_their_own_hashes(backends):
    event = make_event(backends)
    photos = [make_photo(backends, event, filename=f"{name}.jpg") for name in "ab"]
    order = sell(backends, *photos)
    web = next(file for file in files_of(backends, order) if file.photo_id == photos[1].id)
    with backends.transaction() as session:
        session.merge(web).size = Size.WEB

    head = downloads.open_zip(backends, order, is_counted=False)
    delivery = downloads.open_zip(backends, order)
    content = b"".join(delivery.chunks)

    assert head.length == delivery.length == len(content)
    archive = zipfile.ZipFile(io.BytesIO(content))
    files = json.loads(archive.read("manifest.json"))["files"]
    for name, file in files.items():
        inside = archive.read(name)
        assert (hashlib.sha256(inside).hexdigest(), len(inside)) == (file["sha256"], file["bytes"])
    assert files["a.jpg"]["sha256"] == photos[0].sha256
    assert files["b.jpg"]["sha256"] != photos[1].sha256


def test_a_web_size_that_cannot_be_made_is_not_counted(backends):
    order, _ = sold_in_web_size(backends)

    def away(*_) -> None:
        raise Unavailable("Too many pictures are being read right now.")

    backends.pixels.web_copy = away
    with pytest.raises(Unavailable):
        downloads.open(backends, token_of(backends, order))

    assert [(file.count, file.fetched_at) for file in files_of(backends, order)] == [(0, None)]
    assert list(backends.objects.keys("web/")) == []


def test_nobody_without_a_right_has_a_web_size_made(backends):
    order, _ = sold_in_web_size(backends)
    token, backends.pixels.web_copy = token_of(backends, order), None
    with backends.transaction() as session:
        downloads.withdraw(session, [file.line_item_id for file in files_of(backends, order)], backends.now())

    with pytest.raises(downloads.Withdrawn):
        downloads.open(backends, token, is_counted=False)


def test_a_web_size_made_while_its_photo_was_deleted_is_not_left_behind(backends, work):
    order, photo = sold_in_web_size(backends)
    line = files_of(backends, order)[0].line_item_id
    token, real = token_of(backends, order), backends.pixels.web_copy

    def meanwhile(*paths) -> None:
        refund(backends, line)
        delete(backends, photo)
        ingest.delete_photo(backends, str(photo.id))
        real(*paths)

    backends.pixels.web_copy = meanwhile
    with pytest.raises(NotFound):
        downloads.open(backends, token)

    assert [key for key in backends.objects.keys("") if str(photo.id) in key] == []


def refund(backends: Backends, line_id: UUID) -> None:
    with backends.transaction() as session:
        session.get_one(LineItem, line_id).refunded_amount = PRICE


def delete(backends: Backends, photo: Photo) -> None:
    with backends.reading() as session:
        owner = session.get_one(Account, photo.uploaded_by)
    photos.delete(backends, [photo.id], by=owner)


def test_the_web_size_goes_with_its_photo(backends, work):
    order, photo = sold_in_web_size(backends)
    b"".join(downloads.open(backends, token_of(backends, order)).chunks)
    refund(backends, files_of(backends, order)[0].line_item_id)

    delete(backends, photo)
    work()

    assert list(backends.objects.keys("web/")) == []


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "delivered"),
    [
        ("IMG_1.JPG", "IMG_1.JPG"),
        ("วิ่งกรุงเทพ.jpeg", "วิ่งกรุงเทพ.jpeg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("..\\..\\boot.ini", "boot.ini.jpg"),
        ("con.jpg", "_con.jpg"),
        ("NUL", "_NUL.jpg"),
        ("photo\x00.jpg\r\nSet-Cookie: a=b", "photo.jpgSet-Cookie_ a=b.jpg"),
        ("invoice\u202egpj.exe", "invoicegpj.exe.jpg"),
        ('a"b<c>.jpg', "a_b_c_.jpg"),
        ("😀.jpg", "😀.jpg"),
        ("...", "photo.jpg"),
        ("", "photo.jpg"),
        (".jpg", "jpg.jpg"),
        ("x" * 300 + ".jpg", "x" * 60 + ".jpg"),
    ],
)
def test_a_file_gets_a_name_that_every_system_takes(backends, stored, delivered):
    photo = Photo(filename=stored, media_type="image/jpeg")

    assert deliverables.file_name(photo) == delivered


def test_the_ending_follows_the_content_not_the_name():
    photo = Photo(filename="scan.html", media_type="image/png")

    assert deliverables.file_name(photo) == "scan.html.png"


@pytest.mark.parametrize(
    ("stored", "media_type", "delivered"),
    [
        ("IMG_1.JPG", "image/jpeg", "IMG_1.JPG"),
        ("scan.png", "image/png", "scan.jpg"),
        ("party.webp", "image/webp", "party.jpg"),
        ("con.png", "image/png", "_con.jpg"),
    ],
)
def test_the_web_size_is_named_as_the_jpeg_it_is(stored, media_type, delivered):
    photo = Photo(filename=stored, media_type=media_type)

    assert deliverables.file_name(photo, Size.WEB) == delivered
