"""What visitors are offered of an event: prices, what makes them less, all their photos, a pass."""

from collections.abc import Collection, Sequence
from html import escape

import streamlit as st

from core import carts, i18n, prices, result_tokens
from core.access import Scope, Viewer
from core.i18n import _
from core.prices import Shown
from core.results import Found
from core.shares import percent_of
from models.event import Event
from models.photo import Photo
from pages.parts import shop, site, style


def line(shown: Shown, scope: Scope) -> None:
    """Show from which price on photos are sold, and what makes them cheaper."""
    parts = [_start(shown, scope)]
    if shown.web_amount is not None:
        parts.append(_("web or full size"))
    many = [
        _("{count} or more −{percent} %").format(count=count, percent=off) for count, off in shown.tiers[:3]
    ]
    parts += many
    if not shown.is_tax_included and shown.tax_basis_points:
        parts.append(_("plus VAT {percent} %").format(percent=f"{shown.tax_basis_points / 100:g}"))
    chips = "".join(style.status_chip(text, "good") for text in _gifts(shown, scope))
    st.html(f'<p style="margin:0">{escape(" · ".join(parts))}</p><div class="encore-chips">{chips}</div>')


def _start(shown: Shown, scope: Scope) -> str:
    if not shown.price_amount and not shown.from_amount:
        return _("Every photo is free")
    start = shop.price(shown.from_amount, scope.event)
    is_one = shown.from_amount == shown.price_amount and shown.web_amount is None
    return (_("Each photo {price}") if is_one else _("Photos from {price}")).format(price=start)


def _gifts(shown: Shown, scope: Scope) -> Sequence[str]:
    gifts = []
    if shown.free_left and shown.price_amount:
        gifts.append(free(shown.free_left))
    if shown.early_percent and shown.early_until is not None:
        until = site.local(scope.event, shown.early_until)
        gifts.append(
            _("Early bird: −{percent} % until {time}").format(percent=shown.early_percent, time=until)
        )
    return gifts


def free(count: int) -> str:
    """Return how many photos a guest still gets for nothing, in words."""
    return i18n.plural("{count} photo is free for you", "{count} photos are free for you", count)


def whole_event(shown: Shown, scope: Scope, viewer: Viewer) -> None:
    """Offer the pass where one is sold; it replaces single photos of the event in the cart."""
    backends = site.backends()
    if shown.pass_amount is None or not scope.event.is_on_sale(backends.now()):
        return
    if scope.event.id in carts.pass_event_ids(backends, viewer):
        st.html(style.status_chip(_("The pass to all photos is in your cart"), "good"))
        return
    price = style.plain(shop.price(shown.pass_amount, scope.event))
    label = _("Whole event {price}").format(price=price)
    text = _("A pass to every photo of this event, also to those that come later")
    if st.button(label, key="whole_event", icon=":material/collections_bookmark:", help=text):
        with site.refusals():
            carts.add_pass(backends, site.require_visitor(), scope.event.id)
            st.toast(_("The pass is in your cart. It stands for all photos of this event."))
            st.rerun()


def all_mine(found: Found, shown: Shown, scope: Scope, viewer: Viewer) -> None:
    """Offer all sure photos of one person's search together, where that costs no more than one by one."""
    backends, event_id = site.backends(), scope.event.id
    is_open = shown.bundle_amount is not None and scope.event.is_on_sale(backends.now())
    if not is_open or event_id in carts.pass_event_ids(backends, viewer):
        return
    photos = [hit.photo for hit in found.sure]
    if not is_worth_it(shown, photos, scope, viewer):
        return
    if {photo.id for photo in photos} <= carts.photo_ids(backends, viewer) and _is_together(photos, viewer):
        st.html(style.status_chip(_("All your photos are in your cart"), "good"))
        return
    price = style.plain(shop.price(shown.bundle_amount or 0, scope.event))
    label = _("All my photos for {price}").format(price=price)
    if st.button(label, key="all_mine", type="primary", icon=":material/photo_library:"):
        with site.refusals():
            visitor = site.require_visitor()
            token = result_tokens.write(backends, event_id, found, by=visitor)
            carts.add_found(backends, visitor, event_id, token)
            st.toast(shop.in_cart_now(len(found.sure)))
            st.rerun()


def _is_together(photos: Collection[Photo], viewer: Viewer) -> bool:
    """Tell whether photos lie in the cart as what a search found."""
    found = {item.photo.id for item in carts.contents(site.backends(), viewer).items if item.is_found}
    return {photo.id for photo in photos} <= found


def is_worth_it(shown: Shown, photos: Collection[Photo], scope: Scope, viewer: Viewer) -> bool:
    """Tell whether photos that a search found cost no more together than one by one, as they would now."""
    if shown.bundle_amount is None or not photos:
        return False
    each = sorted(prices.of_photos(site.backends(), scope.event.id, photos, by=viewer).values(), reverse=True)
    rest = sum(each[: max(len(each) - shown.free_left, 0)])
    reached = max((off for count, off in shown.tiers if count <= len(each)), default=0)
    return 0 < shown.bundle_amount <= rest - percent_of(rest, reached)


def free_more(count: int, event: Event) -> str:
    """Return how many more photos of an event a guest gets for nothing, in words."""
    text = i18n.plural("{count} more photo is free for you.", "{count} more photos are free for you.", count)
    return f"{style.plain(event.name)}: {text}"


def hint(shown: Shown, event: Event) -> str:
    """Return that all photos of one person cost less together, in words."""
    price = style.plain(shop.price(shown.bundle_amount or 0, event))
    text = _("Are these all of you? Find yourself in {event}, and get all your photos for {price}.")
    return text.format(event=style.plain(event.name), price=price)
