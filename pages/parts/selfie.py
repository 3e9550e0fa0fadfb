"""Takes a selfie, from the camera or a file, and lets go of it at once."""

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.i18n import _
from pages.parts import site

TYPES = ("jpg", "jpeg", "png", "webp")


def ask(attempt: int) -> bytes | None:
    """Return a selfie once there is one. Each attempt has widgets of its own: the last is forgotten."""
    camera, file = _("Camera"), _("A picture I have")
    way: str | None = file
    if site.backends().settings.may_use_camera:
        way = st.segmented_control(_("Selfie from"), [camera, file], key="way")
    if way == camera:
        return _taken(
            st.camera_input(_("Look into the camera, with light on your face"), key=f"camera_{attempt}")
        )
    if way == file:
        label = _("A picture with only you in it (JPEG, PNG or WebP)")
        return _taken(st.file_uploader(label, TYPES, key=f"selfie_{attempt}"))
    return None


def _taken(given: UploadedFile | None) -> bytes | None:
    if given is None:
        return None
    content = given.getvalue()
    # Streamlit would keep the picture in memory until the browser leaves.
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=given.file_id)
    return content
