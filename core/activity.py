"""What happened, for counting: written in the transaction of what it tells, read by the reports."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from sqlmodel import Session

from core import notices
from core.access import Viewer
from models.activity import Activity, ActivityKind
from models.notice import NoticeKind
from models.order import LineItem, Order


def record(
    session: Session,
    kind: ActivityKind,
    *,
    by: Viewer,
    event_id: int | None = None,
    subject: UUID | int | None = None,
    **numbers: int,
) -> None:
    """Append one row: ids and counts only, never a name, an address or a face."""
    session.add(
        Activity(
            kind=kind,
            event_id=event_id,
            visitor_key=by.visitor_key or None,
            account_id=by.account_id,
            subject=None if subject is None else str(subject),
            numbers=numbers,
        )
    )


def record_sale(session: Session, order: Order, items: Sequence[LineItem], *, by: Viewer) -> None:
    """Append one row for each event of a paid order, and note it there. The items come event by event."""
    for event_id, group in groupby(items, key=lambda item: item.event_id):
        amounts = [item.amount for item in group]
        numbers = {"amount": sum(amounts), "count": len(amounts)}
        record(session, ActivityKind.PAID, by=by, event_id=event_id, subject=order.id, **numbers)
        told: dict[str, notices.Value] = {"order_id": str(order.id), "currency": order.currency, **numbers}
        notices.note(session, NoticeKind.ORDER_PAID, event_id, **told)
