"""Payments that an order has open at the gateway: one at a time, ended before the next is opened."""

from contextlib import suppress
from uuid import UUID

import structlog

from core import orders, payments
from core.backends import Backends
from core.errors import Conflict, NotFound
from models.order import Order, OrderStatus

log = structlog.get_logger()


class PaymentUnderWay(Conflict):
    """Somebody is paying just now, and a second payment would be one too many."""

    def __init__(self) -> None:
        super().__init__("A payment of yours is just under way. Wait a moment, then look at your orders.")


def end(backends: Backends, order_id: UUID) -> Order:
    """End the payment that an order has open, and return the order: free for another one, or paid.

    Raises PaymentUnderWay, Unavailable.
    """
    order = orders.find(backends, order_id)
    if order.status is not OrderStatus.PENDING or order.checkout_id is None:
        return order
    try:
        backends.payments.cancel(order.checkout_id)
    except Conflict:  # paid meanwhile, or being paid: what became of it is asked for
        return _settled(backends, order_id)
    except NotFound:
        log.warning("payment unknown to the gateway", order_id=str(order_id), payment=order.checkout_id)
    with backends.transaction() as session:
        row = orders.locked(session, order_id)
        if row.checkout_id == order.checkout_id and row.status is OrderStatus.PENDING:
            row.checkout_id = row.checkout_url = None
            row.attempt += 1
    return row


def _settled(backends: Backends, order_id: UUID) -> Order:
    payments.settle(backends, str(order_id))
    order = orders.find(backends, order_id)
    if order.status is OrderStatus.PENDING:
        raise PaymentUnderWay
    return order


def note(backends: Backends, order: Order, payment_id: str, url: str | None) -> Order:
    """Write down the payment that was opened for an order; `url` is None when a program takes it.

    One that was ended meanwhile in another tab is ended at the gateway, too. Raises Unavailable.
    """
    with backends.transaction() as session:
        row = orders.locked(session, order.id)
        is_wanted = row.attempt == order.attempt and row.status is OrderStatus.PENDING
        if is_wanted:
            row.checkout_id, row.checkout_url = payment_id, url
    if not is_wanted and payment_id not in (row.checkout_id, row.intent_id):
        with suppress(Conflict, NotFound):  # paid already: its message, or the nightly look, tells of it
            backends.payments.cancel(payment_id)
    return row


def give_up(backends: Backends, order_id: UUID) -> None:
    """End an open order, not to be paid beside the next one. Raises PaymentUnderWay, Unavailable."""
    end(backends, order_id)
    _expire(backends, order_id)


def expire(backends: Backends, order_id: str) -> None:
    """Job: end an order whose time is over, unless it turns out to be paid. Raises Unavailable.

    A payment that is under way may still pay it later.
    """
    with suppress(PaymentUnderWay):
        end(backends, UUID(order_id))
    _expire(backends, UUID(order_id))


def _expire(backends: Backends, order_id: UUID) -> None:
    with backends.transaction() as session:
        payments.move(session, order_id, OrderStatus.EXPIRED, since=(OrderStatus.PENDING,))
