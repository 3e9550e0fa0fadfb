"""What the visitor wishes to buy, what it costs, and the way to pay."""

from collections.abc import Iterable
from html import escape
from itertools import groupby

import streamlit as st

from core import carts, i18n, orders, renditions
from core.carts import Cart, Wanted
from core.i18n import _
from core.pricing import format_amount
from models.order import Order, OrderStatus
from pages.parts import money, shop, site, style

PER_PAGE = 20  # photos; a row each

backends = site.backends()
viewer = site.viewer()
cart = carts.contents(backends, viewer)


def withdrawn() -> None:
    """Say that something can no longer be bought, and offer to take it out."""
    text = i18n.plural(
        "{count} photo in your cart is no longer for sale. It is not part of the total.",
        "{count} photos in your cart are no longer for sale. They are not part of the total.",
        len(cart.unavailable),
    )
    st.warning(text, icon=":material/info:")
    if st.button(_("Take out"), key="withdrawn"):
        carts.remove(backends, viewer, [photo.id for photo in cart.unavailable])
        st.rerun()


def row(item: Wanted) -> None:
    """Show one photo with its price and a way to take it out."""
    url = renditions.url(backends, item.photo.id, "300", renditions.grant_for(item.scope, viewer, item.photo))
    bought = f"<br>{style.status_chip(_('You have this photo already'), 'info')}" if item.is_bought else ""
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.html(money.picture(url), width=120)
        price = escape(format_amount(item.line.amount, item.line.currency))
        name = f"<strong>{escape(item.event.name)}</strong>"
        st.html(
            f"{name}<br>{escape(shop.describe(item.photo, item.event))}<br>{price}{bought}", width="content"
        )
        if st.button(_("Remove"), key=f"remove_{item.photo.id}", help=_("Take this photo out of the cart")):
            carts.remove(backends, viewer, [item.photo.id])
            st.rerun()


def bill_rows(items: Iterable[Wanted]) -> list[tuple[str, str]]:
    """Return a row per event."""
    rows = []
    for _event_id, group in groupby(
        sorted(items, key=lambda item: item.photo.event_id), lambda i: i.photo.event_id
    ):
        wanted = list(group)
        total = sum(item.line.amount for item in wanted)
        rows.append(money.priced(wanted[0].event.name, len(wanted), total, wanted[0].line.currency))
    return rows


def go_on(order: Order) -> None:
    """Go to the files of a free order, else to the payment."""
    is_paid = order.status is OrderStatus.PAID
    site.go(orders.address(backends, order) if is_paid else money.local_path(order.checkout_url or ""))


def show(cart: Cart) -> None:
    """Show what is in the cart, what it costs, and the way to pay."""
    pages = -(-len(cart.items) // PER_PAGE)
    page = min(st.session_state.get("page", 1), pages)
    for item in cart.items[(page - 1) * PER_PAGE : page * PER_PAGE]:
        row(item)
    if pages > 1:
        st.pagination(pages, key="page")
    money.bill(bill_rows(cart.items), format_amount(cart.quote.total_amount, cart.quote.currency))
    checkout(cart)


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
        st.caption(_("It is written on the order, so that the organiser can find it for you."))
        is_free = cart.quote.total_amount == 0
        pay = _("Get the photos") if is_free else _("Pay {amount}").format(amount=style.plain(amount))
        if st.form_submit_button(pay, type="primary"):
            order = orders.place(backends, viewer, email or "")
            go_on(order)
    st.caption(_("You get the original files, without a watermark, right after paying. The price is final."))


style.hero(_("Cart"))
if cart.unavailable:
    withdrawn()
if cart.items:
    with st.container(width=640):  # pixels; narrower on a phone
        show(cart)
else:
    style.empty_state(
        _("Your cart is empty"),
        _("Find your photos at an event and add the ones you like. What you have bought is under My orders."),
        href="/",
        link_text=_("See the events"),
    )
