"""The outbox: one row for each mail that is to be sent, once."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class MailKind(StrEnum):
    """What a mail is about."""

    ORDER_CONFIRMATION = "order_confirmation"
    RECEIPT = "receipt"
    REFUND = "refund"
    ORDER_LINKS = "order_links"  # asked for by who lost them, or sent again by the organiser
    PASSWORD_RESET = "password_reset"  # noqa: S105
    INVITATION = "invitation"
    PAYOUT = "payout"
    DAY_SUMMARY = "day_summary"


class MailStatus(StrEnum):
    """Where a mail is. `dropped`: when its turn came there was nothing left to say."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class OutboxMail(SQLModel, table=True):
    """A mail to one address. Its words are made when it is sent: no row holds a code or a link."""

    __tablename__ = "outbox_mail"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    kind: MailKind = Field(sa_type=choice(MailKind))
    subject: str = Field(max_length=120)  # the id of what it is about: told once
    to: str = Field(max_length=254)
    language: str = Field(default="en", max_length=8)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # ids and days, no secrets
    status: MailStatus = Field(default=MailStatus.WAITING, sa_type=choice(MailStatus))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME, index=True)
    sent_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    last_error: str | None = Field(default=None, max_length=2000)
