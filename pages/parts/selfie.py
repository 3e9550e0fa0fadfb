"""Takes selfies of one person, from the camera or files, and lets go of them at once."""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core import i18n
from core.errors import InvalidInput
from core.i18n import _
from pages.parts import site

TYPES = ("jpg", "jpeg", "png", "webp")


class TooManySelfies(InvalidInput):
    """More pictures than one search takes."""

    def __init__(self, most: int) -> None:
        super().__init__("These are too many pictures at once. Choose at most {most}.", most=most)


def ask(attempt: int, most: int) -> Sequence[bytes]:
    """Return one selfie or several once there are any, before that none. Raises TooManySelfies.

    Each attempt has widgets of its own: what was given to the last one is forgotten.
    """
    camera, file = _("Camera"), _("Pictures I have")
    way: str | None = file
    if site.backends().settings.may_use_camera:
        ways = [camera, file]
        way = st.segmented_control(_("Selfie from"), ways, key="way", required=True, persist_state="session")
    if way == camera:
        label = _("Look into the camera, with light on the face")
        return _taken([st.camera_input(label, key=f"camera_{attempt}")])
    if way == file:
        label = i18n.plural(
            "A picture with only this person in it (JPEG, PNG or WebP)",
            "Up to {count} pictures with only this person in them (JPEG, PNG or WebP)",
            most,
        )
        given = _taken(st.file_uploader(label, TYPES, key=f"selfie_{attempt}", accept_multiple_files=True))
        if len(given) > most:
            raise TooManySelfies(most)
        return given
    return []


def _taken(given: Sequence[UploadedFile | None]) -> Sequence[bytes]:
    """Return the pictures, which Streamlit would keep in memory until the browser leaves."""
    context = get_script_run_ctx()
    files = context.uploaded_file_mgr if context is not None else None
    taken = []
    for one in given:
        if one is not None:
            taken.append(one.getvalue())
            if context is not None and isinstance(files, MemoryUploadedFileManager):
                files.remove_file(session_id=context.session_id, file_id=one.file_id)
    return taken
