"""What a visitor wishes to buy. Prices are quoted on every look, never stored here."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, utc_now


class CartItem(SQLModel, table=True):
    """One photo in a visitor's cart."""

    __tablename__ = "cart_item"

    visitor_key: str = Field(primary_key=True, max_length=64)
    photo_id: UUID = Field(foreign_key="photo.id", primary_key=True, ondelete="CASCADE")
    added_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
