"""Bills as programs read them: each step from the list prices to the total, in words."""

from collections.abc import Iterable

from pydantic import Field

from api.schemas import Answer, Money
from core import bills, pricing
from core.pricing import RowKind

CURRENCY = "By ISO 4217."


class BillRow(Answer):
    """One step. All amounts but that of `tax_included`, which is within them, add up to the total."""

    kind: RowKind = Field(description="What it is for, for programs. Kinds may be added.")
    text: str = Field(description="What it says, for people.")
    amount: Money = Field(description="Minor units; what is taken off is negative.")


def rows(found: Iterable[pricing.BillRow], currency: str) -> list[BillRow]:
    """Return a bill as it is answered."""
    return [BillRow(kind=row.kind, text=bills.words(row, currency)[0], amount=row.amount) for row in found]
