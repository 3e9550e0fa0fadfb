"""What the gateway says of refunds, applied to orders, lines, files and books."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import audit, bookings, downloads, notices, outbox, receipts, shares
from core.backends import Backends
from core.gateway import RefundStanding, RefundState, Standing
from models.account import Account
from models.ledger import EntryKind
from models.mail import MailKind
from models.notice import NoticeKind
from models.order import LineItem, Order, OrderStatus
from models.refund import Refund, RefundLine, RefundStatus

ACCEPTED = (RefundStatus.PENDING, RefundStatus.DONE)  # the gateway has it
UNDONE = "The payment service could not give this money back. Retry, or pay it back in another way."


def apply(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Bring the refunds of a paid order to where they stand at the gateway, in the caller's transaction."""
    for seen in standing.refunds:
        refund = _known(session, order, seen)
        if refund is None and seen.state is not RefundState.FAILED:
            refund = _foreign(backends, session, order, seen)
        if refund is not None:
            refund.gateway_id = seen.id
            _advance(backends, session, order, refund, seen.state)


def _known(session: Session, order: Order, seen: RefundStanding) -> Refund | None:
    mine = select(Refund).where(Refund.order_id == order.id)
    for refund in session.exec(mine):
        if refund.gateway_id == seen.id or str(refund.id) == seen.key:
            return refund
    return None


def _foreign(backends: Backends, session: Session, order: Order, seen: RefundStanding) -> Refund | None:
    """Write down a refund that was made at the gateway itself, shared out over what is left of the lines.

    Files go only where nothing is left of the order.
    """
    left = bookings.left(session, order)
    amount = min(seen.amount, sum(left.values()))
    if not amount:
        return None
    parts = dict(zip(left, shares.allocate(amount, list(left.values())), strict=True))
    refund = write(backends, session, order, parts, is_foreign=True)
    if amount == sum(left.values()):
        downloads.withdraw(session, list(left), backends.now())
    audit.record(session, "order.refund_elsewhere", order.id, by=None, amount=amount, refund=seen.id)
    return refund


def write(
    backends: Backends,
    session: Session,
    order: Order,
    parts: Mapping[UUID, int],
    *,
    reason: str = "",
    by: Account | None = None,
    is_foreign: bool = False,
) -> Refund:
    """Write a refund down with its parts, minor units by line; the lines say so."""
    refund = Refund(
        order_id=order.id,
        amount=sum(parts.values()),
        currency=order.currency,
        reason=reason,
        is_foreign=is_foreign,
        by_account_id=by.id if by else None,
        created_at=backends.now(),
    )
    session.add(refund)
    session.flush()
    session.add_all(
        RefundLine(refund_id=refund.id, line_item_id=line_id, amount=amount)
        for line_id, amount in parts.items()
        if amount
    )
    session.flush()
    _note(session, parts)
    return refund


def _note(session: Session, parts: Mapping[UUID, int]) -> None:
    """Add to what went back of lines, or is on its way."""
    for line_id, amount in parts.items():
        of_line = update(LineItem).where(col(LineItem.id) == line_id)
        session.execute(of_line.values(refunded_amount=LineItem.refunded_amount + amount))


def _advance(backends: Backends, session: Session, order: Order, refund: Refund, state: RefundState) -> None:
    match state:
        case RefundState.FAILED if refund.status is not RefundStatus.FAILED:
            _undo(backends, session, order, refund)
        case RefundState.PENDING | RefundState.DONE:
            if refund.status not in ACCEPTED:
                _accept(backends, session, order, refund)
            if state is RefundState.DONE and refund.status is not RefundStatus.DONE:
                refund.status, refund.finished_at = RefundStatus.DONE, backends.now()
                note = receipts.credit(backends, session, order, refund)
                outbox.put(session, MailKind.RECEIPT, note.code, order.email, order_id=str(order.id))


def _accept(backends: Backends, session: Session, order: Order, refund: Refund) -> None:
    """The money goes back: book it, and tell the buyer and those who listen."""
    parts = _fitted(session, order, refund)
    if refund.status is RefundStatus.FAILED:  # it went through after all
        _note(session, parts)
        downloads.withdraw(session, list(parts), backends.now())
    refund.status, refund.last_error = RefundStatus.PENDING, None
    left = bookings.left(session, order)
    rest = {line_id: left[line_id] - amount for line_id, amount in parts.items()}
    bookings.change(backends, session, EntryKind.REFUND, refund.id, order, rest)
    if sum((left | rest).values()) == 0 and not _has_gifts(session, order):
        order.status = OrderStatus.REFUNDED
    tell(session, NoticeKind.ORDER_REFUNDED, order, parts)
    outbox.put(session, MailKind.REFUND, str(refund.id), order.email, refund_id=str(refund.id))


def _fitted(session: Session, order: Order, refund: Refund) -> dict[UUID, int]:
    """Return a refund's parts, none above what is left of its line.

    A refund made at the gateway itself may have taken something of it meanwhile: the others bear the rest.
    """
    left, asked = bookings.left(session, order), parts_of(session, refund)
    parts = {line_id: min(asked.get(line_id, 0), amount) for line_id, amount in left.items()}
    missing = refund.amount - sum(parts.values())
    room = [amount - parts[line_id] for line_id, amount in left.items()]
    more = shares.allocate(min(missing, sum(room)), room)
    fitted = {line_id: parts[line_id] + extra for line_id, extra in zip(left, more, strict=True)}
    for line_id, amount in fitted.items():
        if amount != asked.get(line_id, 0):
            session.merge(RefundLine(refund_id=refund.id, line_item_id=line_id, amount=amount))
            _note(session, {line_id: amount - asked.get(line_id, 0)})
    session.flush()
    return {line_id: amount for line_id, amount in fitted.items() if amount}


def _has_gifts(session: Session, order: Order) -> bool:
    """Photos that were free stay with their guest when the others go back."""
    free = select(LineItem.id).where(LineItem.order_id == order.id, LineItem.amount == 0)
    return session.exec(free).first() is not None


def _undo(backends: Backends, session: Session, order: Order, refund: Refund) -> None:
    """The money stayed, or came back to us: book it again where it was booked out."""
    if refund.status in ACCEPTED:
        left, parts = bookings.left(session, order), parts_of(session, refund)
        rest = {line_id: left[line_id] + amount for line_id, amount in parts.items()}
        bookings.change(backends, session, EntryKind.REFUND_FAILED, refund.id, order, rest)
        if order.status is OrderStatus.REFUNDED:
            order.status = OrderStatus.PAID
    end(backends, session, refund, UNDONE)


def end(backends: Backends, session: Session, refund: Refund, reason: str) -> None:
    """Give a refund up: its lines are paid again, and its files are back."""
    parts = parts_of(session, refund)
    refund.status, refund.finished_at, refund.last_error = RefundStatus.FAILED, backends.now(), reason[:2000]
    _note(session, {line_id: -amount for line_id, amount in parts.items()})
    downloads.restore(session, list(parts))


def parts_of(session: Session, refund: Refund) -> dict[UUID, int]:
    """Return what of each line a refund gives back, in minor units."""
    lines = session.exec(select(RefundLine).where(RefundLine.refund_id == refund.id)).all()
    return {line.line_item_id: line.amount for line in lines}


def tell(session: Session, kind: NoticeKind, order: Order, parts: Mapping[UUID, int]) -> None:
    """Note for each event of some lines what happened to their money."""
    lines: Sequence[LineItem] = session.exec(
        select(LineItem).where(col(LineItem.id).in_(list(parts))).order_by(col(LineItem.event_id))
    ).all()
    for event_id, group in groupby(lines, key=lambda line: line.event_id):
        amount = sum(parts[line.id] for line in group)
        notices.note(session, kind, event_id, order_id=str(order.id), amount=amount, currency=order.currency)
