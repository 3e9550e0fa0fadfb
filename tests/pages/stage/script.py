"""The pages of the stage: a grid, an uploader, a redirect; each says what Python heard."""

import streamlit as st

from pages.parts import style
from pages.parts.photo_grid import GridAction, GridPhoto, PressedAction, photo_grid
from pages.parts.redirect import redirect
from pages.parts.uploader import uploader

HOSTILE = '<img src=x onerror="document.title=`stolen`">'


def grid() -> None:
    gone = st.session_state.setdefault("gone", [])
    photos = [
        GridPhoto(
            f"p{n}", f"/img/{n}", f"/img/{n}?large", 300, 200, f"Photo {n}", caption=HOSTILE, badge=HOSTILE
        )
        for n in range(1, 9)
        if f"p{n}" not in gone
    ]
    actions = [GridAction("approve", "Approve", "primary"), GridAction("reject", "Reject", "danger")]
    result = photo_grid(photos, key="grid", mode="choose", actions=actions)
    if result.action and result.action.name == "reject":
        gone.extend(result.action.ids)
        st.session_state.heard = f"reject {' '.join(result.action.ids)}"
        st.rerun()
    if result.action:
        st.session_state.heard = f"{result.action.name} {' '.join(result.action.ids)}"
    st.text(f"chosen: {' '.join(result.selected)}.")
    st.text(f"heard: {st.session_state.get('heard', 'nothing')}.")


def judge() -> None:
    """A question below each photo, that the page hears of before it runs."""
    heard = st.session_state.setdefault("judged", [])

    def note(pressed: PressedAction) -> None:
        heard.append(f"{pressed.name} {' '.join(pressed.ids)}")

    gone = [one.rpartition(" ")[2] for one in heard]
    photos = [
        GridPhoto(f"p{n}", f"/img/{n}", f"/img/{n}?large", 300, 200, f"Photo {n}", face=(0.4, 0.2, 0.6, 0.5))
        for n in range(1, 6)
        if f"p{n}" not in gone
    ]
    actions = [
        GridAction("yes", "This is me", sign="yes", is_on_tiles=True),
        GridAction("no", "Not me", sign="no", is_on_tiles=True),
    ]
    photo_grid(photos, key="judge", actions=actions, on_action=note)
    st.text(f"heard: {', '.join(heard)}.")


def upload() -> None:
    result = uploader("/take", key="upload", max_bytes=1_000_000, retry_after_ms=20)
    if result.done:
        st.session_state.done = result.done
    st.text(f"counts: {result.counts}")
    st.text(f"done: {st.session_state.get('done')}")


def away() -> None:
    redirect("/upload?from=away")


style.apply()
st.navigation(
    [
        st.Page(grid, title="Grid", default=True),
        st.Page(judge, title="Judge"),
        st.Page(upload, title="Upload"),
        st.Page(away, title="Away"),
    ],
    position="top",
).run()
