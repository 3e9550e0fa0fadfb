"""What happened, append only, with no personal data beyond ids."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class ActivityKind(StrEnum):
    """The steps that the funnel and the reports count."""

    LINK_OPENED = "link_opened"
    CONSENT = "consent"
    SEARCH = "search"
    FEEDBACK = "feedback"
    VIEW = "view"
    FAVOURITE = "favourite"
    CART = "cart"
    PAID = "paid"
    DOWNLOAD = "download"
    APPROVAL = "approval"
    SIGN_IN = "sign_in"


class Activity(SQLModel, table=True):
    """One thing that happened, written in the transaction of what it tells."""

    __table_args__ = (Index("ix_activity_event_id_kind_at", "event_id", "kind", "at"),)

    id: int = Field(default=None, primary_key=True)  # set by the database
    kind: ActivityKind = Field(sa_type=choice(ActivityKind))
    at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    event_id: int | None = Field(default=None, foreign_key="event.id")
    visitor_key: str | None = Field(default=None, max_length=64)
    account_id: int | None = Field(default=None, foreign_key="account.id")
    subject: str | None = Field(default=None, max_length=64)
    numbers: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
