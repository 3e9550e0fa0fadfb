"""From the cart to the files over HTTP, and everything that must stay shut on the way."""

import hashlib
import io
import zipfile

import pytest
from sqlmodel import select

from core import coupons, orders, prices
from core.terms import Terms
from models.account import Role
from models.event import Event
from models.order import Order
from models.photo import Photo
from tests.makers import make_account, make_event, make_photo, owner_of, some_id

EMAIL = "runner@example.org"


@pytest.fixture
def photo(backends) -> Photo:
    return make_photo(backends, make_event(backends, price_amount=12_000), filename="IMG_7.jpg")


def place(api, headers, *photos: Photo, **more):
    """What ordering photos is answered."""
    ids = [str(photo.id) for photo in photos]
    assert api.post("/cart/photos", json={"photo_ids": ids}, headers=headers).status_code == 200
    return api.post("/orders", json={"email": EMAIL} | more, headers=headers)


def play(api, order, state: str = "paid"):
    """Let the bank say it."""
    checkout_id = order["checkout_url"].partition("c=")[2]
    return api.post(f"/demo-payments/{checkout_id}", json={"state": state})


def pay(api, headers, order):
    """The order, after its payment."""
    assert play(api, order).status_code == 200
    return api.post(f"/orders/{order['id']}/refresh", headers=headers).json()


def token_of(order) -> str:
    return order["page_url"].partition("o=")[2]


def test_an_order_has_our_prices_and_a_way_to_pay(backends, api, visitor, photo):
    answer = place(api, visitor, photo)

    (row,) = all_orders(backends)
    (line,) = orders.lines(backends, row)
    event_name = line.label.removesuffix(" · IMG_7.jpg")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(row.id),
        "status": "pending",
        "total_amount": 12_000,
        "tax_amount": 0,
        "currency": "THB",
        "email": EMAIL,
        "created_at": stamp(row.created_at),
        "expires_at": stamp(row.expires_at),
        "paid_at": None,
        "lines": [
            {
                "id": str(line.id),
                "kind": "photo",
                "photo_id": str(photo.id),
                "event_id": photo.event_id,
                "label": line.label,
                "size": "full",
                "list_amount": 12_000,
                "amount": 12_000,
                "tax_amount": 0,
                "refunded_amount": 0,
                "is_gift": False,
                "currency": "THB",
            }
        ],
        "bill": [{"kind": "photos", "text": f"{event_name} · full size: 1 × ฿120", "amount": 12_000}],
        "refunds": [],
        "is_disputed": False,
        "checkout_url": f"http://localhost:8501/pay?c={row.checkout_id}",
        "page_url": f"http://localhost:8501{orders.address(backends, row)}",
        "archive_url": None,
    }
    assert (row.account_id, row.total_amount) == (None, 12_000)


def all_orders(backends) -> list[Order]:
    with backends.reading() as session:
        return list(session.exec(select(Order)))


def stamp(at) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "more",
    [
        {"total_amount": 1},
        {"amount": 1},
        {"currency": "JPY"},
        {"status": "paid"},
        {"account_id": 1},
        {"visitor_key": "v" * 64},
        {"gateway": "free"},
        {"paid_at": "2026-10-17T00:00:00Z"},
        {"lines": []},
        {"role": "admin"},
    ],
)
def test_no_field_of_a_request_sets_a_price_an_owner_or_a_status(backends, api, visitor, photo, more):
    answer = place(api, visitor, photo, **more)

    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")
    assert all_orders(backends) == []


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a" * 255 + "@example.org", "a\0@example.org", 7, None]
)
def test_what_is_no_address_is_refused(backends, api, visitor, photo, email):
    answer = place(api, visitor, photo, email=email)

    assert answer.status_code == 422
    assert all_orders(backends) == []


def test_half_a_character_in_an_address_is_refused(api, visitor, photo):
    place(api, visitor, photo)

    answer = api.post(
        "/orders",
        content=b'{"email": "runner\\ud800@example.org"}',
        headers=visitor | {"Content-Type": "application/json"},
    )

    assert answer.status_code == 422


def test_an_empty_cart_is_no_order(api, visitor):
    answer = api.post("/orders", json={"email": EMAIL}, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (409, "CartIsEmpty")


def test_ordering_twice_under_one_key_is_one_order(backends, api, visitor, photo):
    headers = visitor | {"Idempotency-Key": "order-of-today"}
    free = make_photo(backends, make_event(backends, price_amount=0))

    first = place(api, headers, free)
    second = api.post("/orders", json={"email": EMAIL}, headers=headers)

    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotent-replayed"] == "true"
    assert len(all_orders(backends)) == 1


def test_a_free_order_is_paid_at_once(backends, api, visitor):
    free = make_photo(backends, make_event(backends, price_amount=0))

    order = place(api, visitor, free).json()

    assert (order["status"], order["total_amount"], order["checkout_url"]) == ("paid", 0, None)
    assert order["archive_url"] == f"http://localhost:8501/downloads/zip/{token_of(order)}"


def test_a_paid_orders_files_are_fetched_without_any_sign_in(api, visitor, photo):
    order = pay(api, visitor, place(api, visitor, photo).json())

    found = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()

    (link,) = found["items"]
    fetched = api.get(link["url"])
    archive = zipfile.ZipFile(io.BytesIO(api.get(order["archive_url"]).content))
    assert (order["status"], order["checkout_url"], found["next_cursor"]) == ("paid", None, None)
    assert (link["photo_id"], link["filename"], link["media_type"], link["left"]) == (
        str(photo.id),
        "IMG_7.jpg",
        "image/jpeg",
        20,
    )
    assert link["url"].startswith("http://localhost:8501/downloads/")
    assert hashlib.sha256(fetched.content).hexdigest() == link["sha256"] == photo.sha256
    assert len(fetched.content) == link["byte_size"]
    assert sorted(archive.namelist()) == ["IMG_7.jpg", "manifest.json"]
    assert api.get("/cart", headers=visitor).json()["items"] == []


def test_an_unpaid_order_has_no_files(api, visitor, photo):
    order = place(api, visitor, photo).json()

    answer = api.get(f"/orders/{order['id']}/downloads", headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (403, "NotPaid")


def test_ones_orders_are_listed_newest_first_page_by_page(backends, api, visitor):
    photos = [make_photo(backends, make_event(backends, price_amount=0)) for _ in range(3)]
    placed = [place(api, visitor, photo).json() for photo in photos]

    first = api.get("/orders?limit=2", headers=visitor).json()
    second = api.get(f"/orders?limit=2&cursor={first['next_cursor']}", headers=visitor).json()

    assert [*first["items"], *second["items"]] == placed[::-1]
    assert second["next_cursor"] is None


def test_orders_are_filtered_by_status(backends, api, visitor, photo):
    paid = place(api, visitor, make_photo(backends, make_event(backends, price_amount=0))).json()
    pending = place(api, visitor, photo).json()

    def found(status: str):
        return api.get("/orders", params={"status": status}, headers=visitor).json()["items"]

    assert (found("paid"), found("pending"), found("held")) == ([paid], [pending], [])
    assert api.get("/orders?status=stolen", headers=visitor).status_code == 422


def test_an_accounts_order_is_the_accounts_wherever_it_signs_in(backends, api, bearer, visitor, photo):
    account = make_account(backends)
    order = place(api, bearer(account) | visitor, photo).json()

    elsewhere = api.get(f"/orders/{order['id']}", headers=bearer(account))
    same_visitor = api.get(f"/orders/{order['id']}", headers=visitor)

    assert elsewhere.json() == order
    assert same_visitor.status_code == 404


def test_who_has_the_private_address_sees_the_order_but_not_whose_it_is(api, visitor, photo):
    order = pay(api, visitor, place(api, visitor, photo).json())
    query = {"token": token_of(order)}

    seen = api.get(f"/orders/{order['id']}", params=query)
    refreshed = api.post(f"/orders/{order['id']}/refresh", params=query)
    files = api.get(f"/orders/{order['id']}/downloads", params=query)

    assert seen.json() == refreshed.json() == order | {"email": None}
    assert [file["photo_id"] for file in files.json()["items"]] == [str(photo.id)]


def test_to_everybody_else_there_is_no_such_order(backends, api, bearer, visitor, photo):
    order = pay(api, visitor, place(api, visitor, photo).json())
    mine = place(api, {"X-Visitor": "o" * 43}, photo).json()
    strangers = [{}, {"X-Visitor": "o" * 43}, *(bearer(make_account(backends, role)) for role in Role)]
    tokens = ["", "guessed", token_of(mine), token_of(order)[:-1]]

    refusals = {
        (answer.status_code, answer.json()["error"], answer.json()["message"])
        for order_id in (order["id"], some_id())
        for headers in strangers
        for token in tokens
        for answer in (
            api.get(f"/orders/{order_id}", params={"token": token}, headers=headers),
            api.post(f"/orders/{order_id}/refresh", params={"token": token}, headers=headers),
            api.get(f"/orders/{order_id}/downloads", params={"token": token}, headers=headers),
        )
    }

    message = "There is no such order. Check the link, or look at your orders."
    assert refusals == {(404, "NoSuchOrder", message)}


def test_nobody_in_particular_neither_orders_nor_has_orders(api):
    answers = [api.get("/orders"), api.post("/orders", json={"email": EMAIL})]

    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(422, "VisitorNeeded")}


# What it was placed at


def test_a_coupon_and_taxes_are_copied_into_the_order_and_stay(backends, api, visitor, photo):
    with backends.reading() as session:
        event = session.get_one(Event, photo.event_id)
    owner = owner_of(backends, event)
    prices.save(backends, event.id, Terms(12_000, web_amount=6_000, tax_basis_points=700), by=owner)
    coupons.create(backends, event.id, coupons.Draft("RUNNER10", 10), by=owner)
    put = {"photo_ids": [str(photo.id)], "size": "web"}
    api.post("/cart/photos", json=put, headers=visitor)
    api.put("/cart/coupon", json={"code": "RUNNER10"}, headers=visitor)
    quoted = api.get("/cart", headers=visitor).json()

    order = pay(api, visitor, api.post("/orders", json={"email": EMAIL}, headers=visitor).json())
    prices.save(backends, event.id, Terms(99_000), by=owner)

    later, (line,) = api.get(f"/orders/{order['id']}", headers=visitor).json(), order["lines"]
    assert (later["bill"], later["total_amount"], later["tax_amount"]) == (quoted["bill"], 5_400, 353)
    assert (line["size"], line["list_amount"], line["amount"], line["tax_amount"]) == (
        "web",
        6_000,
        5_400,
        353,
    )


def test_a_pass_is_a_line_without_a_photo_and_has_every_file(backends, api, visitor, photo):
    with backends.reading() as session:
        event = session.get_one(Event, photo.event_id)
    prices.save(backends, event.id, Terms(12_000, pass_amount=30_000), by=owner_of(backends, event))
    other = make_photo(backends, event)
    api.post("/cart/passes", json={"event_id": event.id}, headers=visitor)

    order = pay(api, visitor, api.post("/orders", json={"email": EMAIL}, headers=visitor).json())

    (line,) = order["lines"]
    files = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"]
    assert (line["kind"], line["photo_id"], line["amount"]) == ("pass", None, 30_000)
    assert {file["photo_id"] for file in files} == {str(photo.id), str(other.id)}


def test_a_web_size_is_fetched_as_a_smaller_file(backends, api, visitor, photo):
    with backends.reading() as session:
        event = session.get_one(Event, photo.event_id)
    prices.save(backends, event.id, Terms(12_000, web_amount=0), by=owner_of(backends, event))
    api.post("/cart/photos", json={"photo_ids": [str(photo.id)], "size": "web"}, headers=visitor)
    order = api.post("/orders", json={"email": EMAIL}, headers=visitor).json()

    (file,) = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"]

    assert (file["size"], file["byte_size"], file["sha256"]) == ("web", None, None)
    assert api.get(file["url"]).headers["content-type"] == "image/jpeg"


def test_a_paid_order_has_a_receipt_and_a_pending_one_none(api, visitor, photo):
    pending = place(api, visitor, photo).json()
    before = api.get(f"/orders/{pending['id']}/receipts", headers=visitor).json()["items"]

    order = pay(api, visitor, pending)

    (receipt,) = api.get(f"/orders/{order['id']}/receipts", headers=visitor).json()["items"]
    assert before == []
    assert receipt == {
        "code": receipt["code"],
        "kind": "receipt",
        "amount": 12_000,
        "tax_amount": 0,
        "currency": "THB",
        "seller": receipt["seller"],
        "issued_at": receipt["issued_at"],
    }
    assert receipt["code"].startswith("R")


# Payments that are played


def test_a_played_payment_settles_the_order_by_its_job(api, visitor, photo, work):
    order = place(api, visitor, photo).json()

    answer = play(api, order)
    work()

    checkout_id = order["checkout_url"].partition("c=")[2]
    assert answer.json() == {"checkout_id": checkout_id, "state": "paid"}
    assert api.get(f"/orders/{order['id']}", headers=visitor).json()["status"] == "paid"


def test_the_first_answer_of_the_bank_is_final(api, visitor, photo):
    order = place(api, visitor, photo).json()

    answers = [play(api, order, "failed"), play(api, order, "paid")]

    refreshed = api.post(f"/orders/{order['id']}/refresh", headers=visitor).json()
    assert [answer.json()["state"] for answer in answers] == ["failed", "failed"]
    assert (refreshed["status"], refreshed["checkout_url"]) == ("failed", None)


@pytest.mark.parametrize(
    ("checkout_id", "status"),
    [("demo_" + "0" * 40, 404), ("stripe", 404), ("..%2F..%2Fsecret", 404), ("x" * 500, 422), ("%00", 422)],
)
def test_an_unknown_payment_cannot_be_played(api, checkout_id, status):
    answer = api.post(f"/demo-payments/{checkout_id}", json={"state": "paid"})

    assert answer.status_code == status


@pytest.mark.parametrize(
    "sent", [{"state": "open"}, {"state": "expired"}, {}, {"state": "paid", "amount": 1}]
)
def test_a_bank_says_paid_or_failed_and_no_more(api, visitor, photo, sent):
    order = place(api, visitor, photo).json()

    answer = api.post(f"/demo-payments/{order['checkout_url'].partition('c=')[2]}", json=sent)

    assert answer.status_code == 422


def test_with_a_real_gateway_nothing_is_played(backends, api):
    class RealGateway:
        name = "stripe"

    object.__setattr__(backends, "payments", RealGateway())

    answer = api.post(f"/demo-payments/demo_{'0' * 40}", json={"state": "paid"})

    assert answer.status_code == 404
