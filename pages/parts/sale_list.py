"""Orders as their organiser sees them: a list of links, and the parts of one. All HTML here is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

import streamlit as st

from core import i18n, renditions
from core.i18n import _
from core.pricing import format_amount
from core.sales import Details, Sale
from models.account import Account
from models.cart import Size
from models.event import Event
from models.order import LineItem, LineKind, OrderStatus
from pages.parts import money, site, style

_LIST = "list-style:none;margin:0;padding:0"
_NUMBER = "text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
_FACTS = 'class="encore-card-facts" style="display:block"'
_LINK = (
    "display:grid;grid-template-columns:minmax(0,1fr) auto;gap:2px 16px;align-items:start;padding:12px 4px;"
    "border-top:1px solid var(--encore-line);color:inherit;text-decoration:none;"
    "font-size:1rem;line-height:1.5"
)
_LINE = (
    "display:grid;grid-template-columns:72px minmax(0,1fr) auto;gap:0 14px;align-items:center;margin:0;"
    "padding:10px 0;border-top:1px solid var(--encore-line);font-size:1rem;line-height:1.5"
)
_THUMB = (
    "display:block;width:72px;height:54px;object-fit:cover;border-radius:8px;background:var(--encore-panel)"
)


def show(sales: Sequence[Sale], event: Event, query: Mapping[str, str]) -> None:
    """Show orders as a list of links that keep what is in the address."""
    items = "".join(_item(sale, event, query) for sale in sales)
    st.html(f'<ul style="{_LIST}">{items}</ul>')


def _item(sale: Sale, event: Event, query: Mapping[str, str]) -> str:
    href = "/sold?" + urlencode({**query, "id": str(event.id), "order": str(sale.id)})
    facts = " · ".join((site.local(event, sale.created_at), bought(sale), str(sale.id)[:8]))
    return (
        f'<li style="margin:0;padding:0"><a href="{escape(href)}" target="_self" style="{_LINK}">'
        f'<span style="overflow-wrap:anywhere"><strong>{escape(sale.email)}</strong>'
        f"<span {_FACTS}>{escape(facts)}</span></span>"
        f'<span style="{_NUMBER}"><strong>{escape(format_amount(sale.amount, sale.currency))}</strong>'
        f'<span style="display:block;margin-top:2px">{chip(sale)}</span></span></a></li>'
    )


def bought(sale: Sale) -> str:
    """Return what was bought, in words."""
    photos = i18n.plural("{count} photo", "{count} photos", sale.photo_count)
    every = _("pass to all photos") if sale.has_pass else ""
    return ", ".join(part for part in (every, photos if sale.photo_count else "") if part)


def status(value: OrderStatus) -> str:
    """Return where an order stands, in words."""
    return {
        OrderStatus.PENDING: _("Waiting for payment"),
        OrderStatus.PAID: _("Paid"),
        OrderStatus.FAILED: _("Payment refused"),
        OrderStatus.EXPIRED: _("Expired"),
        OrderStatus.HELD: _("Being checked"),
        OrderStatus.REFUNDED: _("Refunded"),
    }[value]


def chip(sale: Sale) -> str:
    """Return where the event's part of an order stands, as safe HTML."""
    if sale.status is OrderStatus.PAID and sale.refunded_amount:
        if sale.refunded_amount == sale.amount:
            return money.chip(OrderStatus.REFUNDED)
        return style.status_chip(_("Partly refunded"), "warn")
    return money.chip(sale.status)


def parts(details: Details, event: Event, account: Account) -> None:
    """Show what was bought, each with its picture, its price and what became of its file."""
    grant = renditions.member_grant(account)
    items = "".join(_part(details, line, event, grant) for line in details.sale.lines)
    st.html(f'<ul style="{_LIST};max-width:720px">{items}</ul>')


def _part(details: Details, line: LineItem, event: Event, grant: str) -> str:
    photo = details.photos.get(line.id)
    picture = f'<span class="encore-rest" style="{_THUMB}" aria-hidden="true"></span>'
    if photo is not None:
        url = renditions.url(site.backends(), photo.id, "300", grant)
        picture = f'<img src="{escape(url)}" alt="" loading="lazy" decoding="async" style="{_THUMB}">'
    facts = escape(" · ".join(_facts(details, line, event)))
    amount = escape(format_amount(line.amount, line.currency))
    return (
        f'<li style="{_LINE}">{picture}<span style="overflow-wrap:anywhere">'
        f"<strong>{escape(name(line))}</strong><span {_FACTS}>{facts}</span></span>"
        f'<span style="{_NUMBER}">{amount}{_back(line)}</span></li>'
    )


def name(line: LineItem) -> str:
    """Return what a line is called: by its photo's name, without the event's."""
    return line.label.rpartition(" · ")[2]


def _facts(details: Details, line: LineItem, event: Event) -> list[str]:
    sizes = {Size.FULL: _("Full size"), Size.WEB: _("Web size")}
    what = _("Every photo of the event") if line.kind is LineKind.PASS else sizes[line.size]
    fetched_at = details.fetched.get(line.id)
    if fetched_at is not None:
        return [what, _("downloaded {time}").format(time=site.local(event, fetched_at))]
    if line.amount and line.refunded_amount == line.amount:
        return [what, _("file withdrawn")]
    return [what, _("not downloaded yet")] if details.sale.status is OrderStatus.PAID else [what]


def _back(line: LineItem) -> str:
    if not line.refunded_amount:
        return ""
    back = _("{amount} back").format(amount=format_amount(line.refunded_amount, line.currency))
    return f"<span {_FACTS}>{escape(back)}</span>"
