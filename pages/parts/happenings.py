"""What happens in an event, as it happens: a short list, and figures read anew only when something came."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any, TypeVar

import streamlit as st

from core import live
from core.i18n import _, plural
from core.pricing import format_amount
from models.account import Account
from models.event import Event
from models.notice import Notice, NoticeKind
from models.photo import Review
from pages.parts import site, style

SHOWN = 8  # rows of the list
READ = 500  # notices, to make the rows of
APART = timedelta(minutes=10)  # what is further apart is not shown as one
STALE = timedelta(seconds=10)  # what comes without a notice, such as re-indexing, is shown this late at most

_LIST = "list-style:none;margin:0;padding:0"
_ROW = (
    "display:grid;grid-template-columns:5.5rem minmax(0,1fr) auto;gap:0 12px;align-items:baseline;margin:0;"
    "padding:7px 0;border-top:1px solid var(--encore-line);font-size:1rem;line-height:1.5"
)
_QUIET = "color:var(--encore-quiet);font-variant-numeric:tabular-nums;white-space:nowrap"

Read = TypeVar("Read")


@dataclass(frozen=True)
class _Kept:
    """What was read of an event, and up to which of its notices."""

    value: Any
    latest_id: int
    at: datetime


def kept(name: str, event_id: int, read: Callable[[], Read], *, by: Account) -> Read:
    """Return what `read` does, which is asked again only when the event has news, or after a while.

    Raises NotFound as soon as the account has no part in the event any more.
    """
    backends = site.backends()
    live.require(backends, event_id, by=by)
    key, latest_id, now = f"{name}_{event_id}_{by.id}", live.latest_id(backends, event_id), backends.now()
    known: _Kept | None = st.session_state.get(key)
    if known is None or known.latest_id != latest_id or known.at < now - STALE:
        known = st.session_state[key] = _Kept(read(), latest_id, now)
    value: Read = known.value
    return value


@dataclass
class Happening:
    """Notices of one kind that came shortly after each other."""

    kind: NoticeKind
    about: str  # the verdict of a review, the currency of a sale; else ""
    at: datetime  # of the newest
    since: datetime  # of the oldest
    times: int = 0
    photos: int = 0
    faces: int = 0
    amount: int = 0  # minor units
    is_whole: bool = True  # there may be more of it that was not read

    def add(self, notice: Notice) -> None:
        """Count one more, which is older."""
        data = notice.data
        self.since = notice.at
        self.times += 1
        self.photos += len(data.get("photo_ids", ())) + sum(
            data.get(of, 0) for of in ("count", "sure", "maybe")
        )
        self.faces += data.get("faces", 0)
        self.amount += data.get("amount", 0)

    def takes(self, notice: Notice) -> bool:
        """A notice is of this kind, and came shortly before."""
        return (self.kind, self.about) == (notice.kind, _about(notice)) and self.since - notice.at <= APART


def _about(notice: Notice) -> str:
    return str(notice.data.get("review") or notice.data.get("currency") or "")


def together(notices: Iterable[Notice]) -> list[Happening]:
    """Return what happened, newest first as the notices are: those of one kind as one, also across others."""
    happened: list[Happening] = []
    for notice in notices:
        one = next((known for known in reversed(happened) if known.takes(notice)), None)
        if one is None:
            one = Happening(notice.kind, _about(notice), notice.at, notice.at)
            happened.append(one)
        one.add(notice)
    return happened


def show(event: Event, *, by: Account) -> None:
    """Show what came last in an event, of what the account may hear."""
    happened = kept("happenings", event.id, lambda: _last(event.id, by), by=by)
    st.subheader(_("Happening now"), anchor=False)
    if happened:
        now = site.backends().now()
        st.html(f'<ul style="{_LIST}">{"".join(_row(event, one, now) for one in happened)}</ul>')
    else:
        st.caption(_("Nothing yet. Once photos are uploaded, what happens appears here by itself."))


def _last(event_id: int, account: Account) -> Sequence[Happening]:
    backends = site.backends()
    # That small pictures are there is for programs: people wait for the search.
    kinds = live.require(backends, event_id, by=account) - {NoticeKind.PHOTO_RENDERED}
    notices = live.recent(backends, event_id, kinds, READ)
    happened = together(notices)[:SHOWN]
    for one in happened if len(notices) == READ else ():
        one.is_whole = one.since - notices[-1].at > APART
    return happened


# --- in words ------------------------------------------------------------------------------


def _row(event: Event, one: Happening, now: datetime) -> str:
    text = in_words(one) if one.is_whole else _("More than {what}").format(what=in_words(one))
    when = escape(_clock(event, one.at, now))
    return (
        f'<li style="{_ROW}"><span>{style.status_chip(*_chip(one))}</span><span>{escape(text)}</span>'
        f'<time datetime="{one.at.isoformat()}" style="{_QUIET}">{when}</time></li>'
    )


def _clock(event: Event, at: datetime, now: datetime) -> str:
    there = at.astimezone(event.zone)
    is_today = there.date() == now.astimezone(event.zone).date()
    return f"{there:%H:%M}" if is_today else f"{there.day} {there:%b, %H:%M}"


def _chip(one: Happening) -> tuple[str, style.Tone]:
    chips: dict[NoticeKind, tuple[str, style.Tone]] = {
        NoticeKind.PHOTO_UPLOADED: (_("Upload"), "info"),
        NoticeKind.PHOTO_INDEXED: (_("Faces"), "info"),
        NoticeKind.PHOTO_REVIEWED: (_("Review"), ""),
        NoticeKind.PHOTO_DELETED: (_("Deleted"), ""),
        NoticeKind.SEARCH_MADE: (_("Search"), ""),
        NoticeKind.ORDER_PAID: (_("Sale"), "good"),
        NoticeKind.ORDER_REFUNDED: (_("Refund"), ""),
        NoticeKind.ORDER_DISPUTED: (_("Dispute"), "bad"),
    }
    return chips[one.kind]


def in_words(one: Happening) -> str:
    """Return what happened as people say it: counts, and nobody's name."""
    match one.kind:
        case NoticeKind.PHOTO_UPLOADED:
            return plural("{count} photo uploaded", "{count} photos uploaded", one.photos)
        case NoticeKind.PHOTO_INDEXED:
            ready = plural("{count} photo can be searched", "{count} photos can be searched", one.photos)
            return f"{ready}, {plural('{count} face', '{count} faces', one.faces)}"
        case NoticeKind.PHOTO_REVIEWED:
            return _verdict(one)
        case NoticeKind.SEARCH_MADE:
            return _search(one)
        case NoticeKind.ORDER_PAID:
            sold = plural("{count} photo sold", "{count} photos sold", one.photos)
            return _money(sold, one)
        case NoticeKind.ORDER_REFUNDED:
            return _money(plural("{count} refund", "{count} refunds", one.times), one)
        case NoticeKind.ORDER_DISPUTED:
            return _money(plural("{count} dispute", "{count} disputes", one.times), one)
        case _:
            return plural("{count} photo deleted", "{count} photos deleted", one.photos)


def _money(what: str, one: Happening) -> str:
    return f"{what}, {format_amount(one.amount, one.about)}"


def _verdict(one: Happening) -> str:
    match Review(one.about):
        case Review.APPROVED:
            return plural("{count} photo approved", "{count} photos approved", one.photos)
        case Review.REJECTED:
            return plural("{count} photo rejected", "{count} photos rejected", one.photos)
        case Review.PENDING:
            return plural("{count} photo waits again", "{count} photos wait again", one.photos)


def _search(one: Happening) -> str:
    found = plural("{count} photo", "{count} photos", one.photos)
    who = _("A guest searched") if one.times == 1 else plural("{count} search", "{count} searches", one.times)
    return f"{who}: {found}"
