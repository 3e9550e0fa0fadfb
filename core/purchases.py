"""Orders as their buyers read them: their own, page by page, or one whose private address they have."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from core import carts, downloads, orders, paging
from core.access import Viewer
from core.backends import Backends
from core.downloads import DownloadLink
from core.orders import NoSuchOrder
from core.paging import Asked, Page
from models.order import LineItem, Order, OrderStatus

NEWEST = paging.Order[Order]("orders", (col(Order.created_at), col(Order.id)), is_descending=True)


@dataclass(frozen=True)
class Purchase:
    """An order with its priced parts."""

    order: Order
    lines: Sequence[LineItem]
    is_own: bool  # else the reader has no more than its private address


def listing(
    backends: Backends, asked: Asked, *, by: Viewer, status: OrderStatus | None = None
) -> Page[Purchase]:
    """Return the orders of the viewer's account and of this visitor, newest first."""
    query = select(Order).where(carts.ordered_by(by))
    if status is not None:
        query = query.where(Order.status == status)
    with backends.reading() as session:
        found = paging.read(backends, session, query, NEWEST, asked)
        lines = _lines(session, {order.id for order in found.items})
    return Page([Purchase(order, lines[order.id], True) for order in found.items], found.next_cursor)


def find(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Purchase:
    """Return an order to its buyer, or to who has the token of its private address. Raises NoSuchOrder."""
    mine = select(Order).where(col(Order.id) == order_id, carts.ordered_by(by))
    with backends.reading() as session:
        own = session.exec(mine).first()
    order = own or orders.by_token(backends, token)
    if order.id != order_id:
        raise NoSuchOrder
    return Purchase(order, orders.lines(backends, order), own is not None)


def refresh(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Purchase:
    """Ask the gateway where the order stands, and return it as `find` does."""
    find(backends, order_id, token, by=by)
    orders.refresh(backends, order_id)
    return find(backends, order_id, token, by=by)


def files(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Sequence[DownloadLink]:
    """Return the files of an order, by name. Raises NoSuchOrder, NotPaid."""
    return downloads.links(backends, find(backends, order_id, token, by=by).order)


def _lines(session: Session, order_ids: Collection[UUID]) -> dict[UUID, list[LineItem]]:
    """Return the priced parts of several orders, event by event."""
    query = select(LineItem).where(col(LineItem.order_id).in_(order_ids))
    found: dict[UUID, list[LineItem]] = {order_id: [] for order_id in order_ids}
    for line in session.exec(query.order_by(*orders.BY_EVENT)):
        found[line.order_id].append(line)
    return found
