"""Small tables in HTML, numbers to the right, that scroll within themselves on a phone. All is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

_FRAME = "overflow-x:auto;max-width:100%"
_TABLE = "width:100%;border-collapse:collapse;font-size:1rem;font-variant-numeric:tabular-nums"
_CELL = "border:0;border-top:1px solid var(--encore-line);padding:9px 12px 9px 0;vertical-align:top"
_HEAD = "border:0;padding:6px 12px 6px 0;color:var(--encore-quiet);font-weight:400;white-space:nowrap"
_NUMBER = "text-align:right;white-space:nowrap"
_WORDS = "text-align:left;overflow-wrap:break-word"


def show(label: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> None:
    """Show rows of text below a head; the last `numbers` columns are numbers. `label` names the table."""
    words = len(head) - numbers
    first = "".join(
        f'<th scope="col" style="{_HEAD};{_look(index, words)}">{escape(text)}</th>'
        for index, text in enumerate(head)
    )
    body = "".join(f"<tr>{_row(cells, words)}</tr>" for cells in rows)
    st.html(
        f'<div style="{_FRAME}" role="region" tabindex="0" aria-label="{escape(label)}">'
        f'<table style="{_TABLE}"><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(cells: Sequence[str], words: int) -> str:
    head = f'<th scope="row" style="{_CELL};{_WORDS};font-weight:600">{escape(cells[0])}</th>'
    return head + "".join(
        f'<td style="{_CELL};{_look(index, words)}">{escape(text)}</td>'
        for index, text in enumerate(cells[1:], start=1)
    )


def _look(index: int, words: int) -> str:
    return _WORDS if index < words else _NUMBER
