"""The occasion, its galleries, and who has a part in it."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class EventStatus(StrEnum):
    """How far an event has come, in order."""

    DRAFT = "draft"
    SHOOTING = "shooting"
    UPLOADED = "uploaded"
    ON_SALE = "on_sale"
    CLOSED = "closed"


class Visibility(StrEnum):
    """Who finds an event without being given a link."""

    LISTED = "listed"
    BY_LINK = "by_link"


class MemberRole(StrEnum):
    """An account's part in one event."""

    CO_ORGANISER = "co_organiser"
    PHOTOGRAPHER = "photographer"
    ANALYST = "analyst"
    DOOR = "door"


class Event(SQLModel, table=True):
    """An occasion whose photos are found and sold."""

    __table_args__ = (CheckConstraint("price_amount >= 0", name="price_not_negative"),)

    id: int = Field(default=None, primary_key=True)  # set by the database
    slug: str = Field(unique=True, max_length=80)
    name: str = Field(max_length=120)
    held_on: date
    time_zone: str = Field(default="Asia/Bangkok", max_length=64)
    place: str = Field(default="", max_length=120)
    description: str = Field(default="", max_length=2000)
    cover_photo_id: UUID | None = None  # no foreign key: photo points at event already
    price_amount: int = 0  # minor units, per photo
    currency: str = Field(default="THB", max_length=3)
    status: EventStatus = Field(default=EventStatus.DRAFT, sa_type=choice(EventStatus))
    visibility: Visibility = Field(default=Visibility.BY_LINK, sa_type=choice(Visibility))
    expires_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the event's times are shown."""
        return ZoneInfo(self.time_zone)

    def is_open_to_visitors(self, now: datetime) -> bool:
        """Visitors may look: it left draft, is not closed and has not expired."""
        if self.status in (EventStatus.DRAFT, EventStatus.CLOSED):
            return False
        return self.expires_at is None or now < self.expires_at

    def is_on_sale(self, now: datetime) -> bool:
        """Visitors may buy."""
        return self.status is EventStatus.ON_SALE and self.is_open_to_visitors(now)


class Gallery(SQLModel, table=True):
    """A set of an event's photos, such as Start or Finish."""

    __table_args__ = (UniqueConstraint("event_id", "name"),)

    id: int = Field(default=None, primary_key=True)  # set by the database
    event_id: int = Field(foreign_key="event.id", index=True)
    name: str = Field(max_length=80)
    position: int = 0
    price_amount: int | None = None  # minor units, per photo; None: the event's
    web_amount: int | None = None  # in the web size; None: the event's


class EventMember(SQLModel, table=True):
    """An account's part in one event."""

    __tablename__ = "event_member"
    __table_args__ = (CheckConstraint("commission_percent BETWEEN 0 AND 100", name="commission_percent"),)

    event_id: int = Field(foreign_key="event.id", primary_key=True)
    account_id: int = Field(foreign_key="account.id", primary_key=True, index=True)
    role: MemberRole = Field(sa_type=choice(MemberRole))
    commission_percent: int = 0
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
