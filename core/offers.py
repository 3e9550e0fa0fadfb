"""How an event sells, as plain values: list prices, what makes them less, coupons. Pure."""

from dataclasses import dataclass
from datetime import datetime

from core.shares import percent_of

DEFAULT_CURRENCY = "THB"
PHOTO, PASS = "photo", "pass"  # kinds of lines
FULL, WEB = "full", "web"  # sizes


@dataclass(frozen=True)
class Offer:
    """How an event sells. Amounts are minor units; None: not offered."""

    name: str  # the event's
    price_amount: int
    currency: str = DEFAULT_CURRENCY
    web_amount: int | None = None
    tiers: tuple[tuple[int, int], ...] = ()  # from so many photos, percent off; both ascend
    bundle_amount: int | None = None  # at most this for all photos that one search found
    pass_amount: int | None = None
    free_count: int = 0  # photos that each guest gets for nothing
    early_percent: int = 0
    early_until: datetime | None = None
    tax_basis_points: int = 0
    is_tax_included: bool = True

    def is_early(self, now: datetime) -> bool:
        """Photos cost less now than later."""
        return bool(self.early_percent) and self.early_until is not None and now < self.early_until

    def tier(self, count: int) -> tuple[int, int]:
        """Return the tier that so many photos reach, (0, 0) for none."""
        return max((tier for tier in self.tiers if tier[0] <= count), default=(0, 0))


@dataclass(frozen=True)
class CouponTerms:
    """What a coupon takes off its event's sum: a percentage or an amount."""

    event_id: int
    code: str
    percent: int | None = None
    amount: int | None = None  # minor units

    def off(self, total: int) -> int:
        """Return what it takes off a sum: never more than that."""
        return min(total, self.amount or 0) if self.percent is None else percent_of(total, self.percent)


def list_amount(
    offer: Offer,
    size: str = FULL,
    *,
    gallery: tuple[int | None, int | None] = (None, None),
    own: int | None = None,
) -> int | None:
    """Return the list price of a photo, None where this size is not sold.

    `own` goes before its gallery's, (full, web), and that before the event's. A web size never costs more
    than the full one.
    """
    full = _first(own, gallery[0], offer.price_amount)
    if size == FULL or full is None:
        return full
    web = _first(gallery[1], offer.web_amount)
    return None if web is None else min(web, full)


def early_amount(offer: Offer, amount: int, now: datetime) -> int:
    """Return what one photo of this list price costs by itself now, before tax on top."""
    return amount - percent_of(amount, offer.early_percent) if offer.is_early(now) else amount


def _first(*amounts: int | None) -> int | None:
    return next((amount for amount in amounts if amount is not None), None)
