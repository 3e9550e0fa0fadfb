"""Money without I/O: what a cart costs and why, and how an amount is written.

Event by event, in this order: list prices; early bird; a guest's free photos, the cheapest first; for all
that one search found the bundle's price or, like for the rest, the tier that is reached, whichever is
cheaper; the coupon; tax, within the sum or on top of it. A percentage is taken once of the event's sum and
rounded half up. What a step takes off, or adds, is shared out by largest remainder: the lines add up to the
total, always.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.errors import InvalidInput
from core.offers import DEFAULT_CURRENCY, FULL, PHOTO, CouponTerms, Offer
from core.shares import allocate, percent_of, tax_on, tax_within

_SYMBOLS = {"THB": "฿", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_WITHOUT_MINOR_UNITS = frozenset({"JPY", "KRW", "VND"})  # ISO 4217, exponent 0


@dataclass(frozen=True)
class Item:
    """Something that is wished for, at its list price."""

    key: UUID | None  # the photo's id; None: a pass
    event_id: int
    label: str
    list_amount: int  # minor units
    kind: str = PHOTO
    size: str = FULL
    bundle_key: str | None = None  # the search that found it


@dataclass(frozen=True)
class Line:
    """One photo, or a pass, at what is to be paid for it."""

    photo_id: UUID | None  # None: a pass
    event_id: int
    label: str
    amount: int  # minor units, tax included
    currency: str
    kind: str = PHOTO
    size: str = FULL
    list_amount: int = 0
    tax_amount: int = 0  # of the amount
    is_gift: bool = False


class RowKind(StrEnum):
    """What a row of a bill says. All but the tax that is included add up to the total."""

    PHOTOS = "photos"
    PASS = "pass"  # noqa: S105
    EARLY = "early"
    GIFT = "gift"
    BUNDLE = "bundle"
    TIER = "tier"
    COUPON = "coupon"
    TAX_INCLUDED = "tax_included"
    TAX_ADDED = "tax_added"


@dataclass(frozen=True)
class BillRow:
    """One step from the list prices to the total, to be put into words by `core.bills`."""

    kind: RowKind
    label: str = ""  # the event's name, or the coupon's code
    count: int = 0  # photos; of a tier: from how many on
    unit_amount: int = 0  # of one photo or pass; of a bundle: its price
    percent: int = 0
    amount: int = 0  # minor units; what is taken off is negative
    size: str = ""  # of photos
    basis_points: int = 0  # of tax


@dataclass(frozen=True)
class Quote:
    """What a cart costs now, and why."""

    lines: tuple[Line, ...]  # in the order of the items
    total_amount: int  # minor units, tax included
    currency: str
    rows: tuple[BillRow, ...] = ()
    tax_amount: int = 0  # of the total


class MixedCurrencies(InvalidInput):
    """One payment has one currency."""

    def __init__(self) -> None:
        super().__init__("These photos have prices in different currencies. Pay for one event first.")


def one_currency(currencies: Iterable[str]) -> str:
    """Return the currency that all of them are. Raises MixedCurrencies."""
    several = set(currencies) or {DEFAULT_CURRENCY}
    if len(several) > 1:
        raise MixedCurrencies
    return several.pop()


def quote(
    items: Iterable[Item],
    offers: Mapping[int, Offer],
    coupon: CouponTerms | None,
    free_left: Mapping[int, int],
    now: datetime,
) -> Quote:
    """Return what the items cost, line by line and step by step. Raises MixedCurrencies.

    `free_left`: how many photos of an event the guest may still have for nothing.
    """
    wanted = list(items)
    currency = one_currency(offers[item.event_id].currency for item in wanted)
    lines: dict[int, Line] = {}
    rows: list[BillRow] = []
    for event_id in dict.fromkeys(item.event_id for item in wanted):
        # In an order of their own: the total is the same however the cart is sorted.
        own = [index for index, item in enumerate(wanted) if item.event_id == event_id]
        own.sort(key=lambda index: (wanted[index].kind, str(wanted[index].key)))
        bill = _Bill(offers[event_id], [wanted[index] for index in own])
        bill.reckon(
            coupon if coupon and coupon.event_id == event_id else None, free_left.get(event_id, 0), now
        )
        lines |= zip(own, bill.lines(), strict=True)
        rows += bill.rows
    ordered = tuple(lines[index] for index in range(len(wanted)))
    total, tax = sum(line.amount for line in ordered), sum(line.tax_amount for line in ordered)
    return Quote(ordered, total, currency, tuple(rows), tax)


@dataclass
class _Bill:
    """One event's part of a quote: what is left to pay for each item, and the rows that say why."""

    offer: Offer
    items: Sequence[Item]
    rows: list[BillRow] = field(default_factory=list)
    gifts: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for item in self.items:
            if type(item.list_amount) is not int or item.list_amount < 0:
                raise ValueError(f"an amount is a whole number of minor units: {item.list_amount!r}")
        self.amounts = [item.list_amount for item in self.items]
        self.taxes = [0] * len(self.items)
        self.every = range(len(self.items))
        self.photos = [index for index in self.every if self.items[index].kind == PHOTO]

    def reckon(self, coupon: CouponTerms | None, free_left: int, now: datetime) -> None:
        """Go from the list prices to what is to be paid."""
        self.list_items()
        if self.offer.is_early(now):
            self.cheapen(RowKind.EARLY, self.photos, self.offer.early_percent)
        self.give(free_left)
        self.reduce()
        if coupon is not None:
            off = coupon.off(self.sum(self.every))
            self.take_off(
                BillRow(RowKind.COUPON, coupon.code, percent=coupon.percent or 0, amount=-off), self.every
            )
        self.tax()

    def lines(self) -> list[Line]:
        """Return the priced items."""
        return [
            Line(
                photo_id=item.key,
                event_id=item.event_id,
                label=item.label,
                amount=self.amounts[index],
                currency=self.offer.currency,
                kind=item.kind,
                size=item.size,
                list_amount=item.list_amount,
                tax_amount=self.taxes[index],
                is_gift=index in self.gifts,
            )
            for index, item in enumerate(self.items)
        ]

    def list_items(self) -> None:
        """Say what everything costs by itself: equal prices in one row, the dearest first."""
        counts: dict[tuple[str, str, int], int] = {}
        for item in self.items:
            key = (item.kind, item.size, item.list_amount)
            counts[key] = counts.get(key, 0) + 1
        for (kind, size, unit), count in sorted(
            counts.items(), key=lambda entry: (entry[0][1], -entry[0][2])
        ):
            row = RowKind.PHOTOS if kind == PHOTO else RowKind.PASS
            self.rows.append(BillRow(row, self.offer.name, count, unit, amount=count * unit, size=size))

    def give(self, free_left: int) -> None:
        """Give the cheapest photos for nothing; one that costs nothing anyway is no gift."""
        priced = sorted((index for index in self.photos if self.amounts[index]), key=self.amounts.__getitem__)
        given = priced[: max(free_left, 0)]
        self.gifts = set(given)
        self.take_off(BillRow(RowKind.GIFT, count=len(given), amount=-self.sum(given)), given)

    def reduce(self) -> None:
        """Take the bundle's price for what a search found, or what the tier takes off, if that is more."""
        reached, percent = self.offer.tier(len(self.photos))
        searches: dict[str | None, list[int]] = {}
        for index in self.photos:
            searches.setdefault(self.items[index].bundle_key, []).append(index)
        cap, rest = self.offer.bundle_amount, searches.pop(None, [])
        for found in searches.values():
            total = self.sum(found)
            if cap is not None and cap < total - percent_of(total, percent):
                row = BillRow(RowKind.BUNDLE, count=len(found), unit_amount=cap, amount=cap - total)
                self.take_off(row, found)
            else:
                rest += found
        self.cheapen(RowKind.TIER, rest, percent, reached)

    def cheapen(self, kind: RowKind, where: Sequence[int], percent: int, count: int = 0) -> None:
        """Take so many percent of their sum off some items."""
        off = percent_of(self.sum(where), percent)
        self.take_off(BillRow(kind, count=count, percent=percent, amount=-off), where)

    def take_off(self, row: BillRow, where: Sequence[int]) -> None:
        """Take a row's amount off some items, each by as much as it costs; nothing is said about nothing."""
        if not row.amount:
            return
        for index, part in zip(where, allocate(row.amount, self.weights(where)), strict=True):
            self.amounts[index] += part
        self.rows.append(row)

    def tax(self) -> None:
        """Say how much tax is in the sum, or add it."""
        rate, total = self.offer.tax_basis_points, self.sum(self.every)
        if self.offer.is_tax_included:
            kind, tax = RowKind.TAX_INCLUDED, tax_within(total, rate)
        else:
            kind, tax = RowKind.TAX_ADDED, tax_on(total, rate)
        if not tax:
            return
        self.taxes = allocate(tax, self.amounts)
        if kind is RowKind.TAX_ADDED:
            self.amounts = [amount + part for amount, part in zip(self.amounts, self.taxes, strict=True)]
        self.rows.append(BillRow(kind, amount=tax, basis_points=rate))

    def sum(self, where: Iterable[int]) -> int:
        """Return what is left to pay for some items."""
        return sum(self.weights(where))

    def weights(self, where: Iterable[int]) -> list[int]:
        """Return what is left to pay for each of some items."""
        return [self.amounts[index] for index in where]


def minor_units(currency: str) -> int:
    """Return how many minor units make one: 100 satang a baht, 1 for the yen."""
    return 1 if currency in _WITHOUT_MINOR_UNITS else 100


def format_amount(amount: int, currency: str) -> str:
    """Return minor units as people write them: ฿120, ฿1,200.50, CHF 12."""
    whole, rest = divmod(abs(amount), minor_units(currency))
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{sign}{symbol}{whole:,}" + (f".{rest:02}" if rest else "")
