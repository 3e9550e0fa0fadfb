"""Numbered papers about money: receipts for what was paid, credit notes for what went back. No gaps.

A number is taken in the transaction that its money is booked in, under the lock of its series' row:
what is rolled back gives its number back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from core import bills, shares
from core.backends import Backends
from core.errors import NotFound
from core.pricing import BillRow
from models.event import Event
from models.order import LineItem, Order
from models.refund import Receipt, ReceiptKind, ReceiptSeries, Refund, RefundLine


@dataclass(frozen=True)
class Paper:
    """A receipt or credit note, with all that is written on it."""

    receipt: Receipt
    order: Order
    issued_on: date  # by the clocks at the event
    corrects: str  # the number of the receipt that a credit note is about; "" of a receipt
    bill: Sequence[BillRow]  # how a receipt's sum came about
    refunded: Sequence[tuple[str, int]]  # what a credit note gives back: label, minor units


class NoSuchReceipt(NotFound):
    """The address was not made by us, or the order has got a new one since."""

    def __init__(self) -> None:
        super().__init__("There is no such receipt. Open your order again and use the link there.")


def issue(backends: Backends, session: Session, order: Order) -> Receipt | None:
    """Return the receipt of an order that is just being paid, None for one that costs nothing."""
    if order.total_amount == 0:
        return None
    return _write(backends, session, ReceiptKind.RECEIPT, order, order.total_amount, order.tax_amount)


def credit(backends: Backends, session: Session, order: Order, refund: Refund) -> Receipt:
    """Return the credit note of a refund that has gone through; its tax is in proportion."""
    tax = shares.part_of(refund.amount, order.tax_amount, max(order.total_amount, 1))
    note = _write(backends, session, ReceiptKind.CREDIT_NOTE, order, refund.amount, tax)
    note.refund_id = refund.id
    return note


def of_order(backends: Backends, order: Order) -> Sequence[Receipt]:
    """Return the papers of an order, oldest first. For callers that have checked who asks."""
    with backends.reading() as session:
        query = select(Receipt).where(Receipt.order_id == order.id).order_by(col(Receipt.id))
        return session.exec(query).all()


def address(backends: Backends, order: Order, receipt: Receipt) -> str:
    """Return where a paper can be printed, as a local path. It ends with the order's own links."""
    token = backends.signer.sign("receipt", str(order.id), order.link_version, receipt.id)
    return f"/receipts/{token}"


def by_token(backends: Backends, token: str) -> Paper:
    """Return the paper of an address. Raises NoSuchReceipt."""
    parts = backends.signer.read("receipt", token)
    if parts is None:
        raise NoSuchReceipt
    order_id, version, receipt_id = parts
    with backends.reading() as session:
        order = session.get_one(Order, UUID(order_id))
        if order.link_version != version:
            raise NoSuchReceipt
        return _paper(session, order, session.get_one(Receipt, receipt_id))


def _paper(session: Session, order: Order, receipt: Receipt) -> Paper:
    lines = session.exec(select(LineItem).where(LineItem.order_id == order.id)).all()
    zone = session.get_one(Event, lines[0].event_id).zone
    parts = select(LineItem.label, RefundLine.amount).join(RefundLine)
    refunded = session.exec(parts.where(RefundLine.refund_id == receipt.refund_id).order_by(LineItem.label))
    about = select(Receipt).where(Receipt.order_id == order.id, Receipt.kind == ReceiptKind.RECEIPT)
    corrected = session.exec(about).first() if receipt.refund_id is not None else None
    return Paper(
        receipt,
        order,
        receipt.issued_at.astimezone(zone).date(),
        corrected.code if corrected else "",  # orders of before there were receipts have none
        bills.rows(order, lines) if receipt.refund_id is None else (),
        refunded.all() if receipt.refund_id is not None else (),
    )


def _write(
    backends: Backends, session: Session, kind: ReceiptKind, order: Order, amount: int, tax: int
) -> Receipt:
    now = backends.now()
    receipt = Receipt(
        kind=kind,
        year=now.year,
        number=_next(session, kind, now),
        order_id=order.id,
        amount=amount,
        tax_amount=tax,
        currency=order.currency,
        seller="\n".join(part.strip() for part in backends.settings.seller.split("|")),
        issued_at=now,
    )
    session.add(receipt)
    session.flush()
    return receipt


def _next(session: Session, kind: ReceiptKind, now: datetime) -> int:
    """Return the next number of a series; others wait until the caller's transaction has ended."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(ReceiptSeries).values(kind=kind, year=now.year, last_number=1)
    taking = row.on_conflict_do_update(
        index_elements=["kind", "year"], set_={"last_number": ReceiptSeries.last_number + 1}
    ).returning(col(ReceiptSeries.last_number))
    return int(session.execute(taking).scalar_one())
