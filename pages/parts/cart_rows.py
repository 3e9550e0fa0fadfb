"""What lies in a cart: each photo in its size at its price, passes, and what can no longer be bought."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from core import carts, i18n, renditions
from core.access import Viewer
from core.carts import Cart, Wanted
from core.i18n import _
from core.prices import Shown
from core.pricing import Line, format_amount
from core.quotes import WantedPass
from models.cart import Size
from pages.parts import money, shop, site, style

PER_PAGE = 20  # photos; a row each


def show(cart: Cart, sold: Mapping[int, Shown], viewer: Viewer) -> None:
    """Show passes first, then the photos, page by page; `sold`: what each event sells, by its id."""
    for wanted in cart.passes:
        pass_row(wanted, viewer)
    pages = -(-len(cart.items) // PER_PAGE)
    page = min(st.session_state.get("page", 1), max(pages, 1))
    for item in cart.items[(page - 1) * PER_PAGE : page * PER_PAGE]:
        row(item, sold[item.photo.event_id], viewer)
    if pages > 1:
        st.pagination(pages, key="page")


def row(item: Wanted, sold: Shown, viewer: Viewer) -> None:
    """Show one photo with its sizes, its price and a way to take it out."""
    backends, photo_id = site.backends(), item.photo.id
    url = renditions.url(backends, photo_id, "300", renditions.grant_for(item.scope, viewer, item.photo))
    name = shop.describe(item.photo, item.event)
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.html(money.picture(url), width=120)
        with st.container(gap="xsmall", width="stretch"):
            notes = [_("Found by your search")] if item.is_found else []
            notes += [_("You have this photo already")] if item.is_bought else []
            chips = "".join(style.status_chip(note, "info") for note in notes)
            title = f"<strong>{escape(item.event.name)}</strong><br>{escape(name)}"
            st.html(f'{title}<br>{price(item.line)}<span class="encore-chips">{chips}</span>')
            with st.container(horizontal=True, vertical_alignment="center"):
                if sold.web_amount is not None or item.size is Size.WEB:
                    choose_size(item, name, viewer)
                if st.button(
                    _("Remove"), key=f"remove_{photo_id}", help=_("Take this photo out of the cart")
                ):
                    carts.remove(backends, viewer, [photo_id])
                    st.rerun()


def choose_size(item: Wanted, name: str, viewer: Viewer) -> None:
    """Let the visitor choose in what size they want a photo."""
    size = st.segmented_control(
        _("Size of {photo}").format(photo=name),
        list(Size),
        default=item.size,
        format_func=shop.size_name,
        required=True,
        label_visibility="collapsed",
        key=f"size_{item.photo.id}",
    )
    if size is not None and size is not item.size:
        with site.refusals():
            carts.set_size(site.backends(), viewer, item.photo.id, Size(size))
            st.rerun()


def price(line: Line) -> str:
    """Return what is to be paid for a line, and what it costs without all that is taken off, as safe HTML."""
    now = escape(format_amount(line.amount, line.currency) if line.amount else _("Free"))
    if line.list_amount <= line.amount:
        return f"<strong>{now}</strong>"
    before = escape(format_amount(line.list_amount, line.currency))
    return f'<strong>{now}</strong> <s style="color:var(--encore-quiet)">{before}</s>'


def pass_row(wanted: WantedPass, viewer: Viewer) -> None:
    """Show a pass with its price and a way to take it out."""
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        text = escape(_("Pass to every photo, also to those that come later"))
        bought = style.status_chip(_("You have this pass already"), "info") if wanted.is_bought else ""
        name = f"<strong>{escape(wanted.event.name)}</strong>"
        st.html(f'{name}<br>{text}<br>{price(wanted.line)}<span class="encore-chips">{bought}</span>')
        if st.button(
            _("Remove"), key=f"remove_pass_{wanted.event.id}", help=_("Take the pass out of the cart")
        ):
            carts.remove_pass(site.backends(), viewer, wanted.event.id)
            st.rerun()


def gone(cart: Cart, viewer: Viewer) -> None:
    """Say that something can no longer be bought, and offer to take it out."""
    count = len(cart.unavailable) + len(cart.gone_passes)
    if not count:
        return
    text = i18n.plural(
        "{count} item in your cart is no longer for sale. It is not part of the total.",
        "{count} items in your cart are no longer for sale. They are not part of the total.",
        count,
    )
    st.warning(text, icon=":material/info:")
    if st.button(_("Take out"), key="withdrawn"):
        carts.remove(site.backends(), viewer, [photo.id for photo in cart.unavailable])
        for event in cart.gone_passes:
            carts.remove_pass(site.backends(), viewer, event.id)
        st.rerun()
