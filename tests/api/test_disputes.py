"""Payments that banks want back, for admins."""

from uuid import UUID

import pytest

from core import orders, payments
from core.gateway import DisputeState
from models.account import Role
from tests.api.test_orders import pay, place
from tests.makers import make_account, make_event, make_photo


def dispute(backends, order) -> str:
    """Let the buyer's bank want the money of an order back; return the dispute's id."""
    row = orders.find(backends, UUID(order["id"]))
    dispute_id, message = backends.payments.dispute(row.checkout_id, row.total_amount)
    payments.receive(backends, *message)
    payments.settle(backends, order["id"])
    return dispute_id


@pytest.fixture
def order(backends, api, visitor):
    return pay(api, visitor, place(api, visitor, make_photo(backends, make_event(backends))).json())


def test_admins_list_what_is_not_decided(backends, api, bearer, order):
    admin, dispute_id = bearer(make_account(backends, Role.ADMIN)), dispute(backends, order)

    found = api.get("/admin/disputes", headers=admin).json()["items"]
    payments.receive(backends, *backends.payments.close_dispute(dispute_id, DisputeState.WON))
    payments.settle(backends, order["id"])
    later = api.get("/admin/disputes", headers=admin).json()["items"]

    assert found == [
        {
            "id": dispute_id,
            "order_id": order["id"],
            "status": "open",
            "amount": 12_000,
            "currency": "THB",
            "opened_at": found[0]["opened_at"],
            "closed_at": None,
        }
    ]
    assert later == []


def test_nobody_else_is_told_of_disputes(backends, api, bearer, visitor):
    others = [bearer(make_account(backends, role)) for role in Role if role is not Role.ADMIN]

    statuses = [api.get("/admin/disputes", headers=headers).status_code for headers in ({}, visitor, *others)]

    assert statuses == [401, 401] + [403] * len(others)
