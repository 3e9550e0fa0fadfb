"""The uploader: photos go from the browser straight to a streaming route, never through the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import streamlit as st

WORDS: Mapping[str, str] = {
    "drop": "Drop photos or a folder here. JPEG, PNG or WebP, up to {size}\u00a0MB each.",
    "choose_files": "Choose files",
    "choose_folder": "Choose a folder",
    "files": "Files",
    "progress": "Upload progress",
    "sending": "{done} of {count} files, {sent} of {size} MB",
    "paused": "Paused at {done} of {count} files",
    "all_done": "Finished: {here} of {count} files are in the gallery",
    "pause": "Pause",
    "resume": "Resume",
    "cancel": "Cancel the rest",
    "retry": "Try again",
    "retry_all": "Try all failed again",
    "stage_waiting": "Waiting",
    "stage_sending": "{percent} %",
    "stage_delayed": "Trying again soon",
    "stage_new": "New",
    "stage_known": "Already here",
    "stage_refused": "Refused",
    "stage_failed": "Failed",
    "stage_cancelled": "Cancelled",
    "count_new": "{count} new",
    "count_known": "{count} already here",
    "count_refused": "{count} refused",
    "count_failed": "{count} failed",
    "count_cancelled": "{count} cancelled",
    "more": "and {count} more files",
    "wrong_type": "Not a photo we can take. Use JPEG, PNG or WebP.",
    "too_big": "The file is too big.",
    "empty": "The file is empty.",
    "no_connection": "The connection was lost. Try again.",
}


@dataclass(frozen=True)
class UploadCounts:
    """How the files ended that were chosen since the page was first opened."""

    new: int = 0
    known: int = 0  # already in the gallery
    refused: int = 0
    failed: int = 0  # the network gave up; the visitor may try again
    cancelled: int = 0


@dataclass(frozen=True)
class UploaderResult:
    """The counts so far, and in the one run after the queue drained also `done`."""

    counts: UploadCounts
    done: UploadCounts | None


_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "encore_uploader",
    html='<div class="uploader"></div>',
    css=(_HERE / "uploader.css").read_text("utf-8"),
    js=(_HERE / "uploader.js").read_text("utf-8") + (_HERE / "batch.js").read_text("utf-8"),
)


def uploader(
    upload_url: str,
    *,
    key: str,
    max_bytes: int,
    words: Mapping[str, str] = WORDS,
    accept: Sequence[str] = (".jpg", ".jpeg", ".png", ".webp"),
    retry_after_ms: int = 1000,
) -> UploaderResult:
    """Show the uploader and return how far it is.

    Each file is `PUT {upload_url}?name=…` with the header `X-Encore: upload`, its bytes as the body; the
    answer is JSON, {"verdict": "new" | "known" | "refused", "message": …}. 408, 429, 5xx and a lost
    connection are tried again after `retry_after_ms`, twice and four times that. A batch belongs to its
    `upload_url`: it survives reruns and a visit to another page.
    """
    data = {
        "upload_url": upload_url,
        "accept": [suffix.lower() for suffix in accept],
        "max_bytes": max_bytes,
        "retry_after_ms": retry_after_ms,
        "words": {**WORDS, **words},
    }
    answer = _mount(key=key, data=data, on_counts_change=_noted, on_done_change=_noted)
    return UploaderResult(_counts(answer.counts), _counts(answer.done) if answer.done else None)


def _noted() -> None:
    """Streamlit keeps a value only for names that have a callback."""


def _counts(message: object) -> UploadCounts:
    """Return the counts of a message from the browser, which may send anything."""
    given = message if isinstance(message, Mapping) else {}
    found = {field.name: given.get(field.name, 0) for field in fields(UploadCounts)}
    return UploadCounts(**{name: n if isinstance(n, int) and n > 0 else 0 for name, n in found.items()})
