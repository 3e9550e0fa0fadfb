"""One selfie in, the photos of its owner out. Consent comes before the camera."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from core import consent, i18n, photos, search
from core.errors import PlatformError
from core.i18n import _
from models.consent import Purpose
from pages.parts import place, selfie, shop, site, style

backends = site.backends()
viewer = site.viewer()
scope = place.current(viewer)
event_id = scope.event.id
receipt_key, found_key = f"receipt_{event_id}", f"found_{event_id}"
refusal_key, attempt_key = f"refusal_{event_id}", f"attempt_{event_id}"
attempt = st.session_state.get(attempt_key, 0)


def ask_consent() -> None:
    """Say what happens with the face, and go on only after a yes."""
    st.subheader(_("Before the camera"))
    st.markdown(
        _(
            "To find your photos we measure the face in **one selfie** and compare it with the faces in "
            "**this event only**.\n\n"
            "- Your selfie and its measurements are not stored: they are gone when the search ends.\n"
            "- We keep a note that you agreed, and how many photos were found. No name, no face.\n"
            "- You may say no and look through all photos instead."
        )
    )
    agrees = st.checkbox(_("I agree that my face is compared with the photos of this event."), key="agrees")
    if st.button(_("Continue"), type="primary", disabled=not agrees):
        receipt = consent.give(backends, event_id, Purpose.SEARCH, by=site.require_visitor())
        st.session_state[receipt_key] = receipt.id
        st.rerun()


def find() -> None:
    """Search, and remember for this page's life what was found, or why the selfie will not do."""
    content = selfie.ask(attempt)
    if content is None:
        return
    st.session_state.pop(refusal_key, None)
    try:
        with st.spinner(_("Looking through the photos…")):
            found = search.by_selfies(
                backends, event_id, [content], receipt_id=st.session_state[receipt_key], by=viewer
            )
        st.session_state[found_key] = (
            [hit.photo.id for hit in found.sure],
            [hit.photo.id for hit in found.maybe],
            found.searched_photos,
        )
    except consent.ConsentMissing:  # withdrawn in another tab, or the words have changed: ask again
        del st.session_state[receipt_key]
    except PlatformError as refusal:
        st.session_state[refusal_key] = i18n.refusal(refusal)
    del content  # before the rerun, which keeps this frame a while
    st.session_state[attempt_key] = attempt + 1
    st.rerun()


def show(sure: Sequence[UUID], maybe: Sequence[UUID], searched: int) -> None:
    """Show what was found, the sure ones first, or why there is nothing."""
    with st.container(horizontal=True):
        is_again = st.button(_("Search again"), icon=":material/refresh:")
        is_withdrawn = st.button(_("Withdraw my consent"), icon=":material/undo:")
    if is_withdrawn:
        consent.withdraw(backends, st.session_state.pop(receipt_key), by=viewer)
    if is_again or is_withdrawn:
        del st.session_state[found_key]
        st.rerun()
    if not sure and not maybe:
        explain_nothing(searched)
        return
    shop.cart_link(viewer)
    for ids, title, key in ((sure, _("Photos of you"), "sure"), (maybe, _("Perhaps you"), "maybe")):
        shown = photos.still_public(backends, event_id, ids, by=viewer)
        if shown:
            st.subheader(f"{title} ({len(shown)})")
            shop.grid(shown, scope, viewer, key=f"{key}_{event_id}")


def explain_nothing(searched: int) -> None:
    """Say why nothing was found and what to do instead."""
    if searched:
        text = i18n.plural(
            "We compared you with {count} photo. Try a selfie in better light, or look through all.",
            "We compared you with {count} photos. Try a selfie in better light, or look through all.",
            searched,
        )
    else:
        text = _("No photo is ready yet. Photos appear as they are approved: come back in a while.")
    style.empty_state(_("No photo of you yet"), text)
    to_gallery(_("Look through all photos"))


def to_gallery(text: str) -> None:
    """Show the way without a face, within this visit: what was found stays found."""
    st.page_link("visitor/gallery.py", label=text, query_params=place.query(scope))


style.hero(_("Find my photos"), scope.event.name)
if found_key in st.session_state:
    show(*st.session_state[found_key])
elif receipt_key not in st.session_state:
    ask_consent()
    to_gallery(_("No thanks, look through all photos"))
else:
    if refusal_key in st.session_state:
        st.warning(st.session_state[refusal_key], icon=":material/face:")
    find()
    to_gallery(_("Look through all photos instead"))
