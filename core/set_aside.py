"""Money that fits no order: what is posted when it is put aside, and when it goes back."""

from collections import Counter
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
    """Return what is put aside of an order and did not go back: minor units by the gateway's payment id."""
    query = select(LedgerEntry.subject, LedgerPosting.amount).join(LedgerPosting)
    rows = session.exec(query.where(LedgerEntry.order_id == order.id, LedgerPosting.book == Book.HELD))
    there: Counter[str] = Counter()
    for subject, amount in rows:
        there[subject.partition(" ")[0]] -= amount
    return {payment_id: amount for payment_id, amount in there.items() if amount}


def orders() -> SelectOfScalar[UUID]:
    """Select the orders of which money is put aside."""
    query = select(Order.id).join(LedgerEntry).join(LedgerPosting).where(LedgerPosting.book == Book.HELD)
    return query.group_by(col(Order.id)).having(func.sum(LedgerPosting.amount) != 0)


def put(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Put the money of a payment aside."""
    _post(backends, session, EntryKind.HELD, _money(standing), order, standing, standing.amount)


def take_back(backends: Backends, session: Session, order: Order, standing: Standing) -> None:
    """Book what went back of money that was put aside, each refund and lost dispute once."""

    def is_booked(kind: EntryKind, what: str) -> bool:
        return ledger.is_posted(session, kind, f"{_money(standing)} {what}")

    def book(kind: EntryKind, what: str, amount: int) -> None:
        if not is_booked(kind, what):
            _post(backends, session, kind, f"{_money(standing)} {what}", order, standing, amount)

    for refund in standing.refunds:
        if refund.state is not RefundState.FAILED:
            book(EntryKind.HELD_RETURNED, refund.id, -refund.amount)
        elif is_booked(EntryKind.HELD_RETURNED, refund.id):
            book(EntryKind.REFUND_FAILED, refund.id, refund.amount)
    for dispute in standing.disputes:
        if dispute.state is DisputeState.LOST:
            book(EntryKind.HELD_RETURNED, dispute.id, -dispute.amount)


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
