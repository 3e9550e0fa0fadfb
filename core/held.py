"""Money that fits no order: put aside, shown to admins, and given back by them."""

from uuid import UUID

from sqlmodel import select

from core import access, audit, bookings, orders, paging, payments, purchases
from core.backends import Backends
from core.errors import Conflict
from core.paging import Asked, Page
from models.account import Account, Role
from models.order import Order, OrderStatus


class NothingHeld(Conflict):
    """Nothing of this order was put aside."""

    def __init__(self) -> None:
        super().__init__("No money of this order is put aside. Look at it again.")


def listing(backends: Backends, asked: Asked = paging.LONG, *, by: Account | None) -> Page[Order]:
    """Return the orders whose money did not fit, newest first: an admin settles them with the buyer."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        query = select(Order).where(Order.status == OrderStatus.HELD)
        return paging.read(backends, session, query, purchases.NEWEST, asked)


def amounts(backends: Backends, order: Order) -> dict[str, int]:
    """Return what is put aside of an order, minor units by the gateway's id of the payment."""
    with backends.reading() as session:
        return bookings.held(session, order)


def give_back(backends: Backends, order_id: UUID, *, by: Account | None) -> Order:
    """Send money that was put aside back to who paid it. Admins only.

    Raises NoSuchOrder, NothingHeld, Unavailable, and Conflict when the gateway refuses.
    """
    account = access.require_role(by, Role.ADMIN)
    order = orders.find(backends, order_id)
    there = amounts(backends, order)
    if not there:
        raise NothingHeld
    for payment_id, amount in there.items():
        backends.payments.refund(payment_id, amount, f"held:{payment_id}:{amount}")
    with backends.transaction() as session:
        audit.record(session, "order.held_returned", order_id, by=account, payments=there)
    payments.settle(backends, str(order_id))
    return orders.find(backends, order_id)
