"""What an event's photos are sold for, and the coupons that make them cheaper."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, utc_now


class PriceList(SQLModel, table=True):
    """How an event sells beyond `Event.price_amount`. An event without a row sells full sizes only.

    Amounts are minor units of the event's currency; None: not offered.
    """

    __tablename__ = "price_list"
    __table_args__ = (
        CheckConstraint("early_percent BETWEEN 0 AND 100", name="early_percent"),
        CheckConstraint("tax_basis_points BETWEEN 0 AND 10000", name="tax_basis_points"),
        CheckConstraint("free_count >= 0", name="free_count"),
    )

    event_id: int = Field(foreign_key="event.id", primary_key=True, ondelete="CASCADE")
    web_amount: int | None = None  # of one photo in the web size
    tiers: list[list[int]] = Field(default_factory=list, sa_type=JSON)  # [from so many photos, percent off]
    bundle_amount: int | None = None  # at most this for all photos that one search found
    pass_amount: int | None = None  # every photo of the event
    free_count: int = 0  # photos that each guest gets for nothing
    early_percent: int = 0  # off the price of each photo
    early_until: datetime | None = Field(default=None, sa_type=UTC_TIME)
    tax_basis_points: int = 0  # hundredths of a percent: 700 is 7 %
    is_tax_included: bool = True
    refund_days: int = 0  # within so many days buyers give unfetched photos back by themselves; 0: never


class Coupon(SQLModel, table=True):
    """A code that makes an event's photos cheaper: by a percentage or by an amount."""

    __table_args__ = (
        UniqueConstraint("event_id", "code"),
        CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name="one_kind"),
    )

    id: int = Field(default=None, primary_key=True)  # set by the database
    event_id: int = Field(foreign_key="event.id", ondelete="CASCADE")
    code: str = Field(max_length=32)  # upper case
    percent: int | None = None  # 1..100
    amount: int | None = None  # minor units of the event's currency
    limit: int | None = None  # orders in all; None: as many as come
    limit_per_buyer: int | None = None
    valid_from: datetime | None = Field(default=None, sa_type=UTC_TIME)
    valid_until: datetime | None = Field(default=None, sa_type=UTC_TIME)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    ended_at: datetime | None = Field(default=None, sa_type=UTC_TIME)  # taken back by its organiser
