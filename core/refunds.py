"""Money that goes back to buyers: whole or by line, asked for here or made at the gateway itself.

A refund is written down first, and its files are withdrawn; a job then asks the gateway with the refund's id
as the key. What it answers is applied by `payments.settle`, like all that the gateway says.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlmodel import Session, col, select

from core import access, audit, disputes, downloads, jobs, orders, refund_answers
from core.access import Action, Viewer
from core.backends import Backends
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from models.account import Account
from models.job import JobKind
from models.order import LineItem, Order, OrderStatus
from models.price import PriceList
from models.refund import Refund, RefundStatus

log = structlog.get_logger()

AGAIN = "Asked for by the buyer."  # the reason of a refund that is tried again by the organiser


class NothingToRefund(Conflict):
    """Nothing of this was paid, or all of it went back already."""

    def __init__(self) -> None:
        super().__init__("There is nothing to give back: it was not paid, or its money went back already.")


class UnderDispute(Conflict):
    """The buyer's bank has asked for the money already."""

    def __init__(self) -> None:
        super().__init__(
            "The buyer's bank disputes this payment. Answer it at the payment service; until then nothing "
            "can be given back here."
        )


class PaidElsewhere(Conflict):
    """The gateway that took the money is not the one that is set up."""

    def __init__(self) -> None:
        super().__init__("This was paid through another payment service. Give the money back there.")


class NoSelfService(Forbidden):
    """The event's rule does not let buyers do this by themselves, or not any more."""

    def __init__(self) -> None:
        super().__init__(
            "These photos cannot be given back here: they were downloaded, or the time for it is over. "
            "Write to the organiser."
        )


class OnlyTogether(Forbidden):
    """What was sold at one price for several goes back as it was sold."""

    def __init__(self) -> None:
        super().__init__(
            "These photos cost less together, so they can only be given back together. Choose all of them, "
            "or write to the organiser."
        )


class NoSuchRefund(NotFound):
    """There is none of that id, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such refund.")


# --- asking --------------------------------------------------------------------------------


def give_back(
    backends: Backends,
    order_id: UUID,
    line_ids: Collection[UUID] | None,
    reason: str,
    *,
    by: Account | None,
) -> Refund:
    """Give back lines of an order, all that are left when none are named. For who sells at their event.

    Raises NoSuchOrder, Forbidden, InvalidInput without a reason, NothingToRefund, UnderDispute.
    """
    if not 0 < len(reason.strip()) <= 500:
        raise InvalidInput("Say why the money goes back, in at most 500 characters.")
    with backends.transaction() as session:
        order = orders.locked(session, order_id)
        lines = _sold_by(session, order, line_ids, by)
        refund = _write(backends, session, order, lines, reason.strip(), by)
        audit.record(session, "order.refund", order.id, by=by, amount=refund.amount, currency=refund.currency)
    return refund


def ask(backends: Backends, order: Order, line_ids: Collection[UUID] | None, *, by: Viewer) -> Refund:
    """Give one's own lines back that were never fetched, within the time of their event's rule.

    The caller has checked whose order it is. Raises NoSelfService, NothingToRefund, UnderDispute.
    """
    with backends.transaction() as session:
        row = orders.locked(session, order.id)
        lines = _left(session, row, line_ids)
        _require_whole(session, row, lines)
        if not lines or not all(_is_in_time(backends, session, row, line) for line in lines):
            raise NoSelfService
        refund = _write(backends, session, row, lines, "", None, is_unfetched=True)
        audit.record(session, "order.self_refund", row.id, by=by.account, amount=refund.amount)
    return refund


def _require_whole(session: Session, order: Order, lines: Sequence[LineItem]) -> None:
    """Raises OnlyTogether when photos that were cheaper together are to be given back in part."""
    chosen = {line.id for line in lines}
    for line in _left(session, order, None):
        # with tax within the price or on top of it
        is_cheaper = line.amount - line.tax_amount < line.list_amount != line.amount
        of_its_event = any(one.event_id == line.event_id for one in lines)
        if is_cheaper and of_its_event and line.id not in chosen:
            raise OnlyTogether


def may_ask(backends: Backends, order: Order) -> list[UUID]:
    """Return the lines of a paid order that their buyer may give back now."""
    if order.status is not OrderStatus.PAID:
        return []
    with backends.reading() as session:
        if disputes.is_open(session, order):
            return []
        lines = [line for line in _left(session, order, None) if _is_in_time(backends, session, order, line)]
        fetched = downloads.fetched_lines(session, order)
        return [line.id for line in lines if line.id not in fetched and line.amount]


def _sold_by(
    session: Session, order: Order, line_ids: Collection[UUID] | None, by: Account | None
) -> list[LineItem]:
    """Return the lines to refund, all of events at which the account sells. Raises NoSuchOrder, Forbidden."""
    lines = session.exec(orders.lines_of(order)).all()
    events = {line.event_id for line in lines if line_ids is None or line.id in line_ids}
    known = {event_id for event_id in events if access.member_role(session, by, event_id) is not None}
    if not known or (line_ids is not None and events != known):
        raise orders.NoSuchOrder
    for event_id in known:
        access.require(session, by, Action.SELL, event_id)
    return [line for line in _left(session, order, line_ids) if line.event_id in known]


def _left(session: Session, order: Order, line_ids: Collection[UUID] | None) -> list[LineItem]:
    """Return the named lines of which something can go back; all of them where none are named."""
    lines = session.exec(orders.lines_of(order)).all()
    if line_ids is not None and not set(line_ids) <= {line.id for line in lines}:
        raise orders.NoSuchOrder
    named = [line for line in lines if line_ids is None or line.id in line_ids]
    return [line for line in named if line.amount > line.refunded_amount]


def _is_in_time(backends: Backends, session: Session, order: Order, line: LineItem) -> bool:
    rule = session.get(PriceList, line.event_id)
    if rule is None or order.paid_at is None:
        return False
    return backends.now() < order.paid_at + timedelta(days=rule.refund_days)


def _write(
    backends: Backends,
    session: Session,
    order: Order,
    lines: Sequence[LineItem],
    reason: str,
    by: Account | None,
    *,
    is_unfetched: bool = False,
) -> Refund:
    """Write a refund down, withdraw its files and have a job ask for it."""
    if order.status is not OrderStatus.PAID or not lines:
        raise NothingToRefund
    if disputes.is_open(session, order):
        raise UnderDispute
    ids = [line.id for line in lines]
    if is_unfetched and not downloads.withdraw_unfetched(session, ids, backends.now()):
        raise NoSelfService
    if not is_unfetched:
        downloads.withdraw(session, ids, backends.now())
    parts = {line.id: line.amount - line.refunded_amount for line in lines}
    refund = refund_answers.write(backends, session, order, parts, reason=reason, by=by)
    jobs.enqueue(session, JobKind.GIVE_BACK, refund.id)
    return refund


# --- carrying out --------------------------------------------------------------------------


def request(backends: Backends, refund_id: str) -> UUID | None:
    """Ask the gateway for a refund and return the order to settle, None when there is nothing to ask.

    A refusal ends the refund and gives its files back. Raises Unavailable.
    """
    with backends.reading() as session:
        refund = session.get_one(Refund, UUID(refund_id))
        order = session.get_one(Order, refund.order_id)
    if refund.status is not RefundStatus.REQUESTED:
        return None
    try:
        if order.checkout_id is None or order.gateway != backends.payments.name:
            raise PaidElsewhere
        backends.payments.refund(order.checkout_id, refund.amount, str(refund.id))
    except (Conflict, NotFound, InvalidInput) as refusal:
        _refused(backends, refund, str(refusal))
    return order.id


def _refused(backends: Backends, refund: Refund, reason: str) -> None:
    with backends.transaction() as session:
        row = session.get_one(Refund, refund.id, with_for_update=True)
        if row.status is RefundStatus.REQUESTED:
            refund_answers.end(backends, session, row, reason)
    log.error("refund refused", refund=str(refund.id), reason=reason)


def retry(backends: Backends, refund_id: UUID, *, by: Account | None) -> Refund:
    """Ask anew for what a failed refund was to give back. Raises NoSuchRefund, and what `give_back` does."""
    with backends.reading() as session:
        refund = session.get(Refund, refund_id)
        parts = refund_answers.parts_of(session, refund) if refund else {}
    if refund is None or refund.status is not RefundStatus.FAILED or refund.is_foreign:
        raise NoSuchRefund
    return give_back(backends, refund.order_id, list(parts), refund.reason or AGAIN, by=by)


def of_order(backends: Backends, order: Order) -> Sequence[Refund]:
    """Return the refunds of an order, oldest first. For callers that have checked who asks."""
    with backends.reading() as session:
        query = select(Refund).where(Refund.order_id == order.id)
        return session.exec(query.order_by(col(Refund.created_at), col(Refund.id))).all()
