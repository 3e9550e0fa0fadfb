"""Finds what a lost message left: each payment of late is asked about anew, and so is each open order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlmodel import col, exists, or_, select

from core import bookings, ledger, orders, payments
from core.backends import Backends
from core.errors import NotFound, Unavailable
from models.ledger import EntryKind, LedgerEntry
from models.order import Order, OrderStatus
from models.refund import Dispute, DisputeStatus, Refund, RefundStatus

log = structlog.get_logger()

LATELY = timedelta(days=3)  # how far the nightly job looks back: as long as Stripe repeats its messages


@dataclass
class Report:
    """What a reconciliation found."""

    orders: int = 0  # asked about
    changed: int = 0  # of these, how many stood elsewhere here than at the gateway
    unknown: int = 0  # payments at the gateway that are none of ours
    unanswered: int = 0  # orders and refunds of which the gateway said nothing
    faults: tuple[str, ...] = ()  # of the books


def run(backends: Backends, _: str = "") -> None:
    """Job: reconcile what happened of late."""
    report = reconcile(backends, backends.now() - LATELY)
    if report.faults:
        log.error("the books are broken", faults=report.faults)


def reconcile(backends: Backends, since: datetime) -> Report:
    """Ask for refunds that wait, about payments since then, and ours not yet over. Raises Unavailable."""
    report = Report()
    for refund_id in _requested(backends):
        _try(report, lambda: payments.give_back(backends, str(refund_id)))  # noqa: B023  called at once
    seen = _theirs(backends, since, report)
    for order_id in sorted(seen.keys() | _ours(backends)):
        _try(report, lambda: _reconcile(backends, order_id, seen.get(order_id, ()), report))  # noqa: B023
    report.faults = tuple(ledger.faults(backends))
    log.info("reconciled", orders=report.orders, changed=report.changed, unknown=report.unknown)
    if report.unanswered:
        raise Unavailable("The payment service did not answer about everything. The next look asks again.")
    return report


def _try(report: Report, ask: Callable[[], None]) -> None:
    """Ask, and go on with the others when there is no answer."""
    try:
        ask()
    except Unavailable as away:
        report.unanswered += 1
        log.warning("not reconciled", reason=str(away))


def _reconcile(backends: Backends, order_id: UUID, payment_ids: Iterable[str], report: Report) -> None:
    before = _state(backends, order_id)
    payments.settle(backends, str(order_id))
    for payment_id in payment_ids:
        payments.look(backends, order_id, payment_id)
    _book(backends, order_id)
    report.orders += 1
    report.changed += _state(backends, order_id) != before


def _requested(backends: Backends) -> Sequence[UUID]:
    """Return the refunds that wait to be asked for, whatever became of their jobs."""
    with backends.reading() as session:
        return session.exec(select(Refund.id).where(Refund.status == RefundStatus.REQUESTED)).all()


def _ours(backends: Backends) -> set[UUID]:
    """Return the orders whose money may move without our knowing, and those whose sale is not booked."""
    is_booked = exists().where(
        col(LedgerEntry.order_id) == col(Order.id), col(LedgerEntry.kind) == EntryKind.SALE
    )
    queries = (
        select(Order.id).where(col(Order.status).in_((OrderStatus.PENDING, OrderStatus.HELD))),
        select(Order.id).where(Order.status == OrderStatus.PAID, Order.total_amount > 0, ~is_booked),
        select(Refund.order_id).where(Refund.status == RefundStatus.PENDING),
        select(Dispute.order_id).where(Dispute.status == DisputeStatus.OPEN),
    )
    with backends.reading() as session:
        return {order_id for query in queries for order_id in session.exec(query)}


def _theirs(backends: Backends, since: datetime, report: Report) -> dict[UUID, list[str]]:
    """Return the payments to which something happened at the gateway, by their orders."""
    found: dict[UUID, list[str]] = {}
    for payment_id in dict.fromkeys(backends.payments.recent(since)):
        order_id = _order_id(backends, payment_id)
        if order_id is None:
            report.unknown += 1
        else:
            found.setdefault(order_id, []).append(payment_id)
    return found


def _book(backends: Backends, order_id: UUID) -> None:
    """Book the sale of an order that was paid before there were books, or at another gateway."""
    with backends.transaction() as session:
        order = orders.locked(session, order_id)
        if order.status is OrderStatus.PAID:
            bookings.sale(backends, session, order, session.exec(orders.lines_of(order)).all())


def _state(backends: Backends, order_id: UUID) -> tuple[OrderStatus, list[LedgerEntry]]:
    """Return what a reconciliation may change of an order."""
    with backends.reading() as session:
        entries = select(LedgerEntry).where(LedgerEntry.order_id == order_id)
        return session.get_one(Order, order_id).status, list(session.exec(entries))


def _order_id(backends: Backends, payment_id: str) -> UUID | None:
    is_it = or_(col(Order.checkout_id) == payment_id, col(Order.intent_id) == payment_id)
    with backends.reading() as session:
        known = session.exec(select(Order.id).where(is_it)).first()
    if known is not None:
        return known
    try:
        told = backends.payments.look_up(payment_id).order_id
    except NotFound:
        return None
    with backends.reading() as session:
        return told if told is not None and session.get(Order, told) is not None else None
