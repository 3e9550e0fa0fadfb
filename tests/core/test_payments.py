"""Payments as people meet them: money put aside for an admin."""

import pytest

from core import carts, orders, payments
from core.errors import Forbidden, SignInNeeded
from models.account import Role
from models.order import Order, OrderStatus
from tests.makers import make_account, make_event, make_photo, make_viewer


def make_order(backends, status: OrderStatus) -> Order:
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, make_event(backends)).id])
    order = orders.place(backends, viewer, "runner@example.org")
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = status
    return order


def test_admins_see_the_orders_that_are_held_newest_first(backends):
    first, second = (make_order(backends, OrderStatus.HELD) for _ in range(2))
    for status in set(OrderStatus) - {OrderStatus.HELD}:
        make_order(backends, status)

    held = payments.held(backends, by=make_account(backends, Role.ADMIN)).items

    assert [order.id for order in held] == [second.id, first.id]


@pytest.mark.parametrize("role", [*(role for role in Role if role is not Role.ADMIN), None])
def test_nobody_else_sees_whose_money_is_held(backends, role):
    account = None if role is None else make_account(backends, role)

    with pytest.raises(SignInNeeded if account is None else Forbidden):
        payments.held(backends, by=account)
