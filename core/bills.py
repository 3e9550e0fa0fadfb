"""A bill in words: each step from the list prices to the total, as buyers read it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from core.i18n import _, plural
from core.offers import WEB
from core.pricing import BillRow, RowKind, format_amount
from models.order import LineItem, LineKind, Order


def words(row: BillRow, currency: str) -> tuple[str, str]:
    """Return what a row of a bill says, and its amount as it is written."""
    match row.kind:
        case RowKind.PHOTOS | RowKind.PASS:
            text = _listed(row, currency)
        case RowKind.EARLY:
            text = _("Early bird −{percent} %").format(percent=row.percent)
        case RowKind.GIFT:
            text = plural("{count} free photo", "{count} free photos", row.count)
        case RowKind.BUNDLE:
            text = _("All my photos for {price}").format(price=format_amount(row.unit_amount, currency))
        case RowKind.TIER:
            many = plural("{count} photo or more", "{count} photos or more", row.count)
            text = _("{many} −{percent} %").format(many=many, percent=row.percent)
        case RowKind.COUPON:
            text = _coupon(row)
        case RowKind.TAX_INCLUDED:
            text = _("Includes VAT {percent} %").format(percent=_percent(row.basis_points))
        case RowKind.TAX_ADDED:
            text = _("VAT {percent} %").format(percent=_percent(row.basis_points))
    return text, written(row.amount, currency)


def written(amount: int, currency: str) -> str:
    """Return an amount of a bill, with a true minus before what is taken off."""
    sign = "−" if amount < 0 else ""
    return sign + format_amount(abs(amount), currency)


def _listed(row: BillRow, currency: str) -> str:
    price = format_amount(row.unit_amount, currency)
    if row.kind is RowKind.PASS:
        return _("{event} · pass to all photos: {price}").format(event=row.label, price=price)
    text = (
        _("{event} · web size: {count} × {price}")
        if row.size == WEB
        else _("{event} · full size: {count} × {price}")
    )
    return text.format(event=row.label, count=row.count, price=price)


def _coupon(row: BillRow) -> str:
    if row.percent:
        return _("Coupon {code} −{percent} %").format(code=row.label, percent=row.percent)
    return _("Coupon {code}").format(code=row.label)


def _percent(basis_points: int) -> str:
    """Return a rate as people write it: 7, 7.25."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)


def packed(rows: Iterable[BillRow]) -> list[dict[str, Any]]:
    """Return a bill as an order keeps it."""
    return [asdict(row) | {"kind": row.kind.value, "size": str(row.size)} for row in rows]


def rows(order: Order, lines: Sequence[LineItem] = ()) -> list[BillRow]:
    """Return an order's bill; one from before there were bills is made of its lines."""
    if order.bill:
        return [BillRow(**row | {"kind": RowKind(row["kind"])}) for row in order.bill]
    return of_lines(lines)


def of_lines(lines: Iterable[LineItem]) -> list[BillRow]:
    """Return what lines came to: a row for each event, kind, size and price. Labels begin with the event."""
    described = sorted((_event(line), line.kind.value, line.size.value, -line.amount) for line in lines)
    found = []
    for (event, kind, size, negative), group in groupby(described):
        count = len(list(group))
        row = RowKind.PASS if kind == LineKind.PASS else RowKind.PHOTOS
        found.append(BillRow(row, event, count, -negative, amount=-negative * count, size=size))
    return found


def _event(line: LineItem) -> str:
    return line.label.rpartition(" · ")[0] or line.label
