"""The consent that comes before the camera: the visitor's own, and that of a friend beside them."""

from uuid import UUID

import streamlit as st

from core import consent, i18n, search
from core.access import Scope, Viewer
from core.errors import Unavailable
from core.i18n import _
from models.consent import Purpose
from pages.parts import site, style


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
    words = consent.words(of_friend=of_friend)
    st.markdown(words.text)
    agrees = st.checkbox(words.agreement, key=f"agrees_{of_friend}")
    if st.button(_("Continue"), type="primary", disabled=not agrees):
        return consent.give(site.backends(), event_id, Purpose.SEARCH, by=site.require_visitor()).id
    return None
