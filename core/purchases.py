"""Orders as their buyers read them: their own, page by page, or one whose private address they have."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import buyers, checkouts, downloads, orders, paging, payments, receipts, refunds
from core.access import Viewer
from core.backends import Backends
from core.downloads import DownloadLink
from core.gateway import Intent
from core.orders import NoSuchOrder
from core.paging import Asked, Page
from models.order import LineItem, Order, OrderStatus
from models.refund import Dispute, DisputeStatus, Receipt, Refund

NEWEST = paging.Order[Order]("orders", (col(Order.created_at), col(Order.id)), is_descending=True)

Part = TypeVar("Part", LineItem, Refund, Dispute)


@dataclass(frozen=True)
class Purchase:
    """An order with its priced parts, and what became of its money."""

    order: Order
    lines: Sequence[LineItem]
    refunds: Sequence[Refund]  # oldest first
    disputes: Sequence[Dispute]  # oldest first
    is_own: bool  # else the reader has no more than its private address

    @property
    def is_disputed(self) -> bool:
        """The buyer's bank wants the money back, and that is not decided."""
        return any(dispute.status is DisputeStatus.OPEN for dispute in self.disputes)


def listing(
    backends: Backends, asked: Asked, *, by: Viewer, status: OrderStatus | None = None
) -> Page[Purchase]:
    """Return the orders of the viewer's account and of this visitor, newest first."""
    query = select(Order).where(buyers.ordered_by(by))
    if status is not None:
        query = query.where(Order.status == status)
    with backends.reading() as session:
        found = paging.read(backends, session, query, NEWEST, asked)
        return Page(_with_parts(session, found.items, is_own=True), found.next_cursor)


def find(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Purchase:
    """Return an order to its buyer, or to who has the token of its private address. Raises NoSuchOrder."""
    mine = select(Order).where(col(Order.id) == order_id, buyers.ordered_by(by))
    with backends.reading() as session:
        own = session.exec(mine).first()
    order = own or orders.by_token(backends, token)
    if order.id != order_id:
        raise NoSuchOrder
    with backends.reading() as session:
        return _with_parts(session, [order], is_own=own is not None)[0]


def refresh(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Purchase:
    """Ask the gateway where the order stands, and return it as `find` does."""
    find(backends, order_id, token, by=by)
    payments.refresh(backends, order_id)
    return find(backends, order_id, token, by=by)


def files(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Sequence[DownloadLink]:
    """Return the files of an order, by name. Raises NoSuchOrder, NotPaid."""
    return downloads.links(backends, find(backends, order_id, token, by=by).order)


def papers(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Sequence[Receipt]:
    """Return the receipts and credit notes of an order, oldest first. Raises NoSuchOrder."""
    return receipts.of_order(backends, find(backends, order_id, token, by=by).order)


def start_intent(backends: Backends, order_id: UUID, token: str = "", *, by: Viewer) -> Intent:
    """Open a payment of an order for a program of its buyer's. As `checkouts.start_intent`; NoSuchOrder."""
    return checkouts.start_intent(backends, find(backends, order_id, token, by=by).order)


def ask_back(
    backends: Backends, order_id: UUID, line_ids: Collection[UUID] | None, token: str = "", *, by: Viewer
) -> Refund:
    """Give lines of an order back by its buyer, all of it without any. As `refunds.ask`; NoSuchOrder."""
    return refunds.ask(backends, find(backends, order_id, token, by=by).order, line_ids, by=by)


def _with_parts(session: Session, found: Sequence[Order], *, is_own: bool) -> list[Purchase]:
    """Return orders with their parts, read at once for all of them."""
    ids = {order.id for order in found}
    lines = _by_order(session, ids, select(LineItem).order_by(*orders.BY_EVENT), LineItem.order_id)
    oldest = (col(Refund.created_at), col(Refund.id))
    given_back = _by_order(session, ids, select(Refund).order_by(*oldest), Refund.order_id)
    disputes = _by_order(session, ids, select(Dispute).order_by(col(Dispute.opened_at)), Dispute.order_id)
    return [
        Purchase(order, lines[order.id], given_back[order.id], disputes[order.id], is_own) for order in found
    ]


def _by_order(
    session: Session, order_ids: Collection[UUID], query: SelectOfScalar[Part], column: Any
) -> dict[UUID, list[Part]]:
    found: dict[UUID, list[Part]] = {order_id: [] for order_id in order_ids}
    for part in session.exec(query.where(col(column).in_(order_ids))):
        found[part.order_id].append(part)
    return found
