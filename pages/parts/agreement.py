"""The consent that comes before the camera: the visitor's own, and that of a friend beside them."""

from uuid import UUID

import streamlit as st

from core import consent, i18n, search
from core.access import Scope, Viewer
from core.errors import Unavailable
from core.i18n import _
from models.consent import Purpose
from pages.parts import site, style

# Other words here need another `consent.SEARCH_TEXT_VERSION`.


def is_of_use(scope: Scope, viewer: Viewer) -> bool:
    """Tell whether a selfie can be searched with now, or say why nobody needs to agree."""
    try:
        search.require_ready(site.backends(), scope.event.id, by=viewer)
    except Unavailable as refusal:
        style.empty_state(_("Not right now"), i18n.refusal(refusal))
        return False
    return True


def ask(event_id: int, *, of_friend: bool) -> UUID | None:
    """Say what happens with the face, and return a receipt once its owner said yes."""
    st.subheader(_("Your friend decides") if of_friend else _("Before the camera"))
    st.markdown(_friend() if of_friend else _own())
    agrees = st.checkbox(
        _("The person who takes the selfie agrees that their face is compared with the photos of this event.")
        if of_friend
        else _("I agree that my face is compared with the photos of this event."),
        key=f"agrees_{of_friend}",
    )
    if st.button(_("Continue"), type="primary", disabled=not agrees):
        return consent.give(site.backends(), event_id, Purpose.SEARCH, by=site.require_visitor()).id
    return None


def _own() -> str:
    return _(
        "To find your photos we measure the face in **your selfies** and compare it with the faces in "
        "**this event only**.\n\n"
        "- A selfie and its measurements are not stored: they are gone when the search ends.\n"
        "- What was found, and what you say of it, stays in this visit and goes with it.\n"
        "- We keep a note that you agreed, and counts: how many photos were found, how often you said "
        "yes or no. No name, no face.\n"
        "- You may say no and look through all photos instead."
    )


def _friend() -> str:
    return _(
        "Hand over the phone: only the person on the selfie can agree, for a child a parent.\n\n"
        "- Their face is measured and compared with the faces in **this event only**, as yours was.\n"
        "- Their selfie and its measurements are not stored: they are gone when the search ends.\n"
        "- Their photos appear here, beside yours, until you remove them or leave.\n"
        "- We keep a note that they agreed, and counts. No name, no face."
    )
