"""Money that fits no order: put aside, shown to admins, given back by them."""

import pytest

from core import carts, checkouts, held, ledger, orders, payments
from core.errors import Forbidden, SignInNeeded, Unavailable
from core.gateway import PaymentState, RefundState
from models.account import Role
from models.order import Order, OrderStatus
from tests.makers import make_account, make_event, make_photo, make_viewer


def make_order(backends, status: OrderStatus) -> Order:
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, make_event(backends)).id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = status
    return order


def make_held(backends) -> Order:
    """An order for which another amount was paid than it asks for."""
    order = make_order(backends, OrderStatus.PENDING)
    with backends.transaction() as session:
        session.get_one(Order, order.id).total_amount = 1
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return payments.refresh(backends, order.id)


def test_admins_see_the_orders_that_are_held_newest_first(backends):
    first, second = (make_order(backends, OrderStatus.HELD) for _ in range(2))
    for status in set(OrderStatus) - {OrderStatus.HELD}:
        make_order(backends, status)

    listed = held.listing(backends, by=make_account(backends, Role.ADMIN)).items

    assert [order.id for order in listed] == [second.id, first.id]


@pytest.mark.parametrize("role", [*(role for role in Role if role is not Role.ADMIN), None])
def test_nobody_else_sees_whose_money_is_held(backends, role):
    account = None if role is None else make_account(backends, role)

    with pytest.raises(SignInNeeded if account is None else Forbidden):
        held.listing(backends, by=account)


def test_an_admin_gives_back_what_was_put_aside_and_the_books_are_even(backends):
    order, admin = make_held(backends), make_account(backends, Role.ADMIN)
    before = held.amounts(backends, order)

    after = held.give_back(backends, order.id, by=admin)

    assert before == {order.checkout_id: 12_000}
    assert (after.status, held.amounts(backends, order)) == (OrderStatus.REFUNDED, {})
    assert backends.payments.look_up(order.checkout_id).refunds[0].amount == 12_000
    with backends.reading() as session:
        assert not any(ledger.totals(session).values())


def test_giving_back_twice_finds_nothing_the_second_time(backends):
    order, admin = make_held(backends), make_account(backends, Role.ADMIN)
    held.give_back(backends, order.id, by=admin)

    with pytest.raises(held.NothingHeld):
        held.give_back(backends, order.id, by=admin)

    assert len(backends.payments.look_up(order.checkout_id).refunds) == 1


def test_nobody_but_an_admin_gives_held_money_back(backends):
    order = make_held(backends)

    with pytest.raises(Forbidden):
        held.give_back(backends, order.id, by=make_account(backends, Role.ORGANISER))

    assert held.amounts(backends, order) == {order.checkout_id: 12_000}


def test_a_crash_after_the_gateway_answered_gives_back_once(backends, monkeypatch):
    order, admin = make_held(backends), make_account(backends, Role.ADMIN)

    def crash(*_):
        raise Unavailable("The database is away.")

    with monkeypatch.context() as patched:
        patched.setattr(held.payments, "settle", crash)
        with pytest.raises(Unavailable):
            held.give_back(backends, order.id, by=admin)
    after = held.give_back(backends, order.id, by=admin)

    assert after.status is OrderStatus.REFUNDED
    assert len(backends.payments.look_up(order.checkout_id).refunds) == 1


def test_money_whose_return_fails_at_the_bank_is_put_aside_again_and_can_be_sent_again(backends):
    backends.payments.are_refunds_slow = True
    order, admin = make_held(backends), make_account(backends, Role.ADMIN)
    held.give_back(backends, order.id, by=admin)
    (refund,) = backends.payments.look_up(order.checkout_id).refunds

    payments.receive(
        backends, *backends.payments.settle_refund(order.checkout_id, refund.id, RefundState.FAILED)
    )
    payments.settle(backends, str(order.id))
    again = orders.find(backends, order.id).status
    backends.payments.are_refunds_slow = False
    after = held.give_back(backends, order.id, by=admin)

    assert (again, after.status) == (OrderStatus.HELD, OrderStatus.REFUNDED)
    assert len(backends.payments.look_up(order.checkout_id).refunds) == 2


def test_a_second_payment_of_a_paid_order_is_shown_to_admins_and_given_back(backends):
    order, other = make_order(backends, OrderStatus.PENDING), make_order(backends, OrderStatus.PENDING)
    for one in (order, other):
        backends.payments.decide(one.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)
    payments.look(backends, order.id, other.checkout_id)
    admin = make_account(backends, Role.ADMIN)

    listed = held.listing(backends, by=admin).items
    after = held.give_back(backends, order.id, by=admin)

    assert [one.id for one in listed] == [order.id]
    assert (after.status, held.amounts(backends, order)) == (OrderStatus.PAID, {})
