"""Passes: every photo of an event that is public, those that are approved later too."""

from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import exists, insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import photos
from core.backends import Backends
from models.order import Download, LineItem, LineKind, Order, OrderStatus
from models.photo import Photo


def grant(backends: Backends, session: Session, item: LineItem) -> None:
    """Grant the files of a pass that were not granted yet, in the caller's transaction."""
    missing = session.exec(_missing(item)).all()
    if missing:
        rows = [granted(backends, item, photo_id, str(photo_id)) for photo_id in missing]
        session.execute(insert(Download), rows)


def granted(backends: Backends, item: LineItem, photo_id: UUID, name: str) -> dict[str, Any]:
    """Return the values of a file that a line grants; its id is derived from the line and a name."""
    return {
        "id": uuid5(item.id, name),
        "order_id": item.order_id,
        "line_item_id": item.id,
        "photo_id": photo_id,
        "size": item.size,
        "expires_at": backends.now() + backends.settings.download_ttl,
        "limit": backends.settings.download_limit,
        "count": 0,
    }


def top_up(backends: Backends, order_id: UUID) -> None:
    """Grant what was approved in the events of an order's passes since it was looked at last."""
    passes = select(LineItem).where(LineItem.order_id == order_id, LineItem.kind == LineKind.PASS)
    with backends.reading() as session:
        items = session.exec(passes).all()
        is_behind = any(session.exec(_missing(item).limit(1)).first() for item in items if _is_kept(item))
    if not is_behind:
        return
    with backends.transaction() as session:
        paid = select(Order).where(Order.id == order_id, Order.status == OrderStatus.PAID)
        if session.exec(paid.with_for_update()).first():  # a refund comes before this, or waits for it
            for item in session.exec(passes).all():
                if _is_kept(item):
                    grant(backends, session, item)


def _missing(item: LineItem) -> SelectOfScalar[UUID]:
    has = exists().where(col(Download.line_item_id) == item.id, col(Download.photo_id) == col(Photo.id))
    return select(Photo.id).where(Photo.event_id == item.event_id, *photos.PUBLIC, ~has)


def _is_kept(item: LineItem) -> bool:
    """Its money did not go back."""
    return item.amount == 0 or item.refunded_amount < item.amount
