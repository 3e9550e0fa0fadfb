"""The events an account has a part in; organisers make new ones here."""

import streamlit as st

from core import events, renditions
from core.i18n import _
from models.account import Role
from models.event import Event
from pages.parts import cards, event_form, site, style, words

backends = site.backends()
account = site.require_account()


def card(event: Event) -> cards.EventCard:
    """Return an event as its card, with its status."""
    chip = words.status_chip(event.status)
    return cards.of_event(event, f"/event?id={event.id}", chip, grant=renditions.member_grant(account))


@st.dialog(_("New event"), width="large")
def new_event() -> None:
    """Ask for what an event needs and open it."""
    details = event_form.ask(None, submit=_("Create event"))
    if details is not None:
        with site.refusals():  # beside the form, so that nothing that was typed is lost
            event = events.create(backends, details, by=site.require_account())
            site.go(f"/event?id={event.id}")


style.hero(_("My events"))
may_create = account.role in (Role.ADMIN, Role.ORGANISER)
if may_create and st.button(_("New event"), type="primary", icon=":material/add:"):
    new_event()
text = st.text_input(
    _("Search"), placeholder=_("Name or place"), key="text", bind="query-params", max_chars=80
)
found = events.mine(backends, text, by=account)
if found:
    cards.event_cards([card(event) for event in found])
elif text:
    style.empty_state(_("No event matches"), _("Try another word."), href="/events", link_text=_("Show all"))
elif may_create:
    style.empty_state(_("No event yet"), _("Create your first one: a name and a date are enough."))
else:
    style.empty_state(
        _("You are in no event yet"), _("An organiser adds you by your address. Tell them: ") + account.email
    )
