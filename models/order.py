"""Purchases: orders, their priced parts, verified messages about money, granted files."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class OrderStatus(StrEnum):
    """Where an order stands. `held` is money that does not fit the order: an admin looks at it."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    HELD = "held"


class Order(SQLModel, table=True):
    """A purchase. Amounts are copied at checkout and never change."""

    # "order" is a reserved word in SQL.
    __tablename__ = "purchase"
    __table_args__ = (CheckConstraint("total_amount >= 0", name="total_not_negative"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    visitor_key: str = Field(index=True, max_length=64)
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    email: str = Field(max_length=254)
    status: OrderStatus = Field(default=OrderStatus.PENDING, sa_type=choice(OrderStatus))
    total_amount: int  # minor units
    currency: str = Field(max_length=3)
    gateway: str = Field(max_length=24)
    checkout_id: str | None = Field(default=None, max_length=255)
    checkout_url: str | None = Field(default=None, max_length=2048)
    # The same cart placed twice is the same order: set while pending, None afterwards.
    pending_key: str | None = Field(default=None, unique=True, max_length=64)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    expires_at: datetime = Field(sa_type=UTC_TIME)
    paid_at: datetime | None = Field(default=None, sa_type=UTC_TIME, index=True)


class LineItem(SQLModel, table=True):
    """A priced part of an order."""

    __tablename__ = "line_item"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    event_id: int = Field(foreign_key="event.id", index=True)
    photo_id: UUID = Field(foreign_key="photo.id", index=True)
    label: str = Field(max_length=255)
    amount: int  # minor units
    currency: str = Field(max_length=3)


class ReceivedEvent(SQLModel, table=True):
    """A verified message about money, written down once by the gateway's id for it."""

    __tablename__ = "received_event"

    id: str = Field(primary_key=True, max_length=255)
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    checkout_id: str = Field(max_length=255)
    state: str = Field(max_length=24)
    amount: int
    currency: str = Field(max_length=3)
    received_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    handled_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class Download(SQLModel, table=True):
    """A file granted by a paid line item: until when, how often, and how often so far."""

    id: UUID = Field(primary_key=True)  # uuid5 of the line item
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    line_item_id: UUID = Field(foreign_key="line_item.id", unique=True)
    photo_id: UUID = Field(foreign_key="photo.id")
    expires_at: datetime = Field(sa_type=UTC_TIME)
    limit: int
    count: int = 0
