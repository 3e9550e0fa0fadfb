"""Orders as rows, as if a gateway had said where they stand: for tests of what comes after the payment."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from core import downloads
from core.backends import Backends
from models.cart import Size
from models.event import Event
from models.order import Download, LineItem, LineKind, Order, OrderStatus
from models.photo import Photo

PRICE = 12_000  # minor units of every line


def sell(backends: Backends, *sold: Photo | Event, size: Size = Size.FULL, **fields: Any) -> Order:
    """Write an order of photos, and of passes to events; a paid one has its files."""
    with backends.transaction() as session:
        order = _order(backends, PRICE * len(sold), fields)
        session.add(order)
        session.flush()
        items = [_line(order, one, size) for one in sold]
        session.add_all(items)
        session.flush()
        if order.status is OrderStatus.PAID:
            downloads.grant(backends, session, items)
    return order


def _order(backends: Backends, amount: int, fields: dict[str, Any]) -> Order:
    status, now = fields.get("status", OrderStatus.PAID), backends.now()
    made = {
        "visitor_key": "v" * 64,
        "email": "runner@example.org",
        "status": status,
        "total_amount": amount,
        "currency": "THB",
        "gateway": "demo",
        "expires_at": now + timedelta(minutes=30),
        "paid_at": now if status in (OrderStatus.PAID, OrderStatus.REFUNDED) else None,
    }
    return Order(**made | fields)


def _line(order: Order, sold: Photo | Event, size: Size) -> LineItem:
    is_pass = isinstance(sold, Event)
    return LineItem(
        order_id=order.id,
        event_id=sold.id if is_pass else sold.event_id,
        kind=LineKind.PASS if is_pass else LineKind.PHOTO,
        photo_id=None if is_pass else sold.id,
        size=size,
        label=sold.name if is_pass else sold.filename,
        list_amount=PRICE,
        amount=PRICE,
        currency="THB",
    )


def lines_of(session: Session, order: Order) -> list[UUID]:
    """Return the ids of an order's lines."""
    return list(session.exec(select(LineItem.id).where(LineItem.order_id == order.id)))


def files_of(backends: Backends, order: Order) -> list[Download]:
    """Return the rows of what an order was granted."""
    with backends.reading() as session:
        return list(session.exec(select(Download).where(Download.order_id == order.id)))
