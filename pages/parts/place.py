"""Where the visitor is: the event of this address, opened by its share link or found by its name."""

import streamlit as st

from core import access, events, limits, sharing
from core.access import Scope, Viewer
from models.event import Event
from pages.parts import site


def current(viewer: Viewer) -> Scope:
    """Return what the viewer sees of the event in the address. Raises NotFound, CookiesBlocked, TooOften."""
    token = st.query_params.get("share")
    if token:
        event = _open(token)
        return events.find(site.backends(), str(event.id), by=viewer)
    slug = st.query_params.get("event")
    if not slug:
        raise access.NoSuchEvent
    return events.find(site.backends(), slug, by=viewer)


def _open(token: str) -> Event:
    """Open a share link. Every try counts, but a visit goes on with the one that it opened."""
    backends = site.backends()
    if st.session_state.get("opened") != token:
        limits.take(backends, limits.LINK, site.client())
    event = sharing.open_link(backends, token, by=site.require_visitor())
    st.session_state["opened"] = token
    return event


def query(scope: Scope) -> dict[str, str]:
    """Return what names this event in the address of another page, by the same right."""
    token = st.query_params.get("share")
    return {"share": token} if token else {"event": scope.event.slug}


def to_gallery(scope: Scope, text: str) -> None:
    """Show the way without a face, within this visit: what was found stays found."""
    st.page_link("visitor/gallery.py", label=text, query_params=query(scope))
