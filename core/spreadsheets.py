"""Rows as CSV files that spreadsheets read, and never run: what others wrote cannot begin a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from core import pricing

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # by which Excel knows UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # OWASP, CSV injection

Cell = str | int | Decimal | date | UUID | None


def rows(header: Sequence[str], body: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield a file piece by piece, one row each. Numbers and times are ours and stay as they are."""
    yield BOM + _row(header)
    for cells in body:
        yield _row([_written(cell) for cell in cells])


def major(amount: int, currency: str) -> Decimal:
    """Return minor units as a decimal number with all its places: 120.00, of yen 120."""
    places = len(str(pricing.minor_units(currency))) - 1
    return Decimal(amount).scaleb(-places)


def _row(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(cells)
    return target.getvalue()


def _written(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return "" if cell is None else str(cell)
