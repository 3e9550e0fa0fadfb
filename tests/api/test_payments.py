"""What a payment gateway's messages may do over HTTP."""

from collections.abc import Iterator

import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api import payments as routes
from core import carts, checkouts, orders
from core.gateway import PaymentState
from models.order import Order, OrderStatus, ReceivedEvent
from tests.api.site import app_routes
from tests.makers import make_event, make_photo, make_viewer


@pytest.fixture
def client(backends) -> Iterator[TestClient]:
    """A gateway: no cookie, no origin."""
    with TestClient(Starlette(routes=app_routes(backends.settings))) as client:
        yield client


@pytest.fixture
def order(backends) -> Order:
    """A pending order."""
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, make_event(backends)).id])
    return checkouts.place(backends, viewer, "runner@example.org")


def received(backends) -> int:
    """How many messages were written down."""
    with backends.reading() as session:
        return len(session.exec(select(ReceivedEvent)).all())


def test_a_signed_message_is_taken_and_settled_by_a_job(backends, client, order, work):
    body, headers = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    answer = client.post("/webhooks/demo", content=body, headers=headers)
    before = orders.find(backends, order.id).status
    work()

    assert (answer.status_code, answer.content) == (202, b"")
    assert (before, orders.find(backends, order.id).status) == (OrderStatus.PENDING, OrderStatus.PAID)


def test_a_repeated_message_is_taken_as_well(backends, client, order):
    body, headers = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    answers = [client.post("/webhooks/demo", content=body, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert received(backends) == 1


def test_the_raw_bytes_are_what_is_verified(backends, client, order):
    body, headers = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    answer = client.post("/webhooks/demo", content=body.replace(b": ", b":"), headers=headers)

    assert (answer.status_code, received(backends)) == (403, 0)


def test_an_unsigned_message_is_refused(backends, client, order):
    body, _ = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    answer = client.post("/webhooks/demo", content=body)

    assert (answer.status_code, received(backends)) == (403, 0)


def test_another_gateways_address_is_not_found(backends, client, order):
    body, headers = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    assert client.post("/webhooks/stripe", content=body, headers=headers).status_code == 404


def test_a_message_of_endless_length_is_cut_off(client, monkeypatch):
    monkeypatch.setattr(routes, "LARGEST_MESSAGE", 1000)

    assert client.post("/webhooks/demo", content=b"x" * 1001).status_code == 422


def test_messages_are_posted(client):
    assert client.get("/webhooks/demo").status_code == 405
