"""Money that was put aside, for admins."""

from dataclasses import replace
from uuid import UUID

import pytest

from core import orders, payments
from models.account import Role
from tests.api.test_orders import place, play
from tests.makers import make_account, make_event, make_photo, some_id


@pytest.fixture
def admin(backends, bearer):
    return bearer(make_account(backends, Role.ADMIN))


@pytest.fixture
def held(backends, api, visitor, monkeypatch):
    """An order for which half of its money came."""
    order = place(api, visitor, make_photo(backends, make_event(backends))).json()
    play(api, order)
    look_up = type(backends.payments).look_up

    def half(gateway, payment_id):
        return replace(look_up(gateway, payment_id), amount=6_000)

    with monkeypatch.context() as patch:
        patch.setattr(type(backends.payments), "look_up", half)
        payments.settle(backends, order["id"])
    return order


def test_admins_list_the_orders_that_are_held(backends, api, admin, held):
    place(api, {"X-Visitor": "o" * 43}, make_photo(backends, make_event(backends)))

    found = api.get("/admin/held-orders", headers=admin).json()

    names = ("id", "total_amount", "currency", "email", "created_at")
    assert found == {
        "items": [{name: held[name] for name in names} | {"status": "held"}],
        "next_cursor": None,
    }


def test_money_that_fits_nothing_goes_back_to_who_paid_it(backends, api, admin, visitor, held):
    answer = api.post(f"/admin/held-orders/{held['id']}/refund", headers=admin)

    row = orders.find(backends, UUID(held["id"]))
    (refund,) = backends.payments.look_up(row.checkout_id).refunds
    assert (answer.status_code, answer.json()["status"], refund.amount) == (200, "refunded", 6_000)
    assert api.get("/admin/held-orders", headers=admin).json()["items"] == []
    assert api.get(f"/orders/{held['id']}/downloads", headers=visitor).status_code == 403


@pytest.mark.parametrize("which", ["pending", "missing"])
def test_where_nothing_is_held_nothing_goes_back(backends, api, admin, visitor, which):
    order = place(api, visitor, make_photo(backends, make_event(backends))).json()
    order_id, expected = {
        "pending": (order["id"], (409, "NothingHeld")),
        "missing": (some_id(), (404, "NoSuchOrder")),
    }[which]

    answer = api.post(f"/admin/held-orders/{order_id}/refund", headers=admin)

    assert (answer.status_code, answer.json()["error"]) == expected


def test_nobody_else_sees_whose_money_is_held_or_gives_it_back(backends, api, bearer, visitor, held):
    others = [bearer(make_account(backends, role)) for role in Role if role is not Role.ADMIN]

    found = [
        (
            api.get("/admin/held-orders", headers=headers).status_code,
            api.post(f"/admin/held-orders/{held['id']}/refund", headers=headers).status_code,
        )
        for headers in ({}, visitor, *others)
    ]

    assert found == [(401, 401)] * 2 + [(403, 403)] * len(others)
