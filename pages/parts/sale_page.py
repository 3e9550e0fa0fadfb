"""One order as its organiser sees it, with all that can be done with it."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from core import orders, sales
from core.i18n import _
from core.pricing import format_amount
from core.sales import Details, Sale
from models.account import Account
from models.event import Event
from models.order import OrderStatus
from pages.parts import sale_list, sale_money, site, style


def show(event: Event, order: str, account: Account) -> None:
    """Show an order by its id, as the address has it. Raises NoSuchOrder."""
    details = sales.find(site.backends(), event.id, _id(order), by=account)
    _way_back(st.query_params.to_dict())
    _about(details, event)
    with st.container(horizontal=True, vertical_alignment="center"):
        sale_money.offer(details)
        _send_again(event, details.sale)
    sale_money.show(event, details.sale.id)
    st.subheader(_("What was bought"), anchor=False)
    sale_list.parts(details, event, account)


def _id(order: str) -> UUID:
    try:
        return UUID(order)
    except ValueError as error:
        raise orders.NoSuchOrder from error


def _way_back(query: Mapping[str, str]) -> None:
    """Show the way to the list as it was."""
    kept = {key: value for key, value in query.items() if key != "order"}
    site.link("/sold?" + urlencode(kept), _("All orders"))


def _about(details: Details, event: Event) -> None:
    sale = details.sale
    amount = format_amount(sale.amount, sale.currency)
    style.hero(sale.email, " · ".join((event.name, sale_list.bought(sale), amount)))
    chips = [sale_list.chip(sale)]
    if sale_money.is_disputed(details):
        chips.append(style.status_chip(_("Disputed"), "warn"))
    facts = [_("Order {id}").format(id=str(sale.id)[:8]), site.local(event, sale.created_at)]
    if sale.refunded_amount:
        back = format_amount(sale.refunded_amount, sale.currency)
        facts.append(_("{amount} given back").format(amount=back))
    facts += details.receipts
    st.html(
        f'<div class="encore-chips">{"".join(chips)}</div>'
        f'<p class="encore-card-facts" style="margin:8px 0 0;font-size:1rem">{escape(" · ".join(facts))}</p>'
    )


def _send_again(event: Event, sale: Sale) -> None:
    """Send fresh links after a second thought: those before end."""
    if sale.status is not OrderStatus.PAID:
        return
    with st.popover(_("Send the links again"), icon=":material/forward_to_inbox:"):
        told = _(
            "The buyer gets a mail with fresh links. Every link to this order and its files that was sent "
            "or copied before ends at once."
        )
        st.write(told)
        if st.button(_("Send fresh links"), type="primary"):
            with site.refusals():
                sales.resend(site.backends(), event.id, sale.id, by=site.require_account())
                st.toast(_("Fresh links are on their way."))
