"""The orders of this account, and of this browser when nobody was signed in."""

from html import escape

import streamlit as st

from core import orders
from core.i18n import _
from core.pricing import format_amount
from models.order import Order
from pages.parts import money, site, style

backends = site.backends()
viewer = site.viewer()
_ROW = (
    "display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;justify-content:space-between;"
    "margin:0;padding:10px 0;border-top:1px solid var(--encore-line)"
)
_LINK = "font-weight:600;line-height:44px;color:var(--encore-accent)"


def row(order: Order) -> str:
    """Return one order as safe HTML."""
    address = escape(orders.address(backends, order))
    amount = escape(format_amount(order.total_amount, order.currency))
    link = f'<a href="{address}" target="_self" style="{_LINK}">{escape(money.when(order.created_at))}</a>'
    return f'<li style="{_ROW}">{link}<span>{amount}</span>{money.chip(order.status)}</li>'


style.hero(_("My orders"))
found = orders.mine(backends, viewer)
if found:
    st.html(f'<ul style="list-style:none;margin:0;padding:0;max-width:720px">{"".join(map(row, found))}</ul>')
else:
    style.empty_state(
        _("No orders yet"),
        _("What you buy appears here, with its files. An order bought elsewhere opens by its own link."),
        href="/",
        link_text=_("See the events"),
    )
site.link("/lost_link", _("Lost your link?"))
