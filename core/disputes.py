"""Payments that a buyer's bank wants back: what people are owed of them is frozen until that is decided."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from core import access, audit, bookings, downloads, orders, paging, refund_answers
from core.backends import Backends
from core.gateway import DisputeStanding, DisputeState, Standing
from core.paging import Asked, Page
from models.account import Account, Role
from models.notice import NoticeKind
from models.order import Order, OrderStatus
from models.refund import Dispute, DisputeStatus

NEWEST = paging.Order[Dispute]("disputes", (col(Dispute.opened_at), col(Dispute.id)), is_descending=True)


def apply(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Bring the disputes of a paid order to where they stand at the gateway, in the caller's transaction."""
    for seen in standing.disputes:
        dispute = session.get(Dispute, seen.id) or _opened(backends, session, order, seen)
        if dispute.status is DisputeStatus.OPEN and seen.state is not DisputeState.OPEN:
            _close(backends, session, order, dispute, seen)
    if is_open(session, order):  # what came back to people since, or another dispute has thawed
        bookings.freeze(backends, session, f"{order.id} {order.looked}", order)


def _opened(backends: Backends, session: Session, order: Order, seen: DisputeStanding) -> Dispute:
    dispute = Dispute(
        id=seen.id,
        order_id=order.id,
        amount=seen.amount,
        currency=order.currency,
        opened_at=backends.now(),
    )
    session.add(dispute)
    bookings.freeze(backends, session, seen.id, order)
    audit.record(session, "order.disputed", order.id, by=None, dispute=seen.id, amount=seen.amount)
    refund_answers.tell(session, NoticeKind.ORDER_DISPUTED, order, bookings.left(session, order))
    return dispute


def _close(
    backends: Backends, session: Session, order: Order, dispute: Dispute, seen: DisputeStanding
) -> None:
    dispute.status, dispute.closed_at = DisputeStatus(seen.state), backends.now()
    session.flush()
    if seen.state is DisputeState.LOST:
        _lose(backends, session, order, seen)
    elif not is_open(session, order):
        bookings.thaw(backends, session, seen.id, order)
    audit.record(session, f"order.dispute_{seen.state}", order.id, by=None, dispute=seen.id)


def _lose(backends: Backends, session: Session, order: Order, seen: DisputeStanding) -> None:
    bookings.lose(backends, session, seen.id, order, seen.amount)
    if sum(bookings.left(session, order).values()) == 0:
        order.status = OrderStatus.REFUNDED
        lines = session.exec(orders.lines_of(order)).all()
        downloads.withdraw(session, [line.id for line in lines], backends.now())


def is_open(session: Session, order: Order) -> bool:
    """Tell whether a bank disputes the order's payment now."""
    query = select(Dispute.id).where(Dispute.order_id == order.id, Dispute.status == DisputeStatus.OPEN)
    return session.exec(query).first() is not None


def of_order(backends: Backends, order: Order) -> Sequence[Dispute]:
    """Return the disputes of an order, oldest first. For callers that have checked who asks."""
    with backends.reading() as session:
        query = select(Dispute).where(Dispute.order_id == order.id)
        return session.exec(query.order_by(col(Dispute.opened_at), col(Dispute.id))).all()


def open_ones(backends: Backends, asked: Asked = paging.LONG, *, by: Account | None) -> Page[Dispute]:
    """Return the disputes that wait for an answer at the gateway, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        query = select(Dispute).where(Dispute.status == DisputeStatus.OPEN)
        return paging.read(backends, session, query, NEWEST, asked)
