"""Pure ASGI: request ids, security headers, browsers' cookies. Streamlit's WebSockets pass untouched."""

import secrets
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import document, metrics
from core.sessions import NONCE_COOKIE, VISITOR_COOKIE
from core.settings import LOOPBACK_HOSTS, Settings

_NOT_PUBLIC = "This site answers on its own machine only. To open it, set ENCORE_PUBLIC_URL to its address.\n"
_TELLING = frozenset({b"host", b"origin", b"x-forwarded-host"})  # by what name somebody comes
YEAR = 365 * 24 * 60 * 60  # seconds

# Streamlit's charts and data frames compile WebAssembly and start workers from blobs; its styles are inline.
# Its camera reads the picture it took from a data address. The hashes are of the document's own scripts.
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        " ".join(["script-src 'self' 'wasm-unsafe-eval' blob:", *document.script_hashes()]),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: ws: wss:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_OFF = (
    *("accelerometer", "display-capture", "geolocation", "gyroscope", "magnetometer"),
    *("microphone", "midi", "payment", "usb"),
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(["camera=(self)", *(f"{feature}=()" for feature in _OFF)]),
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def stack(settings: Settings) -> list[Middleware]:
    """Return the middleware of the site, outermost first, for `st.App(middleware=...)`."""
    return [
        Middleware(RequestIds),
        *([Middleware(LoopbackOnly)] if settings.is_loopback else []),
        Middleware(SecurityHeaders, is_https=settings.is_https),
        Middleware(BrowserCookies, is_https=settings.is_https),
        Middleware(document.Document),
        Middleware(metrics.Measured),
    ]


class RequestIds:
    """Gives each request an id of ours: in `request.state`, in every log line, in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bind the id while the request is answered."""
        is_ours = scope["type"] == "websocket" and scope["path"].startswith("/api/")
        if scope["type"] != "http" and not is_ours:
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_id)


class LoopbackOnly:
    """Refuses whoever comes by another name than this machine's, while no public address is set.

    A site that was never told its address has demo accounts with public passwords; and a name that
    somebody else points here would be a way in for their pages.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer only loopback hosts and origins."""
        if scope["type"] in ("http", "websocket") and not _is_from_here(_names(scope)):
            await PlainTextResponse(_NOT_PUBLIC, 421)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _names(scope: Scope) -> tuple[bytes, ...]:
    return tuple(value for name, value in scope["headers"] if name in _TELLING)


@lru_cache  # a browser sends the same ones every time
def _is_from_here(given: tuple[bytes, ...]) -> bool:
    names = [name.strip() for value in given for name in value.decode("latin-1").split(",")]
    try:
        named = [
            urlsplit(name if "//" in name else f"//{name}").hostname for name in names if name.strip("/")
        ]
    except ValueError:  # no address at all
        return False
    return all(name in LOOPBACK_HOSTS for name in named)


class SecurityHeaders:
    """Puts the security headers on every answer; a route's own stricter one stays."""

    def __init__(self, app: ASGIApp, is_https: bool) -> None:
        self._app = app
        hsts = {"Strict-Transport-Security": f"max-age={YEAR}"} if is_https else {}
        headers = _HEADERS | hsts
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", ())}
                missing = [header for header in self._headers if header[0] not in present]
                message["headers"] = [*message.get("headers", ()), *missing]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BrowserCookies:
    """Gives a browser that opens a page its visitor and nonce cookies, seen by that same request already."""

    def __init__(self, app: ASGIApp, is_https: bool) -> None:
        self._app = app
        self._secure = "; Secure" if is_https else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the missing cookies."""
        given = _missing_cookies(scope) if scope["type"] == "http" else {}
        if not given:
            await self._app(scope, receive, send)
            return

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"  # nobody else may be handed these cookies
                for name, value in given.items():
                    headers.append("Set-Cookie", self._cookie(name, value))
            await send(message)

        await self._app(_with_cookies(scope, given), receive, send_with_cookies)

    def _cookie(self, name: str, value: str) -> str:
        age = f"; Max-Age={YEAR}" if name == VISITOR_COOKIE else ""
        return f"{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax{self._secure}"


def _missing_cookies(scope: Scope) -> dict[str, str]:
    headers = Headers(scope=scope)
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
        return {}
    if headers.get("sec-fetch-dest", "document") != "document":
        return {}
    present = cookie_parser(headers.get("cookie", ""))
    return {
        name: secrets.token_urlsafe(32) for name in (VISITOR_COOKIE, NONCE_COOKIE) if not present.get(name)
    }


def _with_cookies(scope: Scope, given: dict[str, str]) -> Scope:
    old = Headers(scope=scope).get("cookie")
    pairs = [*([old] if old else []), *(f"{name}={value}" for name, value in given.items())]
    headers = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    return {**scope, "headers": [*headers, (b"cookie", "; ".join(pairs).encode("latin-1"))]}
