"""The photo grid: rows of thumbnails to choose from, a large view, and actions on what was chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from pages.parts.style import Tone as Tone

WORDS: Mapping[str, str] = {
    "photos": "Photos",
    "select_all": "Select all",
    "select_none": "Select none",
    "choose": "Choose photo {number}: {photo}",
    "choose_one": "Choose",
    "chosen": "{count} chosen",
    "chosen_photos": "Chosen photos",
    "place": "{number} of {count}",
    "close": "Close",
    "previous": "Previous photo",
    "next": "Next photo",
    "act_on": "{action}, photo {number}",
}


@dataclass(frozen=True)
class GridPhoto:
    """One photo as the grid shows it; URLs are relative, width and height in pixels of any rendition.

    `face` is ringed: left, top, right, bottom as fractions of the photo.
    """

    id: str
    small_url: str
    large_url: str
    width: int
    height: int
    alt: str
    badge: str = ""
    tone: Tone = ""
    caption: str = ""
    price: str = ""
    face: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class GridAction:
    """A button for the chosen photos, in the large view for the one that is seen, and below each on wish."""

    name: str
    label: str
    tone: Literal["plain", "primary", "danger"] = "plain"
    sign: Literal["", "yes", "no"] = ""
    is_on_tiles: bool = False


@dataclass(frozen=True)
class PressedAction:
    """A visitor pressed an action; true for one run only."""

    name: str
    ids: tuple[str, ...]  # in the order of the grid, never empty


@dataclass(frozen=True)
class GridResult:
    """What the visitor chose, and what they pressed just now."""

    selected: tuple[str, ...]  # in the order of the grid
    action: PressedAction | None


_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "encore_photo_grid",
    html='<div class="photo-grid"></div>',
    css=(_HERE / "photo_grid.css").read_text("utf-8"),
    js=(_HERE / "photo_grid.js").read_text("utf-8") + (_HERE / "viewer.js").read_text("utf-8"),
)


def photo_grid(
    photos: Sequence[GridPhoto],
    *,
    key: str,
    mode: Literal["choose", "view"] = "view",
    selected: Sequence[str] = (),
    actions: Sequence[GridAction] = (),
    heading: str = "",
    words: Mapping[str, str] = WORDS,
    on_action: Callable[[PressedAction], None] | None = None,
) -> GridResult:
    """Show the grid and return what the visitor chose and pressed.

    `selected` is where the choice begins; give another value later to replace the visitor's choice.
    Photos that were acted on leave the choice. `heading` says how many photos there are, on all pages.
    `on_action` hears of an action before the page runs: none is lost, however fast they come.
    """
    heard_key = f"{key}_heard"  # the number of the last press that was heard of

    def heard() -> None:
        for press in _new(st.session_state[key].get("action"), st.session_state.get(heard_key, 0)):
            if isinstance(number := press.get("number"), int):
                st.session_state[heard_key] = number
            pressed = _pressed(photos, actions, press)
            if pressed is not None and on_action is not None:
                on_action(pressed)

    data = {
        "photos": [asdict(photo) for photo in photos],
        "actions": [asdict(action) for action in actions],
        "mode": mode,
        "selected": list(selected),
        "restored": st.session_state.get(key, {}).get("selected"),
        "heading": heading,
        "heard": st.session_state.get(heard_key, 0),
        "words": {**WORDS, **words},
    }
    answer = _mount(key=key, data=data, on_selected_change=_noted, on_action_change=heard)
    chosen = answer.selected if answer.selected is not None else selected
    return GridResult(_known(photos, chosen), _pressed(photos, actions, answer.action))


def _new(message: object, heard: int) -> list[Mapping[str, Any]]:
    """Return the presses of a message that were not heard of, oldest first: each carries those before it."""
    if not isinstance(message, Mapping):
        return []
    presses = message.get("presses", [message])
    told = [one for one in presses if isinstance(one, Mapping)] if isinstance(presses, list) else []
    return [one for one in told if not isinstance(number := one.get("number"), int) or number > heard]


def _noted() -> None:
    """Streamlit keeps a value only for names that have a callback."""


def _known(photos: Sequence[GridPhoto], ids: object) -> tuple[str, ...]:
    """Return those of `ids` that are in the grid: the browser may send anything."""
    wanted = {one for one in ids if isinstance(one, str)} if isinstance(ids, list | tuple) else set()
    return tuple(photo.id for photo in photos if photo.id in wanted)


def _pressed(
    photos: Sequence[GridPhoto], actions: Sequence[GridAction], message: object
) -> PressedAction | None:
    """Return the action of a message from the browser, or None if it offers nothing that was offered."""
    if not isinstance(message, Mapping) or message.get("name") not in [one.name for one in actions]:
        return None
    ids = _known(photos, message.get("ids"))
    return PressedAction(str(message["name"]), ids) if ids else None
