"""What may be said of an event's prices. Nonsense is refused in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from core import days
from core.errors import InvalidInput
from core.events import LARGEST_PRICE

MOST_TIERS = 10
LARGEST_COUNT = 1_000  # photos; more than a cart holds
LONGEST_REFUND = 365  # days


@dataclass(frozen=True)
class Terms:
    """Everything an organiser says of an event's prices. Amounts are minor units; None: not offered."""

    price_amount: int = 0  # of one photo in full size
    web_amount: int | None = None
    tiers: tuple[tuple[int, int], ...] = ()  # from so many photos, percent off
    bundle_amount: int | None = None  # at most this for all photos that one search found
    pass_amount: int | None = None
    free_count: int = 0  # photos that each guest gets for nothing
    early_percent: int = 0
    early_until: datetime | None = None
    tax_basis_points: int = 0
    is_tax_included: bool = True
    refund_days: int = 0

    def check(self) -> None:
        """Raises InvalidInput for what cannot be a price list."""
        check_amount(self.price_amount)
        check_amount(self.web_amount)
        check_amount(self.bundle_amount, least=1)
        check_amount(self.pass_amount, least=1)
        _check_tiers(self.tiers)
        _check_range(self.free_count, LARGEST_COUNT, "The free photos of a guest are between 0 and {most}.")
        _check_range(self.early_percent, 100, "Early birds save between 0 and {most} percent.")
        if bool(self.early_percent) is not (self.early_until is not None):
            raise InvalidInput("An early bird needs both: how much is taken off, and until when.")
        days.check_year(self.early_until)
        _check_range(self.tax_basis_points, 10_000, "Tax is between 0 and 100 percent.")
        _check_range(self.refund_days, LONGEST_REFUND, "Refunds are possible for {most} days at most.")


def check_amount(amount: int | None, least: int = 0) -> None:
    """Raises InvalidInput for what is no price: a slip of the keyboard, or nothing where it cannot be."""
    if amount is None or least <= amount <= LARGEST_PRICE:
        return
    if least:
        raise InvalidInput("This price must be more than zero, and below one million.")
    raise InvalidInput("The price must be zero or more, and below one million.")


def _check_range(number: int, most: int, words: str) -> None:
    if not 0 <= number <= most:
        raise InvalidInput(words, most=most)


def _check_tiers(tiers: Sequence[tuple[int, int]]) -> None:
    if len(tiers) > MOST_TIERS:
        raise InvalidInput("An event has {most} steps of discounts at most.", most=MOST_TIERS)
    for count, percent in tiers:
        if not (2 <= count <= LARGEST_COUNT and 1 <= percent <= 99):
            raise InvalidInput(
                "A step begins at 2 to {most} photos and takes 1 to 99 percent off.", most=LARGEST_COUNT
            )
    for (count, percent), (more, greater) in pairwise(tiers):
        if not (count < more and percent < greater):
            raise InvalidInput("Each step must begin at more photos than the one before, and take more off.")
