"""Which of the account's events a page is about: kept in the address, so that a reload stays."""

from html import escape

import streamlit as st

from core import access, events, jobs, photos
from core.access import Action
from core.i18n import _
from models.account import Account
from models.event import Event
from pages.parts import site, style


def from_address(account: Account) -> Event:
    """Return the event that the address names. Raises NotFound."""
    given = st.query_params.get("id", "")
    if not given.isdecimal() or len(given) > 9:  # no id of a database is longer
        raise access.NoSuchEvent
    return events.get(site.backends(), int(given), by=account)


def choose(account: Account, action: Action) -> Event:
    """Let the account choose an event in which it may do this; without one, say so and end the run."""
    found = events.allowing(site.backends(), action, by=account)
    if not found:
        style.empty_state(
            _("No event to work on"),
            _("Create an event, or ask an organiser to add you to theirs."),
            href="/events",
            link_text=_("My events"),
        )
        st.stop()
    by_id = {str(event.id): event for event in found}
    wanted = site.choice("id", list(by_id))
    chosen = st.selectbox(
        _("Event"),
        list(by_id),
        index=list(by_id).index(wanted),
        format_func=lambda key: f"{by_id[key].name} · {site.day(by_id[key].held_on)}",
    )
    site.remember("id", chosen)
    return by_id[chosen]


def links(event: Event) -> None:
    """Show the ways from an event to the work on it."""
    places = (
        ("upload", _("Upload")),
        ("review", _("Review")),
        ("share", _("Share")),
        ("sales", _("Sales")),
    )
    row = "".join(
        f'<a href="/{path}?id={event.id}" target="_self">{escape(text)}</a>' for path, text in places
    )
    row += f'<a href="/gallery?event={escape(event.slug)}" target="_self">{escape(_("As a visitor"))}</a>'
    st.html(f'<nav class="encore-links" aria-label="{escape(_("This event"))}">{row}</nav>')


def failures(event: Event, account: Account) -> None:
    """List the photos whose work gave up, each with its reason and another try."""
    backends = site.backends()
    for job in jobs.failed_of_event(backends, event.id, by=account):
        left, right = st.columns([4, 1], vertical_alignment="center")
        reason = style.plain(f"{photos.name_of(backends, job.subject)}: {job.last_error}")
        left.warning(reason, icon=":material/error:")
        if right.button(_("Try again"), key=f"retry_{job.id}"):
            jobs.retry(backends, job.id, by=account)
            st.rerun(scope="fragment")
