"""Money that waits for an admin: put aside because it fits no order, or disputed by a buyer's bank."""

from html import escape

import streamlit as st

from core import disputes, held
from core.i18n import _
from core.pricing import format_amount
from models.account import Account
from models.order import Order
from models.refund import Dispute
from pages.parts import money, site, style

DASHBOARDS = {"stripe": "https://dashboard.stripe.com/disputes/{id}"}  # by the gateway's name


def show(account: Account) -> None:
    """Show what waits, if anything does."""
    backends = site.backends()
    aside = held.listing(backends, by=account).items
    disputed = disputes.open_ones(backends, by=account).items
    if aside or disputed:
        st.subheader(_("Money that waits for you"), anchor=False)
    for order in aside:
        _held(order)
    for dispute in disputed:
        _disputed(dispute)


def _held(order: Order) -> None:
    with st.container(border=True):
        st.html(f"{style.status_chip(_('Payment put aside'), 'warn')} <strong>{escape(order.email)}</strong>")
        amounts = held.amounts(site.backends(), order)
        came = ", ".join(format_amount(amount, order.currency) for amount in amounts.values())
        asked = format_amount(order.total_amount, order.currency)
        told = _(
            "Order {id} of {time} asked for {asked}; {came} came that does not fit. Nothing was delivered "
            "for it."
        )
        st.caption(
            style.plain(
                told.format(
                    id=str(order.id)[:8], time=money.when(order.created_at), asked=asked, came=came or "–"
                )
            )
        )
        _give_back(order, came)


def _give_back(order: Order, came: str) -> None:
    with st.popover(_("Give back"), disabled=not came):
        told = _("{came} goes back to {email}, the way it came. This cannot be undone.")
        st.write(told.format(came=style.plain(came), email=style.plain(order.email)))
        if st.button(
            _("Give {came} back").format(came=style.plain(came)), type="primary", key=f"held_{order.id}"
        ):
            with site.refusals():
                held.give_back(site.backends(), order.id, by=site.require_account())
                st.toast(_("The money is on its way back."))
                st.rerun()


def _disputed(dispute: Dispute) -> None:
    with st.container(border=True):
        amount = format_amount(dispute.amount, dispute.currency)
        st.html(f"{style.status_chip(_('Disputed'), 'bad')} <strong>{escape(amount)}</strong>")
        told = _(
            "The bank of the buyer of order {id} wants this back since {time}. The shares of it are frozen "
            "until the dispute is decided."
        )
        st.caption(style.plain(told.format(id=str(dispute.order_id)[:8], time=money.when(dispute.opened_at))))
        address = DASHBOARDS.get(site.backends().payments.name)
        if address:
            st.link_button(_("Answer it at the payment service"), address.format(id=dispute.id))
        else:
            st.caption(_("Payments are only played here: there is no bank to answer."))
