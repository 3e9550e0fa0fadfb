"""Money without I/O: what a cart costs, and how an amount is written. Tiers and vouchers belong here."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from core.errors import InvalidInput

DEFAULT_CURRENCY = "THB"
_SYMBOLS = {"THB": "฿", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_WITHOUT_MINOR_UNITS = frozenset({"JPY", "KRW", "VND"})  # ISO 4217, exponent 0


@dataclass(frozen=True)
class Line:
    """One photo at its price."""

    photo_id: UUID
    event_id: int
    label: str
    amount: int  # minor units
    currency: str


@dataclass(frozen=True)
class Quote:
    """What a set of photos costs now."""

    lines: tuple[Line, ...]
    total_amount: int  # minor units
    currency: str


class MixedCurrencies(InvalidInput):
    """One payment has one currency."""

    def __init__(self) -> None:
        super().__init__("These photos have prices in different currencies. Pay for one event first.")


def quote(lines: Iterable[Line]) -> Quote:
    """Return the lines with their total. Raises MixedCurrencies."""
    priced = tuple(lines)
    for line in priced:
        if type(line.amount) is not int or line.amount < 0:
            raise ValueError(f"an amount is a whole number of minor units: {line.amount!r}")
    currencies = {line.currency for line in priced} or {DEFAULT_CURRENCY}
    if len(currencies) > 1:
        raise MixedCurrencies
    return Quote(priced, sum(line.amount for line in priced), currencies.pop())


def minor_units(currency: str) -> int:
    """Return how many minor units make one: 100 satang a baht, 1 for the yen."""
    return 1 if currency in _WITHOUT_MINOR_UNITS else 100


def format_amount(amount: int, currency: str) -> str:
    """Return minor units as people write them: ฿120, ฿1,200.50, CHF 12."""
    whole, rest = divmod(abs(amount), minor_units(currency))
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{sign}{symbol}{whole:,}" + (f".{rest:02}" if rest else "")
