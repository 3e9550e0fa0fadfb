"""Face engines on the screen: what they are, how they stand, and an event's way from one to another."""

import streamlit as st

from core.engines import BUNDLED, LIGHT, EngineSpec, Figures
from core.i18n import _
from core.reindex import Progress, Standing
from core.weights import EngineState
from pages.parts import style

BYTES_PER_MB = 1_000_000


def made_of(spec: EngineSpec) -> str:
    """Return an engine's detector and recogniser."""
    return f"{spec.detector} + {spec.recogniser}"


def line(progress: Progress) -> None:
    """Say which engine an event's faces are searched with, and how far the next one is."""
    if progress.building:
        bar(progress)
    elif progress.serving:
        st.caption(_("Faces: searched with the engine {engine}").format(engine=progress.serving))


def bar(progress: Progress) -> None:
    """Show how far an event is on its way to another engine."""
    text = _("Faces: {serving} serves, {done} of {total} photos are re-indexed with {building}")
    if progress.failed:
        text += _(", {failed} failed")
    words = text.format(
        serving=progress.serving,
        building=progress.building,
        done=f"{progress.done:,}",
        total=f"{progress.photos:,}",
        failed=f"{progress.failed:,}",
    )
    st.progress(progress.done / progress.photos if progress.photos else 1.0, words)


def consequences(standing: Standing, engine: EngineSpec) -> None:
    """Say what re-indexing an event means."""
    st.markdown(
        _(
            "The {count} photos of **{event}** are looked at again with **{engine}**, from their originals "
            "and in the background. Guests go on searching with **{before}** until the last one is done."
        ).format(
            count=f"{standing.progress.photos:,}",
            event=style.plain(standing.event.name),
            engine=engine.name,
            before=standing.progress.serving,
        )
    )
    st.caption(f"{_('Licence:')} {style.plain(engine.licence)}")


def recommendation(*, is_installed: bool, is_usual: bool, is_serving: bool) -> None:
    """Advise the better engine where the bundled one is usual or serves, with what its licence asks."""
    text = _(
        "Recommended: **{better}**. The engine **{bundled}** is in use. It often takes people of one region "
        "for each other; **{better}** tells them apart far better."
    ).format(better=LIGHT.name, bundled=BUNDLED.name)
    setting = f"**{style.plain(f'ENCORE_FACE_ENGINE={LIGHT.name}')}**"
    steps = [
        (not is_installed, _("Install it with the command under Engines, below.")),
        (is_usual, _("For new events, set {setting} and start Encore again.").format(setting=setting)),
        (is_serving, _("Re-index the events below. Guests go on searching meanwhile.")),
    ]
    listed = "\n".join(f"- {step}" for is_open, step in steps if is_open)
    st.info(
        f"{text}\n\n{listed}\n\n{_('Licence:')} {style.plain(LIGHT.licence)}", icon=":material/lightbulb:"
    )


def card(state: EngineState, *, is_usual: bool) -> None:
    """Show an engine: what it is made of, how it stands, what it can and may do."""
    spec = state.spec
    with st.container(border=True):
        chips = style.status_chip(*_stands(state))
        if is_usual:
            chips += " " + style.status_chip(_("for new events"), "info")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(spec.name, anchor=False, width="content")
            st.html(f"<span>{chips}</span>", width="content")
        st.markdown(f"{style.plain(made_of(spec))}  \n{style.plain(spec.limits)}")
        for figures in spec.measured:
            st.markdown(_measured(figures))
        st.caption(f"{_('Licence:')} {style.plain(spec.licence)}")
        if not state.is_installed:
            st.caption(_how_to_get(state))
            st.code(f"python -m core faces install {spec.name}", language=None, wrap_lines=True)


def _stands(state: EngineState) -> tuple[str, style.Tone]:
    if state.is_installed:
        return _("installed"), "good"
    if state.is_broken:
        return _("damaged"), "bad"
    return _("not installed"), ""


def _how_to_get(state: EngineState) -> str:
    size = max(1, round(state.missing_bytes / BYTES_PER_MB))
    text = _("{size} MB to download, with this command on the server:").format(size=f"{size:,}")
    return f"{style.plain(state.problem or '')} {text}" if state.is_broken else text


def _measured(figures: Figures) -> str:
    """Return what was measured, in plain words."""
    return _(
        "Measured on {dataset}: shows {found} of a person's photos, {found_sure} as sure. {wrong} of the "
        "searches also show somebody else, {wrong_sure} among the sure ones."
    ).format(
        dataset=figures.dataset,
        found=f"{figures.found:.0%}",
        found_sure=f"{figures.found_sure:.0%}",
        wrong=f"{figures.wrong:.0%}",
        wrong_sure=f"{figures.wrong_sure:.0%}",
    )
