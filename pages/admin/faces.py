"""The face engines: which there are, which is on, and each event's way to another one."""

from collections.abc import Mapping

import streamlit as st

from core import access, i18n, reindex, weights
from core.engines import BUNDLED, ENGINES, LIGHT
from core.i18n import _
from core.reindex import Standing
from models.account import Account, Role
from pages.parts import engines, site, style

backends = site.backends()
access.require_role(site.account(), Role.ADMIN)
usual = backends.settings.face_engine
states = weights.overview(backends.settings.weights_folder)


def overview() -> tuple[Mapping[int, Standing], Mapping[int, Standing]]:
    """Return the events that stay with their engine, and those that move to another, by id."""
    standings = {
        standing.event.id: standing for standing in reindex.overview(backends, by=site.require_account())
    }
    moving = {key: standing for key, standing in standings.items() if standing.progress.building}
    return {key: standing for key, standing in standings.items() if key not in moving}, moving


def usual_engine() -> None:
    """Say which engine new events get and what is wrong with it; recommend one better than the bundled."""
    st.markdown(
        _("New events are indexed with **{name}**. Who starts Encore sets this by {setting}.").format(
            name=style.plain(usual), setting="`ENCORE_FACE_ENGINE`"
        )
    )
    with site.refusals():
        reindex.require_usable(backends, usual)
    is_usual = usual == BUNDLED.name
    is_serving = any(standing.progress.serving == BUNDLED.name for standing in staying.values())
    if is_usual or is_serving:
        is_installed = any(state.is_installed for state in states if state.spec is LIGHT)
        engines.recommendation(is_installed=is_installed, is_usual=is_usual, is_serving=is_serving)


@site.live(3)
def watch() -> None:
    """Show each event's engine and photos, and how far those are that move."""
    staying_now, moving_now = overview()
    if moving_now.keys() != moving.keys():
        st.rerun()  # the page offers other events now
    standings = (*moving_now.values(), *staying_now.values())
    rows = [
        {
            _("Event"): standing.event.name,
            _("Engine"): standing.progress.serving,
            _("Photos"): standing.progress.photos,
        }
        for standing in standings
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    for standing in standings:
        if standing.progress.building:
            show_moving(standing, site.require_account())
        for problem in standing.problems:
            st.warning(f"{style.plain(standing.event.name)}: {i18n.refusal(problem)}")


def show_moving(standing: Standing, admin: Account) -> None:
    """Show how far an event is, and let it stay where it was."""
    with st.container(border=True):
        left, right = st.columns([5, 1], vertical_alignment="center")
        with left:
            st.markdown(f"**{style.plain(standing.event.name)}**")
            engines.bar(standing.progress)
            if standing.progress.failed:
                site.link("/jobs", _("See what failed, and try again"))
        if right.button(_("Cancel"), key=f"cancel_{standing.event.id}", width="stretch"):
            reindex.cancel(backends, standing.event.id, by=admin)
            st.rerun()


def change() -> None:
    """Choose an event and its next engine."""
    here = [state.spec.name for state in states if state.is_installed]
    left, middle, right = st.columns([3, 3, 2], vertical_alignment="bottom")
    event_id = left.selectbox(
        _("Event to change"), list(staying), index=None, format_func=lambda key: staying[key].event.name
    )
    engine = middle.selectbox(
        _("Engine"), here, index=None, format_func=lambda name: f"{name} · {engines.made_of(ENGINES[name])}"
    )
    is_chosen = event_id is not None and engine is not None
    if right.button(_("Re-index"), type="primary", disabled=not is_chosen, width="stretch"):
        confirm(staying[event_id or 0], engine or "")


@st.dialog(_("Re-index this event?"))
def confirm(standing: Standing, engine: str) -> None:
    """Start after a second thought."""
    engines.consequences(standing, ENGINES[engine])
    if st.button(_("Re-index now"), type="primary"):
        with site.refusals():
            reindex.start(backends, standing.event.id, engine, by=site.require_account())
            st.rerun()


style.hero(_("Faces"), _("Which engine finds and compares faces, and how events move to a better one."))
staying, moving = overview()
usual_engine()
st.header(_("Events"), anchor=False)
if staying or moving:
    watch()
else:
    style.empty_state(_("No event has faces yet"), _("Events appear here with their first photo."))
if staying:
    change()
st.header(_("Engines"), anchor=False)
for state in states:
    engines.card(state, is_usual=state.spec.name == usual)
