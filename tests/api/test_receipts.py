"""Receipts to be printed: what is on them, who may see them, and that nothing runs in them."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from core import carts, checkouts, orders, payments, receipts, refunds
from core.gateway import PaymentState
from models.event import Event
from models.order import Order
from models.price import PriceList
from models.refund import Receipt
from tests.api.site import site
from tests.makers import make_event, make_photo, make_viewer, owner_of

BUYER = "runner@example.org"


@pytest.fixture
def client(backends) -> Iterator[TestClient]:
    """A browser without any cookie: the address alone is the permission. The site has all its middleware."""
    with TestClient(site(backends), base_url="http://localhost:8501") as client:
        yield client


def make_order(backends, *, photos: int = 2, name: str = "Run") -> Order:
    """A paid order, taxed with 7 %."""
    viewer, event = make_viewer(), make_event(backends, name=name)
    with backends.transaction() as session:
        session.add(PriceList(event_id=event.id, tax_basis_points=700))
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(photos)])
    order = checkouts.place(backends, viewer, BUYER)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return payments.refresh(backends, order.id)


def paper_of(backends, order: Order, number: int = 0) -> Receipt:
    return receipts.of_order(backends, order)[number]


def said(page: str) -> str:
    """The words of a page, without its tags."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def test_a_receipt_says_what_was_bought_by_whom_and_of_whom(backends, client):
    backends.settings.seller = "Encore Ltd|1 River Road, Bangkok|Tax 0105500000000"
    order = make_order(backends)
    paper = paper_of(backends, order)

    words = said(client.get(receipts.address(backends, order, paper)).text)

    assert paper.code in words
    for part in ("Encore Ltd", "1 River Road, Bangkok", "Tax 0105500000000", BUYER, str(order.id)):
        assert part in words
    assert "Run · full size: 2 × ฿120 ฿240 Paid ฿240 Includes VAT 7 % ฿15.70" in words
    assert orders.address(backends, order) in client.get(receipts.address(backends, order, paper)).text


def test_a_credit_note_says_what_went_back(backends, client, work):
    order = make_order(backends)
    line = orders.lines(backends, order)[0]
    with backends.reading() as session:
        event = session.exec(select(Event)).one()
    refunds.give_back(backends, order.id, [line.id], "Blurred", by=owner_of(backends, event))
    work()
    note = paper_of(backends, order, 1)

    words = said(client.get(receipts.address(backends, order, note)).text)

    assert f"Credit note {note.code}" in words
    assert f"Receipt {paper_of(backends, order).code}" in words
    assert f"{line.label} ฿120 Given back ฿120 Tax within ฿7.85" in words


def test_what_others_wrote_stays_words(backends, client):
    order = make_order(backends, name="<script>alert(1)</script>")

    page = client.get(receipts.address(backends, order, paper_of(backends, order))).text

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_receipt_is_private_and_may_do_nothing_but_look_like_this(backends, client):
    order = make_order(backends)

    answer = client.get(receipts.address(backends, order, paper_of(backends, order)))

    style = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert len(style) == 1
    assert "style=" not in answer.text


@pytest.mark.parametrize("token", ["nonsense", "%00", "a.b", "WzFd.x"])
def test_an_address_that_we_did_not_make_opens_nothing(client, token):
    answer = client.get(f"/receipts/{token}")

    assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchReceipt")


def test_what_opens_an_order_opens_no_receipt(backends, client):
    order = make_order(backends)

    answer = client.get(f"/receipts/{orders.address_token(backends, order)}")

    assert answer.status_code == 404


def test_reissued_links_end_the_receipts_address_too(backends, client):
    order = make_order(backends)
    address = receipts.address(backends, order, paper_of(backends, order))
    with backends.transaction() as session:
        session.get_one(Order, order.id).link_version += 1

    answer = client.get(address)

    assert answer.status_code == 404


def test_every_paper_of_an_order_has_an_address_of_its_own(backends, client):
    first, second = make_order(backends), make_order(backends)

    pages = [
        client.get(receipts.address(backends, one, paper_of(backends, one))).text for one in (first, second)
    ]

    assert str(second.id) not in pages[0]
    assert str(first.id) not in pages[1]
