"""The look of every page: the style sheet, the word mark, and small pieces of safe HTML."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Literal

import streamlit as st

Tone = Literal["", "good", "warn", "bad", "info"]

_STATIC = Path(__file__).parents[1] / "static"
ICON = str(_STATIC / "favicon.png")  # for st.set_page_config(page_icon=…)
_WORD_MARK = str(_STATIC / "wordmark.svg")


def apply() -> None:
    """Dress the page: call once per run, in the frame, before anything is shown."""
    st.html(Path(__file__).with_name("style.css"))
    st.logo(_WORD_MARK, size="large")


def hero(title: str, subtitle: str = "") -> None:
    """Show the heading of a page with a sentence below."""
    below = f"<p>{escape(subtitle)}</p>" if subtitle else ""
    st.html(f'<header class="encore-hero"><h1>{escape(title)}</h1>{below}</header>')


def empty_state(title: str, text: str, *, href: str = "", link_text: str = "") -> None:
    """Show that there is nothing here yet, and the way on. `href` is ours, a local path."""
    link = f'<a href="{escape(href)}" target="_self">{escape(link_text)}</a>' if href and link_text else ""
    st.html(
        '<section class="encore-empty"><span class="encore-rest" aria-hidden="true"></span>'
        f"<h2>{escape(title)}</h2><p>{escape(text)}</p>{link}</section>"
    )


def status_chip(text: str, tone: Tone = "") -> str:
    """Return a small coloured label as safe HTML, for `st.html` or inside other HTML."""
    return f'<span class="encore-chip" data-tone="{escape(tone)}">{escape(text)}</span>'


def button_link(href: str, text: str) -> None:
    """Show the page's main way on as a button-like link. `href` is ours, a local path."""
    st.html(f'<p><a class="encore-button" href="{escape(href)}" target="_self">{escape(text)}</a></p>')


def main_link(script: str, text: str, query: Mapping[str, str]) -> None:
    """Show the page's main way on to another page of this visit, which goes on there."""
    with st.container(key="encore_main_link"):
        st.page_link(script, label=text, query_params=dict(query))


def plain(text: str) -> str:
    """Return somebody's words with Markdown's signs disarmed."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", text)


def metrics(values: Iterable[tuple[str, str]]) -> None:
    """Show a row of labelled figures that wraps on a phone."""
    with st.container(horizontal=True):
        for label, value in values:
            st.metric(label, value.replace("$", r"\$"), border=True)
