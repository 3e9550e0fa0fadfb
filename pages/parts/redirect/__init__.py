"""Sends the browser to another address: out of Streamlit, to a route of ours or to the checkout."""

import re
from pathlib import Path

import streamlit as st

from core.addresses import is_local

_HTTPS = re.compile(r"https://[^\s/\\@]+(/[^\s\\]*)?")
_mount = st.components.v2.component(
    "encore_redirect", js=(Path(__file__).parent / "redirect.js").read_text("utf-8")
)


def redirect(url: str) -> None:
    """Send the browser to a local path or to an absolute https address, and end this run.

    `url` is the server's, never a visitor's: check a `next` with `is_local` first. Raises ValueError.
    """
    if not is_local(url) and not _HTTPS.fullmatch(url):
        raise ValueError(f"Neither a local path nor an https address: {url!r}")
    _mount(key="encore_redirect", data={"url": url})
    st.stop()
