"""Which of the account's events a page is about: kept in the address, so that a reload stays."""

from html import escape
from typing import NoReturn

import streamlit as st

from core import access, events, jobs, photos, troubles
from core.access import Action
from core.i18n import _
from models.account import Account, Role
from models.event import Event
from pages.parts import site, style

_LAST = "last_event"  # the event of the page before, in this browser tab


def from_address(account: Account) -> Event:
    """Return the event that the address names. Raises NotFound."""
    given = st.query_params.get("id", "")
    if not given.isdecimal() or len(given) > 9:  # no id of a database is longer
        raise access.NoSuchEvent
    event = events.get(site.backends(), int(given), by=account)
    st.session_state[_LAST] = given
    return event


def choose(account: Account, action: Action) -> Event:
    """Let the account choose an event in which it may do this; without one, say so and end the run.

    The address goes first, then the event of the page before. Raises NoSuchEvent for an address that
    names another: work must not land in an event that nobody chose.
    """
    by_id = {str(event.id): event for event in events.allowing(site.backends(), action, by=account)}
    if not by_id:
        nothing_to_do(account)
    given = st.query_params.get("id")
    if given is not None and given not in by_id:
        raise access.NoSuchEvent
    wanted = given or st.session_state.get(_LAST)
    chosen = st.selectbox(
        _("Event"),
        list(by_id),
        index=list(by_id).index(wanted) if wanted in by_id else 0,
        format_func=lambda key: f"{by_id[key].name} · {site.day(by_id[key].held_on)}",
    )
    st.session_state[_LAST] = chosen
    site.remember("id", chosen)
    return by_id[chosen]


def nothing_to_do(account: Account) -> NoReturn:
    """Say that no event is open to this work, and what to do, and end the run."""
    text = _("Ask an organiser to add you to an event. Tell them your address: ") + account.email
    if account.role in (Role.ADMIN, Role.ORGANISER):
        text = _("Create an event first.")
    style.empty_state(_("No event to work on"), text, href="/events", link_text=_("My events"))
    st.stop()


def links(event: Event, account: Account) -> None:
    """Show the ways from an event to the work on it that the account may do."""
    places = (
        ("upload", _("Upload"), Action.UPLOAD),
        ("review", _("Review"), Action.REVIEW),
        ("share", _("Share"), Action.SHARE),
        ("prices", _("Prices"), Action.SELL),
        ("sold", _("Orders"), Action.SELL),
        ("sales", _("Sales"), Action.ANALYSE),
        ("hooks", _("Webhooks"), Action.EDIT),
    )
    may = events.actions(site.backends(), event.id, by=account)
    row = "".join(
        f'<a href="/{path}?id={event.id}" target="_self">{escape(text)}</a>'
        for path, text, action in places
        if action in may
    )
    row += f'<a href="/gallery?event={escape(event.slug)}" target="_self">{escape(_("As a visitor"))}</a>'
    st.html(f'<nav class="encore-links" aria-label="{escape(_("This event"))}">{row}</nav>')


def failures(event: Event, account: Account) -> None:
    """List the photos whose work gave up, each with its reason and another try."""
    backends = site.backends()
    failed = troubles.given_up(backends, event.id, by=account)
    names = photos.names(backends, event.id, [job.subject for job in failed], by=account)
    for job in failed:
        left, right = st.columns([4, 1], vertical_alignment="center")
        reason = style.plain(f"{names[job.subject]}: {job.last_error}")
        left.warning(reason, icon=":material/error:")
        if right.button(_("Try again"), key=f"retry_{job.id}"):
            jobs.retry(backends, job.id, by=account)
            st.rerun(scope="fragment")
