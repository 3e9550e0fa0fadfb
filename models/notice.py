"""What happened in an event, in order: told to those who listen live and to webhooks."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class NoticeKind(StrEnum):
    """What programs can be told of."""

    PHOTO_UPLOADED = "photo.uploaded"
    PHOTO_RENDERED = "photo.rendered"
    PHOTO_INDEXED = "photo.indexed"
    PHOTO_REVIEWED = "photo.reviewed"
    PHOTO_DELETED = "photo.deleted"
    SEARCH_MADE = "search.made"
    ORDER_PAID = "order.paid"
    ORDER_REFUNDED = "order.refunded"
    ORDER_DISPUTED = "order.disputed"


class Notice(SQLModel, table=True):
    """One thing that happened, written in the transaction of what it tells. Ids and counts only.

    Within an event, a notice that is committed later has a higher id: who has read up to one misses none.
    """

    # Ids are never used again on SQLite either, when the newest rows are gone.
    __table_args__ = (Index("ix_notice_event_id_id", "event_id", "id"), {"sqlite_autoincrement": True})

    id: int = Field(default=None, primary_key=True)  # set by the database
    event_id: int = Field(foreign_key="event.id")
    kind: NoticeKind = Field(sa_type=choice(NoticeKind))
    at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME, index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
