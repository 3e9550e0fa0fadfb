"""Prices of single photos: chosen by sight, several at once."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from core import i18n, photos, prices, renditions
from core.i18n import _
from core.pricing import format_amount
from models.account import Account
from models.event import Event
from models.photo import Photo, Review
from pages.parts import amounts, shop, site, style, verdicts
from pages.parts.photo_grid import GridAction, GridPhoto, photo_grid


def show(event: Event, account: Account) -> None:
    """Show the approved photos; those that are chosen get a price of their own."""
    page = site.page_number()
    found = photos.for_review(
        site.backends(), event.id, Review.APPROVED, by=account, offset=(page - 1) * photos.PAGE
    )
    if not found.photos:
        text = _("Approve photos first; then the best ones may cost more than the others.")
        style.empty_state(
            _("No approved photo yet"), text, href=f"/review?id={event.id}", link_text=_("Review")
        )
        return
    st.caption(_("Choose the photos that cost more, or less, than the others."))
    grant = renditions.member_grant(account)
    result = photo_grid(
        [_shown(photo, event, grant) for photo in found.photos],
        key=f"photo_prices_{event.id}_{page}",
        mode="choose",
        actions=[GridAction("price", _("Set a price"), "primary")],
        heading=shop.count(found.total),
        words=shop.words(),
    )
    if result.action is not None:
        ask(event, [UUID(photo_id) for photo_id in result.action.ids])
    site.pager(len(found.photos), found.total, photos.PAGE)


def _shown(photo: Photo, event: Event, grant: str) -> GridPhoto:
    """Return a photo with its file name, and its price if that is its own."""
    own = photo.price_amount
    return GridPhoto(
        **verdicts.shown(photo, event, grant).__dict__
        | {
            "badge": "" if own is None else _own(own, event),
            "tone": "info",
            "caption": photo.filename,
            "alt": f"{photo.filename}, {shop.describe(photo, event)}",
        }
    )


def _own(amount: int, event: Event) -> str:
    return format_amount(amount, event.currency) if amount else _("Free")


@st.dialog(_("A price of their own"))
def ask(event: Event, ids: Sequence[UUID]) -> None:
    """Ask for a price for some photos, or give them the one of all others again."""
    text = i18n.plural("For {count} photo in full size.", "For {count} photos in full size.", len(ids))
    st.write(text, _("The web size never costs more."))
    price = amounts.ask(
        _("Price"), None, event.currency, key="one_price", hint=_("As its gallery"), width=240
    )
    st.caption(_("Left open, they cost what their gallery says. Orders that are placed keep their price."))
    if st.button(_("Save"), type="primary"):
        with site.refusals():
            for photo_id in ids:
                prices.save_photo(site.backends(), photo_id, price, by=site.require_account())
            st.rerun()
