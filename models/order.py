"""Purchases: orders, their priced parts, verified messages about money, granted files."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.cart import Size
from models.fields import UTC_TIME, choice, utc_now


class OrderStatus(StrEnum):
    """Where an order stands. `held` is money that does not fit the order: an admin looks at it.

    `paid` stays while a part was refunded; `refunded` is all of it, or lost in a dispute.
    """

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    HELD = "held"
    REFUNDED = "refunded"


class Order(SQLModel, table=True):
    """A purchase. Amounts are copied at checkout and never change."""

    # "order" is a reserved word in SQL.
    __tablename__ = "purchase"
    __table_args__ = (CheckConstraint("total_amount >= 0", name="total_not_negative"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    visitor_key: str = Field(index=True, max_length=64)
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    email: str = Field(max_length=254, index=True)  # lower case
    status: OrderStatus = Field(default=OrderStatus.PENDING, sa_type=choice(OrderStatus))
    total_amount: int  # minor units, what is paid: tax included
    tax_amount: int = 0  # of the total
    currency: str = Field(max_length=3)
    bill: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)  # `pricing.BillRow`s, as asdict
    coupon_id: int | None = Field(default=None, foreign_key="coupon.id", index=True, ondelete="SET NULL")
    gateway: str = Field(max_length=24)
    attempt: int = 0  # at opening a payment: one ends before the next begins
    checkout_id: str | None = Field(default=None, max_length=255, index=True)  # the gateway's id of it
    checkout_url: str | None = Field(default=None, max_length=2048)  # None: a program takes the payment
    intent_id: str | None = Field(default=None, max_length=255, index=True)  # what refunds and disputes name
    # The same cart placed twice is the same order: set while pending, None afterwards.
    pending_key: str | None = Field(default=None, unique=True, max_length=64)
    link_version: int = 0  # of its private address: re-issued ones end those before
    looked: int = 0  # how often its standing at the gateway was acted on: an older look never is
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    expires_at: datetime = Field(sa_type=UTC_TIME)
    paid_at: datetime | None = Field(default=None, sa_type=UTC_TIME, index=True)


class LineKind(StrEnum):
    """What is bought: one photo, or every photo of an event."""

    PHOTO = "photo"
    PASS = "pass"  # noqa: S105


class LineItem(SQLModel, table=True):
    """A priced part of an order."""

    __tablename__ = "line_item"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    event_id: int = Field(foreign_key="event.id", index=True)
    kind: LineKind = Field(default=LineKind.PHOTO, sa_type=choice(LineKind))
    # None: a pass, or a photo that was deleted after its money was given back.
    photo_id: UUID | None = Field(default=None, foreign_key="photo.id", index=True)
    size: Size = Field(default=Size.FULL, sa_type=choice(Size))
    label: str = Field(max_length=255)
    list_amount: int = 0  # minor units, before what was taken off
    amount: int  # minor units, what is paid for it: tax included
    tax_amount: int = 0  # of the amount
    currency: str = Field(max_length=3)
    is_gift: bool = False  # one of the photos that each guest gets for nothing
    refunded_amount: int = 0  # minor units, given back or on its way
    # What the money is shared by, copied as the amounts are. Of a pass: see `LedgerPosting`.
    photographer_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    commission_percent: int = 0  # of what is left after tax and the platform's share
    platform_percent: int = 0  # of what is left after tax


class ReceivedEvent(SQLModel, table=True):
    """A verified message of a gateway, written down once by its id. It is a hint: the gateway is asked."""

    __tablename__ = "received_event"

    id: str = Field(primary_key=True, max_length=255)
    kind: str = Field(max_length=64)  # as the gateway names it
    payment_id: str = Field(max_length=255)  # the checkout or intent it is about
    order_id: UUID | None = Field(default=None, foreign_key="purchase.id", index=True)  # None: not yet known
    received_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    handled_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class Download(SQLModel, table=True):
    """A file granted by a paid line item: until when, how often, and how often so far."""

    __table_args__ = (UniqueConstraint("line_item_id", "photo_id"),)

    id: UUID = Field(primary_key=True)  # uuid5 of the line item, and of the photo for a pass
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    line_item_id: UUID = Field(foreign_key="line_item.id")
    photo_id: UUID = Field(foreign_key="photo.id", index=True)
    size: Size = Field(default=Size.FULL, sa_type=choice(Size))
    expires_at: datetime = Field(sa_type=UTC_TIME)
    limit: int
    count: int = 0
    fetched_at: datetime | None = Field(default=None, sa_type=UTC_TIME)  # first; stays when re-issued
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTC_TIME)  # its money goes back
