"""The events that every visitor may find."""

import streamlit as st

from core import events
from core.i18n import _
from models.event import Event, EventStatus
from pages.parts import cards, site, style

backends = site.backends()


def card(event: Event) -> cards.EventCard:
    """Return an event as its card."""
    is_on_sale = event.status is EventStatus.ON_SALE
    chip: tuple[str, style.Tone] = (_("Photos on sale"), "good") if is_on_sale else (_("Photos soon"), "info")
    return cards.of_event(event, f"/gallery?event={event.slug}", chip, grant="listed")


style.hero(
    _("Find yourself in the photos"),
    _("Choose your event, take one selfie, and see every photo you are in."),
)
text = st.text_input(
    _("Search events"), placeholder=_("Name or place"), key="home_text", bind="query-params", max_chars=80
)
found = events.listed(backends, text)
if found:
    cards.event_cards([card(event) for event in found])
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
