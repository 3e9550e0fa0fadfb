"""Paid files over HTTP: headers, counting, and every way in that must stay shut."""

import hashlib
import io
import zipfile
from collections.abc import Iterator

import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import carts, checkouts, downloads, orders, payments
from core.gateway import PaymentState
from models.order import Download, Order
from tests.api.site import app_routes
from tests.makers import make_event, make_photo, make_viewer


@pytest.fixture
def client(backends) -> Iterator[TestClient]:
    """A browser without any cookie: the address alone is the permission."""
    with TestClient(Starlette(routes=app_routes(backends.settings))) as client:
        yield client


def make_order(backends, filename: str = "IMG_1.jpg", *, is_paid: bool = True) -> Order:
    """An order of one photo."""
    viewer = make_viewer()
    photo = make_photo(backends, make_event(backends), filename=filename)
    carts.add(backends, viewer, [photo.id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    if is_paid:
        backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return payments.refresh(backends, order.id)


def fetched(backends) -> int:
    """How often the one file was fetched."""
    with backends.reading() as session:
        return session.exec(select(Download.count)).one()


def test_a_paid_photo_comes_as_a_file(backends, client):
    order = make_order(backends)
    link = downloads.links(backends, order)[0]

    answer = client.get(link.url)

    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == link.photo.sha256
    assert {name: answer.headers[name] for name in sorted(answer.headers)} == {
        "cache-control": "private, no-store",
        "content-disposition": "attachment; filename=\"IMG_1.jpg\"; filename*=UTF-8''IMG_1.jpg",
        "content-length": str(link.photo.delivered_size),
        "content-type": "image/jpeg",
        "x-content-type-options": "nosniff",
    }
    assert fetched(backends) == 1


def test_a_head_tells_the_same_and_is_not_counted(backends, client):
    order = make_order(backends)
    url = downloads.links(backends, order)[0].url

    head = client.head(url)

    assert (head.status_code, head.content, fetched(backends)) == (200, b"", 0)
    assert head.headers == client.get(url).headers


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        (
            "วิ่ง.jpg",
            "attachment; filename=\"____.jpg\"; filename*=UTF-8''%E0%B8%A7%E0%B8%B4%E0%B9%88%E0%B8%87.jpg",
        ),
        ('a";b%.jpg', "attachment; filename=\"a_;b_.jpg\"; filename*=UTF-8''a_%3Bb%25.jpg"),
        ("a\r\nX: y.jpg", "attachment; filename=\"aX_ y.jpg\"; filename*=UTF-8''aX_%20y.jpg"),
    ],
)
def test_no_file_name_breaks_out_of_the_header(backends, client, filename, header):
    order = make_order(backends, filename)

    answer = client.get(downloads.links(backends, order)[0].url)

    assert answer.headers["content-disposition"] == header


def test_the_zip_comes_with_its_length_and_a_manifest(backends, client):
    order = make_order(backends)

    url = f"/downloads/zip/{orders.address_token(backends, order)}"
    head, answer = client.head(url), client.get(url)

    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.namelist() == ["IMG_1.jpg", "manifest.json"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert head.headers["content-length"] == answer.headers["content-length"]
    assert fetched(backends) == 1


def test_an_unpaid_order_gives_nothing(backends, client):
    order = make_order(backends, is_paid=False)

    answer = client.get(f"/downloads/zip/{orders.address_token(backends, order)}")

    assert (answer.status_code, answer.json()["error"]) == (403, "NotPaid")


def test_beyond_the_limit_the_answer_says_what_to_do(backends, client):
    backends.settings.download_limit = 1
    url = downloads.links(backends, make_order(backends))[0].url
    client.get(url)

    answer = client.get(url)

    assert answer.status_code == 403
    assert "Write to the organiser" in answer.json()["message"]


@pytest.mark.parametrize(
    "path", ["/downloads/nonsense", "/downloads/zip/nonsense", "/downloads/..%2F..%2Fetc"]
)
def test_an_address_that_was_not_made_by_us_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_the_address_of_a_file_opens_no_zip_and_the_other_way_round(backends, client):
    order = make_order(backends)
    file_token = downloads.links(backends, order)[0].url.rpartition("/")[2]

    answers = [
        client.get(f"/downloads/zip/{file_token}"),
        client.get(f"/downloads/{orders.address_token(backends, order)}"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert fetched(backends) == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_refused(backends, client, method):
    url = downloads.links(backends, make_order(backends))[0].url

    assert client.request(method, url).status_code == 405
