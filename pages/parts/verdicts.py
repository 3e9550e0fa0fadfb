"""Verdicts on photos: how a photo shows its own, how one is given, and how it is taken back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import streamlit as st

from core import i18n, photos, renditions
from core.i18n import _
from models.account import Account
from models.event import Event
from models.photo import Photo, Review, Stage
from pages.parts import shop, site, words
from pages.parts.photo_grid import GridPhoto, Tone

TONES: Mapping[Review, Tone] = {Review.APPROVED: "good", Review.REJECTED: "bad", Review.PENDING: "warn"}
_BEFORE = "verdicts_before"


def shown(photo: Photo, event: Event, grant: str) -> GridPhoto:
    """Return a photo as the review grid shows it."""
    waiting = "" if photo.stage is Stage.INDEXED else f" · {_('faces pending')}"
    return GridPhoto(
        id=str(photo.id),
        small_url=renditions.url(site.backends(), photo.id, "300", grant),
        large_url=renditions.url(site.backends(), photo.id, "1600", grant),
        width=photo.width,
        height=photo.height,
        alt=shop.describe(photo, event),
        badge=words.review(photo.review),
        tone=TONES[photo.review],
        caption=f"{photo.filename} · {shop.describe(photo, event)}{waiting}",
    )


def give(ids: Sequence[UUID], verdict: Review, account: Account) -> None:
    """Give one verdict to several photos, and remember what was before."""
    before = photos.review(site.backends(), ids, verdict, by=account)
    st.session_state[_BEFORE] = (st.query_params.get("id"), before)
    st.rerun()


def offer_undo(account: Account) -> None:
    """Put the last verdicts back on wish."""
    event_id, before = st.session_state.get(_BEFORE, ("", {}))
    if not before or event_id != st.query_params.get("id"):
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.success(i18n.plural("{count} verdict given.", "{count} verdicts given.", len(before)))
    if right.button(_("Undo"), icon=":material/undo:"):
        del st.session_state[_BEFORE]  # once: it is refused when one of the photos is gone
        for verdict in set(before.values()):
            same = [photo_id for photo_id, was in before.items() if was is verdict]
            photos.review(site.backends(), same, verdict, by=account)
        st.rerun()
