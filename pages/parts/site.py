"""What every page asks: the services, who is here, and the way to another address."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from html import escape
from typing import NoReturn
from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from core import i18n, sessions, wiring
from core.access import Viewer
from core.addresses import client_address, is_local
from core.backends import Backends
from core.errors import NotFound, PlatformError
from core.i18n import _
from models.account import Account
from models.event import Event
from pages.parts.redirect import redirect

THIS_MACHINE = "127.0.0.1"
FORM_WIDTH = 560  # pixels; on a narrower screen all of it


def backends() -> Backends:
    """Return this process's backends."""
    return wiring.backends()


def cookies() -> Mapping[str, str]:
    """Return the browser's cookies, as they were when it opened the page."""
    return st.context.cookies


def client() -> str:
    """Return the IP address of who is here, by which tries are counted."""
    peer = st.context.ip_address or THIS_MACHINE  # Streamlit has no word for this machine
    forwarded = ",".join(st.context.headers.get_all("X-Forwarded-For"))
    return client_address(peer, forwarded, backends().settings.proxies)


def viewer() -> Viewer:
    """Return who looks. The session is looked up on every call, so that one that was ended is ended."""
    return sessions.viewer_of(backends(), cookies())


def account() -> Account | None:
    """Return who is signed in, if anyone."""
    return sessions.account_of(backends(), session_token())


def session_token() -> str:
    """Return the token of this browser's session, "" without one."""
    return cookies().get(sessions.SESSION_COOKIE, "")


def require_account() -> Account:
    """Return who is signed in; anyone else is sent to sign in, and back here afterwards."""
    found = account()
    if found is None:
        go(with_next("/sign_in", here()))
    return found


def require_visitor() -> Viewer:
    """Return who looks, with a visitor key to keep a cart under. Raises CookiesBlocked."""
    found = viewer()
    if not found.visitor_key:
        raise sessions.CookiesBlocked
    return found


def go(path: str) -> NoReturn:
    """Send the browser to a local path, or to an https address of ours, and end this run."""
    redirect(path)
    st.stop()


def enter(account_id: int | None, target: str) -> NoReturn:
    """Sign in an account whose password was checked, and send the browser on. Raises CookiesBlocked."""
    code = sessions.start_sign_in(backends(), account_id, cookies().get(sessions.NONCE_COOKIE, ""))
    go(with_next(f"/session/login?code={code}", target))


def next_path() -> str:
    """Return where the visitor was going, from the address of this page; "/" when it is no local path."""
    target = st.query_params.get("next", "/")
    return target if is_local(target) else "/"


def with_next(path: str, target: str) -> str:
    """Return the local path, told where to go on to."""
    return f"{path}{'&' if '?' in path else '?'}next={quote(target, safe='/')}"


def choice(name: str, options: Sequence[str]) -> str:
    """Return the option that the address names, the first one when it names none."""
    given = st.query_params.get(name, "")
    return given if given in options else options[0]


@contextmanager
def refusals(*, is_page: bool = False) -> Iterator[None]:
    """Show a refusal as its sentence: around the page, and around its parts that others outlive."""
    try:
        yield
    except PlatformError as refusal:
        st.error(i18n.refusal(refusal), icon=":material/info:")
        if is_page and isinstance(refusal, NotFound):
            link("/", _("To the events"))


def live(seconds: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Make a part of a page that shows itself anew every few seconds.

    It runs without the page: what it needs to know of who is here, it must ask again.
    """

    def refreshed(show: Callable[[], None]) -> Callable[[], None]:
        @st.fragment(run_every=seconds)
        def run() -> None:
            with refusals():
                show()

        return run

    return refreshed


def remember(name: str, value: str) -> None:
    """Keep a choice in the address, so that a reload or a shared address shows the same.

    Streamlit's own `bind` keeps the words of an option, which differ by language and count.
    """
    if not value:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def page_number() -> int:
    """Return which page of a long list is asked for, from the pager below it or from the address."""
    given = st.query_params.get("page", "")
    return int(st.session_state.get("page") or (given if given.isdecimal() and len(given) < 6 else 1) or 1)


def pager(shown: int, total: int, per_page: int) -> None:
    """Show the pages of a long list, when there are several; a page beyond the last goes to the first."""
    if total and not shown:
        st.session_state["page"] = 1
        st.rerun()
    if total > per_page:
        st.pagination(math.ceil(total / per_page), key="page", bind="query-params")


def link(path: str, text: str) -> None:
    """Show a link to a local path, opened in this tab."""
    links((path, text))


def links(*shown: tuple[str, str]) -> None:
    """Show links, (local path, text), in one row as far as it is wide enough."""
    row = "".join(f'<a href="{escape(path)}" target="_self">{escape(text)}</a>' for path, text in shown)
    st.html(f'<p class="encore-links">{row}</p>')


def local(event: Event, at: datetime) -> str:
    """Return a time as the clocks at the event show it."""
    there = at.astimezone(event.zone)
    return f"{there.day} {there:%b %Y, %H:%M}"


def day(held_on: date) -> str:
    """Return a day as people write it, "17 Oct 2026"."""
    return f"{held_on.day} {held_on:%b %Y}"


def here() -> str:
    """Return the local address of this page with its query."""
    path = urlsplit(st.context.url or "/").path or "/"
    query = urlencode(st.query_params.to_dict())
    return f"{path}?{query}" if query else path
