"""Money that fits no order: put aside, shown to admins, and given back by them."""

from uuid import UUID

from sqlmodel import col, or_, select

from core import access, audit, orders, paging, payments, purchases, set_aside
from core.backends import Backends
from core.errors import Conflict
from core.gateway import RefundState
from core.paging import Asked, Page
from models.account import Account, Role
from models.order import Order, OrderStatus


class NothingHeld(Conflict):
    """Nothing of this order was put aside."""

    def __init__(self) -> None:
        super().__init__("No money of this order is put aside. Look at it again.")


class NotReturned(Conflict):
    """The gateway could not give it back."""

    def __init__(self) -> None:
        super().__init__(
            "The payment service could not give this money back. Try again, or pay it back otherwise."
        )


def listing(backends: Backends, asked: Asked = paging.LONG, *, by: Account | None) -> Page[Order]:
    """Return the orders of which money is put aside, newest first: an admin settles them with the buyer.

    Among them may be one that was paid, and then once more.
    """
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        put_aside = col(Order.id).in_(set_aside.orders())
        query = select(Order).where(or_(col(Order.status) == OrderStatus.HELD, put_aside))
        return paging.read(backends, session, query, purchases.NEWEST, asked)


def amounts(backends: Backends, order: Order) -> dict[str, int]:
    """Return what is put aside of an order, minor units by the gateway's id of the payment."""
    with backends.reading() as session:
        return set_aside.of_order(session, order)


def give_back(backends: Backends, order_id: UUID, *, by: Account | None) -> Order:
    """Send money that was put aside back to who paid it. Admins only.

    Raises NoSuchOrder, NothingHeld, NotReturned, Unavailable, and Conflict when the gateway refuses.
    """
    account = access.require_role(by, Role.ADMIN)
    order = orders.find(backends, order_id)
    there = amounts(backends, order)
    if not there:
        raise NothingHeld
    for payment_id, amount in there.items():
        _refund(backends, payment_id, amount)
    with backends.transaction() as session:
        audit.record(session, "order.held_returned", order_id, by=account, payments=there)
    payments.settle(backends, str(order_id))
    return orders.find(backends, order_id)


def _refund(backends: Backends, payment_id: str, amount: int) -> None:
    """Ask for a refund that is the same one until it fails; the next try is another. Raises NotReturned."""
    before = backends.payments.look_up(payment_id).refunds
    failed = sum(refund.state is RefundState.FAILED for refund in before)
    answer = backends.payments.refund(payment_id, amount, f"held:{payment_id}:{amount}:{failed}")
    if answer.state is RefundState.FAILED:
        raise NotReturned
