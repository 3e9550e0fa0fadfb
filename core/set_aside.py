"""Money that fits no order: what is posted when it is put aside, and when it goes back."""

from uuid import UUID

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core import ledger
from core.backends import Backends
from core.gateway import DisputeState, RefundState, Standing
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting
from models.order import Order


def holds(session: Session, standing: Standing) -> bool:
    """Tell whether the money of this payment was put aside."""
    return ledger.is_posted(session, EntryKind.HELD, _money(standing))


def _money(standing: Standing) -> str:
    """Return one name for a payment's money, by whichever of its ids it was asked about."""
    return standing.intent_id or standing.payment_id


def of_order(session: Session, order: Order) -> dict[str, int]:
    """Return what is put aside of an order and did not go back: minor units by the gateway's payment id.

    What went back is taken from the oldest payment first.
    """
    query = select(LedgerEntry, LedgerPosting.amount).join(LedgerPosting)
    of_order = query.where(LedgerEntry.order_id == order.id, LedgerPosting.book == Book.HELD)
    rows = session.exec(of_order.order_by(col(LedgerEntry.id))).all()
    returned = sum(amount for entry, amount in rows if entry.kind is not EntryKind.HELD)
    there: dict[str, int] = {}
    for entry, amount in rows:
        if entry.kind is EntryKind.HELD:
            gone = min(returned, -amount)
            returned -= gone
            there |= {entry.subject: -amount - gone} if gone < -amount else {}
    return there


def orders() -> SelectOfScalar[UUID]:
    """Select the orders of which money is put aside."""
    query = select(Order.id).join(LedgerEntry).join(LedgerPosting).where(LedgerPosting.book == Book.HELD)
    return query.group_by(col(Order.id)).having(func.sum(LedgerPosting.amount) != 0)


def put(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Put the money of a payment aside."""
    _post(backends, session, EntryKind.HELD, _money(standing), order, standing, standing.amount)


def take_back(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Book what went back of money that was put aside, each refund and lost dispute once."""
    for refund in standing.refunds:
        is_booked = ledger.is_posted(session, EntryKind.HELD_RETURNED, refund.id)
        if refund.state is not RefundState.FAILED and not is_booked:
            _post(backends, session, EntryKind.HELD_RETURNED, refund.id, order, standing, -refund.amount)
        undone = ledger.is_posted(session, EntryKind.REFUND_FAILED, refund.id)
        if refund.state is RefundState.FAILED and is_booked and not undone:
            _post(backends, session, EntryKind.REFUND_FAILED, refund.id, order, standing, refund.amount)
    for dispute in standing.disputes:
        is_booked = ledger.is_posted(session, EntryKind.HELD_RETURNED, dispute.id)
        if dispute.state is DisputeState.LOST and not is_booked:
            _post(backends, session, EntryKind.HELD_RETURNED, dispute.id, order, standing, -dispute.amount)


def _post(
    backends: Backends,
    session: Session,
    kind: EntryKind,
    subject: str,
    order: Order,
    standing: Standing,
    amount: int,
) -> None:
    postings = [
        LedgerPosting(book=Book.GATEWAY, amount=amount),
        LedgerPosting(book=Book.HELD, amount=-amount),
    ]
    ledger.post(backends, session, kind, subject, postings, currency=standing.currency, order_id=order.id)
