"""Money and bought photos on the page: bills, order chips, tiles. All HTML here is escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core import bills, pricing
from core.i18n import _
from core.pricing import BillRow, RowKind, format_amount
from models.order import OrderStatus
from pages.parts import site, style

_TILES = (
    "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,160px),1fr));gap:16px;"
    "list-style:none;margin:0;padding:0"
)
_PICTURE = (
    "display:block;width:100%;aspect-ratio:3/2;object-fit:cover;border-radius:10px;"
    "background:var(--encore-panel)"
)
_LINK = "display:inline-grid;align-items:center;min-height:44px;font-weight:600;color:var(--encore-accent)"
_QUIET = "display:block;color:var(--encore-quiet)"
_RULE = "border:0;border-top:1px solid var(--encore-line);padding:10px 0;font-size:1rem;"
_WITHIN = "font-weight:400;color:var(--encore-quiet);border-top:0;padding-top:0"


@dataclass(frozen=True)
class Tile:
    """A picture with words below, and perhaps a file to fetch. Addresses are local paths."""

    image_url: str
    title: str
    note: str = ""
    download_url: str = ""


def bill(rows: Iterable[BillRow], total_amount: int, currency: str) -> None:
    """Show a bill step by step, what it comes to, and the tax within."""
    above, within = _split(rows)
    st.html(
        table(
            [bills.words(row, currency) for row in above],
            format_amount(total_amount, currency),
            [bills.words(row, currency) for row in within],
        )
    )


def steps(rows: Iterable[BillRow], currency: str) -> str:
    """Return the steps of a bill without its total, as safe HTML."""
    above, within = _split(rows)
    return table([bills.words(row, currency) for row in (*above, *within)])


def _split(rows: Iterable[BillRow]) -> tuple[list[BillRow], list[BillRow]]:
    """Return the steps that lead to the total, and what is said of the tax that it includes."""
    every = list(rows)
    within = [row for row in every if row.kind is RowKind.TAX_INCLUDED]
    return [row for row in every if row not in within], within


def table(rows: Iterable[tuple[str, str]], total: str = "", below: Iterable[tuple[str, str]] = ()) -> str:
    """Return rows of (text, amount) as a table in safe HTML: with their sum, and what is said of it below."""
    body = "".join(_bill_row(text, amount, "font-weight:400") for text, amount in rows)
    foot = _bill_row(_("Total"), total, "font-weight:650") if total else ""
    foot += "".join(_bill_row(text, amount, _WITHIN) for text, amount in below)
    return f'<table style="width:100%;max-width:640px;border-collapse:collapse">{body}{foot}</table>'


def _bill_row(text: str, amount: str, look: str) -> str:
    name = f"{_RULE}text-align:left;overflow-wrap:anywhere;{look}"
    number = f"{_RULE}text-align:right;padding-left:16px;white-space:nowrap;vertical-align:top;{look}"
    head = f'<th scope="row" style="{name}">{escape(text)}</th>'
    return f'<tr>{head}<td style="{number}">{escape(amount)}</td></tr>'


def priced(label: str, count: int, amount: int, currency: str) -> tuple[str, str]:
    """Return a bill's row for several photos at one price: "Run: 3 × ฿120"."""
    each, rest = divmod(amount, count)
    text = f"{label}: {count:,} × {format_amount(each, currency)}" if rest == 0 else f"{label}: {count:,}"
    return text, format_amount(amount, currency)


def chip(status: OrderStatus) -> str:
    """Return where an order stands, as a coloured label in safe HTML."""
    tones: dict[OrderStatus, tuple[str, style.Tone]] = {
        OrderStatus.PENDING: (_("Waiting for payment"), "info"),
        OrderStatus.PAID: (_("Paid"), "good"),
        OrderStatus.FAILED: (_("Payment refused"), "bad"),
        OrderStatus.EXPIRED: (_("Expired"), ""),
        OrderStatus.HELD: (_("Being checked"), "warn"),
        OrderStatus.REFUNDED: (_("Refunded"), ""),
    }
    return style.status_chip(*tones[status])


def tiles(shown: Sequence[Tile]) -> None:
    """Show pictures in a grid that fits a phone."""
    st.html(f'<ul style="{_TILES}">{"".join(map(_tile, shown))}</ul>')


def _tile(tile: Tile) -> str:
    note = f'<span style="{_QUIET}">{escape(tile.note)}</span>' if tile.note else ""
    title = f'<strong style="display:block;margin-top:6px">{escape(tile.title)}</strong>'
    parts = f"{picture(tile.image_url)}{title}{note}{_download(tile) if tile.download_url else ''}"
    return f'<li style="margin:0;padding:0;min-width:0;overflow-wrap:anywhere">{parts}</li>'


def _download(tile: Tile) -> str:
    name = escape(_("Download {name}").format(name=tile.title))
    start = f'<a href="{escape(tile.download_url)}" download aria-label="{name}" style="{_LINK}">'
    return f"{start}{escape(_('Download'))}</a>"


def picture(image_url: str) -> str:
    """Return a photo as safe HTML, an empty frame for ""; the words beside it name it."""
    if not image_url:
        return f'<span style="{_PICTURE}"></span>'
    return f'<img src="{escape(image_url)}" alt="" loading="lazy" decoding="async" style="{_PICTURE}">'


def local_path(url: str) -> str:
    """Return an address of this site as a local path, any other as it is: both are fit for `site.go`."""
    own = site.backends().settings.public_url.rstrip("/") + "/"
    return "/" + url.removeprefix(own) if url.startswith(own) else url


def when(at: datetime) -> str:
    """Return a time on the reader's own clock."""
    there = at.astimezone(_zone())
    return f"{there.day} {there:%b %Y, %H:%M}"


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):  # the browser says whatever it likes
        return ZoneInfo("UTC")


def major(amount: int, currency: str) -> float:
    """Return minor units as a number for an axis; sums are never made of it."""
    return amount / pricing.minor_units(currency)
