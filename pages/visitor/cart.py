"""What the visitor wishes to buy, what it costs and why, and the way to pay."""

from collections.abc import Mapping

import streamlit as st

from core import carts, checkouts, i18n, orders, prices
from core.carts import Cart
from core.i18n import _
from core.prices import Shown
from core.pricing import format_amount
from models.order import Order, OrderStatus
from pages.parts import cart_rows, money, price_offers, site, style

backends = site.backends()
viewer = site.viewer()
cart = carts.contents(backends, viewer)


def go_on(order: Order) -> None:
    """Go to the files of a free order, else to the payment."""
    is_paid = order.status is OrderStatus.PAID
    site.go(orders.address(backends, order) if is_paid else money.local_path(order.checkout_url or ""))


def coupon(cart: Cart) -> None:
    """Let the visitor use a coupon, and say why the one they entered takes nothing off."""
    if cart.coupon is None:
        with st.form("coupon", border=False, clear_on_submit=False), site.refusals():
            with st.container(horizontal=True, vertical_alignment="bottom"):
                code = st.text_input(_("Coupon"), max_chars=32, width=240, autocomplete="off")
                is_sent = st.form_submit_button(_("Apply"))
            if is_sent and code:
                carts.enter_coupon(backends, viewer, code)
                st.rerun()
        return
    if cart.refusal is not None:
        st.warning(i18n.refusal(cart.refusal), icon=":material/info:")
    with st.container(horizontal=True, vertical_alignment="center"):
        tone: style.Tone = "good" if cart.coupon_used else ""
        st.html(style.status_chip(_("Coupon {code}").format(code=cart.coupon.code), tone), width="content")
        if st.button(_("Remove"), key="drop_coupon", help=_("Use no coupon")):
            carts.drop_coupon(backends, viewer)
            st.rerun()


def gifts(cart: Cart, sold: Mapping[int, Shown]) -> None:
    """Say how many more photos this guest gets for nothing, and where all photos together cost less."""
    for event_id, shown in sold.items():
        mine = [item for item in cart.items if item.photo.event_id == event_id]
        rest = shown.free_left - sum(item.line.is_gift for item in mine)
        if rest > 0 and mine and shown.price_amount:
            st.info(price_offers.free_more(rest, mine[0].event), icon=":material/redeem:")
        if not any(item.is_found for item in mine):
            photos = [item.photo for item in mine]
            if mine and price_offers.is_worth_it(shown, photos, mine[0].scope, viewer):
                st.info(price_offers.hint(shown, mine[0].event), icon=":material/photo_library:")


def checkout(cart: Cart) -> None:
    """Ask for an address and go on to the payment."""
    amount = format_amount(cart.quote.total_amount, cart.quote.currency)
    with st.form("checkout", border=False):
        email = st.text_input(
            _("Email"),
            viewer.account.email if viewer.account else "",
            type="email",
            autocomplete="email",
            max_chars=254,
        )
        st.caption(_("We send the link to your photos and the receipt there."))
        is_free = cart.quote.total_amount == 0
        pay = _("Get the photos") if is_free else _("Pay {amount}").format(amount=style.plain(amount))
        if st.form_submit_button(pay, type="primary"):
            order = checkouts.place(backends, viewer, email or "")
            go_on(order)
    st.caption(_("You get the files without a watermark right after paying. The price is final."))


style.hero(_("Cart"))
cart_rows.gone(cart, viewer)
if cart.is_empty:
    style.empty_state(
        _("Your cart is empty"),
        _("Find your photos at an event and add the ones you like. What you have bought is under My orders."),
        href="/",
        link_text=_("See the events"),
    )
else:
    with st.container(width=640):  # pixels; narrower on a phone
        event_ids = dict.fromkeys(line.event_id for line in cart.quote.lines)
        sold = {event_id: prices.shown(backends, event_id, by=viewer) for event_id in event_ids}
        cart_rows.show(cart, sold, viewer)
        gifts(cart, sold)
        coupon(cart)
        money.bill(cart.quote.rows, cart.quote.total_amount, cart.quote.currency)
        checkout(cart)
