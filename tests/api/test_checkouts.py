"""Payments that programs make by themselves."""

import pytest

from core.gateway import Intent
from models.account import Role
from tests.api.test_orders import pay, place, token_of
from tests.makers import make_account, make_event, make_photo, some_id


@pytest.fixture
def order(backends, api, visitor):
    """A pending order."""
    return place(api, visitor, make_photo(backends, make_event(backends))).json()


@pytest.fixture
def asked(backends, monkeypatch):
    """What a gateway that has intents was asked for."""
    requests = []

    def start_intent(_gateway, request):
        requests.append(request)
        return Intent(f"pi_{request.attempt}", "pi_secret", "pk_test_1")

    monkeypatch.setattr(type(backends.payments), "has_intents", True)
    monkeypatch.setattr(type(backends.payments), "start_intent", start_intent)
    return requests


def start(api, headers, order_id: str, **asked):
    return api.post(f"/orders/{order_id}/payment-intent", params=asked, headers=headers)


def test_a_program_takes_the_payment_in_place_of_the_page(api, visitor, order, asked):
    answer = start(api, visitor, order["id"])

    assert answer.status_code == 201
    assert answer.json() == {"id": "pi_1", "client_secret": "pi_secret", "publishable_key": "pk_test_1"}
    assert answer.headers["cache-control"] == "no-store"
    assert [(one.amount, one.currency, str(one.order_id)) for one in asked] == [(12_000, "THB", order["id"])]
    assert api.get(f"/orders/{order['id']}", headers=visitor).json()["checkout_url"] is None


def test_asking_again_is_the_same_payment(api, visitor, order, asked):
    headers = visitor | {"Idempotency-Key": "pay-for-my-photos"}

    answers = [start(api, one, order["id"]) for one in (visitor, visitor, headers, headers)]

    assert {answer.json()["id"] for answer in answers} == {"pi_1"}
    assert answers[-1].headers["idempotent-replayed"] == "true"
    assert {one.attempt for one in asked} == {1}


def test_who_has_the_private_address_may_pay(api, order, asked):
    assert start(api, {}, order["id"], token=token_of(order)).status_code == 201


def test_to_everybody_else_there_is_nothing_to_pay(backends, api, bearer, order, asked):
    strangers = [{}, {"X-Visitor": "o" * 43}, *(bearer(make_account(backends, role)) for role in Role)]

    found = {
        (answer.status_code, answer.json()["error"])
        for headers in strangers
        for order_id in (order["id"], some_id())
        for answer in [start(api, headers, order_id)]
    }

    assert (found, asked) == ({(404, "NoSuchOrder")}, [])


def test_what_is_paid_is_not_paid_again(api, visitor, order, asked):
    pay(api, visitor, order)

    answer = start(api, visitor, order["id"])

    assert (answer.status_code, answer.json()["error"], asked) == (409, "NotPending", [])


def test_where_payments_are_only_played_the_page_stays_open(api, visitor, order):
    answer = start(api, visitor, order["id"])

    assert answer.status_code == 409
    assert api.get(f"/orders/{order['id']}", headers=visitor).json()["checkout_url"] == order["checkout_url"]
