"""Photos that a visitor sees and may put into the cart."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import streamlit as st

from core import carts, i18n, outlines, prices, renditions
from core.access import Scope, Viewer
from core.i18n import _
from core.pricing import format_amount
from models.cart import Size
from models.event import Event
from models.photo import Photo
from pages.parts import site
from pages.parts.photo_grid import WORDS, GridAction, GridPhoto, PressedAction, photo_grid


def grid(
    photos: Sequence[Photo],
    scope: Scope,
    viewer: Viewer,
    *,
    key: str,
    heading: str | None = None,
    actions: Sequence[GridAction] = (),
    on_action: Callable[[PressedAction], None] | None = None,
    faces: Mapping[UUID, outlines.Outline] | None = None,
) -> None:
    """Show the photos; where they are on sale, several at once can be chosen and put into the cart.

    `heading` says how many there are, on all pages; `on_action` hears which of `actions` was pressed; `faces`
    are ringed, by the id of their photo.
    """
    backends = site.backends()
    is_on_sale = scope.event.is_on_sale(backends.now())
    in_cart, covered = carts.photo_ids(backends, viewer), carts.pass_event_ids(backends, viewer)
    is_sold = is_on_sale and scope.event.id not in covered  # nobody pays for a photo beside a pass to it
    selling = [GridAction("cart", _("Add to cart"), "primary")] if is_sold else []
    amounts = prices.of_photos(backends, scope.event.id, photos, by=viewer)
    result = photo_grid(
        [
            _shown(
                photo,
                scope,
                viewer,
                is_in_cart=photo.id in in_cart or scope.event.id in covered,
                price=price(amounts[photo.id], scope.event),
                face=(faces or {}).get(photo.id),
            )
            for photo in photos
        ],
        key=key,
        mode="choose" if is_on_sale else "view",
        actions=[*selling, *actions],
        heading=count(len(photos)) if heading is None else heading,
        words=words(),
        on_action=on_action,
    )
    if result.action is not None and result.action.name == "cart":
        _add_to_cart([UUID(photo_id) for photo_id in result.action.ids])


def _add_to_cart(photo_ids: Sequence[UUID]) -> None:
    with site.refusals():
        carts.add(site.backends(), site.require_visitor(), photo_ids)
        st.toast(in_cart_now(len(photo_ids)))
        st.rerun()


def in_cart_now(count: int) -> str:
    """Return that so many photos were put into the cart, in words."""
    return i18n.plural("{count} photo is in your cart.", "{count} photos are in your cart.", count)


def cart_link(viewer: Viewer) -> None:
    """Show the way to the cart within this visit, when there is something in it."""
    number = carts.count(site.backends(), viewer)
    if number:
        text = i18n.plural("To the cart: {count} item", "To the cart: {count} items", number)
        st.page_link("visitor/cart.py", label=text)


def _shown(
    photo: Photo,
    scope: Scope,
    viewer: Viewer,
    *,
    is_in_cart: bool,
    price: str,
    face: outlines.Outline | None,
) -> GridPhoto:
    backends, grant = site.backends(), renditions.grant_for(scope, viewer, photo)
    return GridPhoto(
        id=str(photo.id),
        small_url=renditions.url(backends, photo.id, "300", grant),
        large_url=renditions.url(backends, photo.id, "1600", grant),
        width=photo.width,
        height=photo.height,
        alt=describe(photo, scope.event),
        badge=_("In cart") if is_in_cart else "",
        tone="good" if is_in_cart else "",
        caption=describe(photo, scope.event),
        price=price,
        face=face,
    )


def price(amount: int, event: Event) -> str:
    """Return what something of the event costs, in words."""
    return format_amount(amount, event.currency) if amount else _("Free")


def size_name(size: Size) -> str:
    """Return in what size a photo is sold, in words."""
    return {Size.FULL: _("Full size"), Size.WEB: _("Web size")}[size]


def count(total: int) -> str:
    """Return how many photos there are, in words."""
    return i18n.plural("{count} photo", "{count} photos", total)


def describe(photo: Photo, event: Event) -> str:
    """Return a photo in words: when it was taken and how many people are on it."""
    people = i18n.plural("{count} person", "{count} people", photo.face_count) if photo.face_count else ""
    when = site.local(event, photo.taken_at) if photo.taken_at else photo.filename
    return ", ".join(part for part in (when, people) if part)


def words() -> dict[str, str]:
    """Return the grid's words in the reader's language."""
    return {name: _(text) for name, text in WORDS.items()}
