"""The events that every visitor may find."""

import streamlit as st

from core import events, renditions
from core.i18n import _
from models.event import Event, EventStatus
from pages.parts import site, style
from pages.parts.cards import EventCard, event_cards

backends = site.backends()
viewer = site.viewer()


def card(event: Event) -> EventCard:
    """Return an event as its card."""
    cover = events.cover(backends, event)
    return EventCard(
        title=event.name,
        place=event.place,
        date_text=site.day(event.held_on),
        cover_url=renditions.url(backends, cover, "800", "listed") if cover else "",
        href=f"/gallery?event={event.slug}",
        chips=[(_("Photos on sale"), "good")]
        if event.status is EventStatus.ON_SALE
        else [(_("Photos soon"), "info")],
    )


style.hero(
    _("Find yourself in the photos"),
    _("Choose your event, take one selfie, and see every photo you are in."),
)
text = st.text_input(
    _("Search events"), placeholder=_("Name or place"), key="home_text", bind="query-params", max_chars=80
)
found = events.listed(backends, text)
if found:
    event_cards([card(event) for event in found])
elif text:
    style.empty_state(
        _("No event matches"),
        _("Check the spelling, or use the link or QR code that you were given."),
        href="/",
        link_text=_("Show all events"),
    )
else:
    style.empty_state(
        _("No public event yet"),
        _("Have you been given a link or a QR code? It opens your event directly."),
    )
