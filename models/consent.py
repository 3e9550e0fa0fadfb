"""Receipts of consent, stored before any biometric work."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class Purpose(StrEnum):
    """What a face may be used for."""

    SEARCH = "search"


class ConsentReceipt(SQLModel, table=True):
    """A visitor agreed to one purpose, in one version of the text, in one language."""

    __tablename__ = "consent_receipt"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    visitor_key: str = Field(index=True, max_length=64)
    event_id: int = Field(foreign_key="event.id", index=True)
    purpose: Purpose = Field(sa_type=choice(Purpose))
    version: str = Field(max_length=16)
    language: str = Field(max_length=8)
    given_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
