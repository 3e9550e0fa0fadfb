"""What an event's photos are sold for, what that comes to for guests, coupons, single photos' prices."""

from pathlib import Path

import streamlit as st

from core import galleries, prices
from core.access import Action
from core.i18n import _
from models.account import Account
from models.event import Event
from pages.parts import coupon_list, event_picker, photo_prices, price_form, price_preview, site, style
from pages.parts.price_form import PriceForm

VERSION = "prices_version"  # of the form: another one begins anew with what is saved

backends = site.backends()
account = site.require_account()


def terms(event: Event, account: Account) -> None:
    """Show the form, and beside it what guests would pay; on a phone below."""
    form = PriceForm(
        event,
        prices.terms(backends, event.id, by=account),
        galleries.listing(backends, event.id, by=account),
        st.session_state.setdefault(VERSION, 0),
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        said = form.ask()
        if said != form.saved:
            offer_to_save(form, said)
    with right, st.container(key="encore_beside"):
        price_preview.show(event, said.terms, by=account)


def offer_to_save(form: PriceForm, said: price_form.Said) -> None:
    """Say that something waits to be saved; save it as a whole, or take it back."""
    with st.container(key="encore_undo", horizontal=True, vertical_alignment="center"):
        st.text(_("Not saved yet"))
        is_discarded = st.button(_("Discard"), key="discard")
        is_saved = st.button(_("Save"), key="save", type="primary")
    if is_discarded:
        st.session_state[VERSION] += 1
        st.rerun()
    if is_saved:
        with site.refusals():
            form.save(said, by=account)
            st.toast(_("Saved. New orders have these prices."))
            st.session_state[VERSION] += 1
            st.rerun()


st.html(Path(price_form.__file__).with_suffix(".css"))
style.hero(_("Prices"), _("What guests pay, and why. Orders that are placed keep their prices."))
chosen = event_picker.choose(account, Action.SELL)
terms_tab, coupons_tab, photos_tab = st.tabs(
    [_("Prices"), _("Coupons"), _("Single photos")], on_change="rerun", key=f"prices_tab_{chosen.id}"
)
with terms_tab:
    terms(chosen, account)
with coupons_tab:
    coupon_list.show(chosen, account)
if photos_tab.open:
    with photos_tab, site.refusals():
        photo_prices.show(chosen, account)
