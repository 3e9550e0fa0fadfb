"""What organisers type to find an order: an address, a photo, the number of an order or of a receipt."""

import re
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_
from sqlmodel import col, select

from models.order import LineItem, Order
from models.photo import Photo
from models.refund import Receipt, ReceiptKind

_ID = re.compile(r"[0-9a-f]{4,32}")  # how an order's id begins; fewer characters are rather a name
_CODE = re.compile(r"([rc])?(\d{4})-(\d{1,9})", re.IGNORECASE)  # of a receipt, as `Receipt.code` writes it
_KINDS = {"r": ReceiptKind.RECEIPT, "c": ReceiptKind.CREDIT_NOTE}


def fits(text: str, event_id: int) -> ColumnElement[bool]:
    """Return the condition that one of an order's names has the text in it."""
    wanted = text.replace("\x00", "")
    named = (
        select(LineItem.order_id)
        .outerjoin(Photo)
        .where(
            LineItem.event_id == event_id,
            or_(
                col(LineItem.label).icontains(wanted, autoescape=True),
                col(Photo.filename).icontains(wanted, autoescape=True),
            ),
        )
    )
    address = col(Order.email).icontains(wanted, autoescape=True)
    return or_(address, col(Order.id).in_(named), _begins(wanted), _has_paper(wanted))


def _begins(text: str) -> ColumnElement[bool]:
    """Return the condition that an order's id begins so; ids are compared as numbers are."""
    digits = text.replace("-", "").lower()
    if not _ID.fullmatch(digits):
        return false()
    return col(Order.id).between(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))


def _has_paper(text: str) -> ColumnElement[bool]:
    found = _CODE.fullmatch(text)
    if found is None:
        return false()
    letter, year, number = found.groups()
    papers = select(Receipt.order_id).where(Receipt.year == int(year), Receipt.number == int(number))
    if letter:
        papers = papers.where(Receipt.kind == _KINDS[letter.lower()])
    return col(Order.id).in_(papers)
