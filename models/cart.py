"""What a visitor wishes to buy. Prices are quoted on every look, never stored here."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class Size(StrEnum):
    """In what size a photo is sold: as it was taken, or small enough for a screen."""

    FULL = "full"
    WEB = "web"


class CartItem(SQLModel, table=True):
    """One photo in a visitor's cart."""

    __tablename__ = "cart_item"

    visitor_key: str = Field(primary_key=True, max_length=64)
    photo_id: UUID = Field(foreign_key="photo.id", primary_key=True, ondelete="CASCADE")
    size: Size = Field(default=Size.FULL, sa_type=choice(Size))
    bundle_key: str | None = Field(default=None, max_length=64)  # the search of the visitor's that found it
    added_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)


class CartPass(SQLModel, table=True):
    """A pass to every photo of an event, in a visitor's cart."""

    __tablename__ = "cart_pass"

    visitor_key: str = Field(primary_key=True, max_length=64)
    event_id: int = Field(foreign_key="event.id", primary_key=True, ondelete="CASCADE")
    added_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)


class CartCoupon(SQLModel, table=True):
    """The coupon that a visitor has entered: one at a time."""

    __tablename__ = "cart_coupon"

    visitor_key: str = Field(primary_key=True, max_length=64)
    coupon_id: int = Field(foreign_key="coupon.id", ondelete="CASCADE")
