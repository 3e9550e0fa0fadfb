"""Orders and their parts, for those who have checked who asks; and the private address of each."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import carts
from core.access import Viewer
from core.backends import Backends
from core.errors import NotFound
from models.order import LineItem, Order, OrderStatus

FREE = "free"  # stands for the gateway of an order that costs nothing
BY_EVENT = (col(LineItem.event_id), col(LineItem.label), col(LineItem.id))  # order of an order's parts
UNPAID = (OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.EXPIRED)  # a payment may still arrive


class NoSuchOrder(NotFound):
    """There is no such order, or its address is wrong."""

    def __init__(self) -> None:
        super().__init__("There is no such order. Check the link, or look at your orders.")


def find(backends: Backends, order_id: UUID) -> Order:
    """Return an order. Raises NoSuchOrder."""
    with backends.reading() as session:
        order = session.get(Order, order_id)
    if order is None:
        raise NoSuchOrder
    return order


def locked(session: Session, order_id: UUID) -> Order:
    """Return an order that nobody else changes before the caller's transaction ends. Raises NoSuchOrder."""
    order = session.exec(select(Order).where(Order.id == order_id).with_for_update()).first()
    if order is None:
        raise NoSuchOrder
    return order


def lines(backends: Backends, order: Order) -> Sequence[LineItem]:
    """Return the priced parts of an order, event by event."""
    with backends.reading() as session:
        return session.exec(lines_of(order)).all()


def lines_of(order: Order) -> SelectOfScalar[LineItem]:
    """Select the priced parts of an order, event by event."""
    query = select(LineItem).where(LineItem.order_id == order.id)
    return query.order_by(*BY_EVENT)


def mine(backends: Backends, viewer: Viewer) -> Sequence[Order]:
    """Return the orders of the viewer's account and of this browser, newest first."""
    with backends.reading() as session:
        query = select(Order).where(carts.ordered_by(viewer)).order_by(col(Order.created_at).desc())
        return session.exec(query.limit(200)).all()


def address_token(backends: Backends, order: Order) -> str:
    """Return the secret part of the order's private address."""
    return backends.signer.sign("order", str(order.id), order.link_version)


def address(backends: Backends, order: Order) -> str:
    """Return the order's private address, as a local path: who has it may fetch the files."""
    return f"/order?o={address_token(backends, order)}"


def by_token(backends: Backends, token: str) -> Order:
    """Return the order of a private address. Raises NoSuchOrder, also when another was issued since."""
    parts = backends.signer.read("order", token)
    if parts is None:
        raise NoSuchOrder
    order = find(backends, UUID(parts[0]))
    if (parts[1:] or [0]) != [order.link_version]:  # those made first had no version
        raise NoSuchOrder
    return order
