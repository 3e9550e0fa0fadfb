"""What every route needs: the backends, who asks, whether the request is ours, and how a refusal looks."""

import functools
import inspect
import math
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from core import addresses, sessions, wiring
from core.access import Viewer
from core.backends import Backends
from core.errors import Forbidden, PlatformError, SignInNeeded, TooMany
from models.account import Account

log = structlog.get_logger()

Endpoint = Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]


class ForeignRequest(Forbidden):
    """Another site made the browser send this."""

    def __init__(self) -> None:
        super().__init__("This request did not come from a page of this site. Reload the page and try again.")


def backends() -> Backends:
    """Return this process's backends."""
    return wiring.backends()


def viewer(request: Request) -> Viewer:
    """Return who asks. It reads the database: call it from a plain `def` endpoint."""
    return sessions.viewer_of(backends(), request.cookies)


def account(request: Request) -> Account | None:
    """Return who is signed in, if anyone. It reads the database."""
    return sessions.account_of(backends(), request.cookies.get(sessions.SESSION_COOKIE, ""))


def is_at_hand() -> bool:
    """Tell whether rows and limits are read without a way over the network: SQLite, whose readers never wait
    for a writer, and buckets in memory.
    """
    found = backends()
    return found.engine.dialect.name == "sqlite" and found.settings.redis_url is None


def client(connection: HTTPConnection) -> str:
    """Return the address of who asks, "" when it is not known."""
    peer = connection.client.host if connection.client else ""
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for"))
    return addresses.client_address(peer, forwarded, backends().settings.proxies)


def refusing(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Make a Starlette endpoint, async or plain, answer its refusals as JSON."""

    @functools.wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await _call(endpoint, request)
        except PlatformError as error:
            return refusal(request, error)

    return answer


async def _call(endpoint: Endpoint, request: Request) -> Response:
    if inspect.iscoroutinefunction(endpoint):
        return cast(Response, await endpoint(request))
    return await run_in_threadpool(cast(Callable[[Request], Response], endpoint), request)


def refusal(request: HTTPConnection, error: PlatformError) -> JSONResponse:
    """Return the one shape in which a refusal is sent."""
    answer = sent(request, type(error).__name__, str(error), error.status_code)
    if isinstance(error, SignInNeeded):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany) and error.retry_after is not None:
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after.total_seconds()))
    return answer


def bug(request: Request, _error: Exception) -> JSONResponse:
    """Return a neutral sentence for what is no refusal; Starlette raises it again, so that it is logged."""
    return sent(request, "InternalError", "Something went wrong on our side. Try again later.", 500)


def sent(request: HTTPConnection, error: str, message: str, status_code: int) -> JSONResponse:
    """Return a refusal that is no PlatformError: what the framework refuses. The log has it, with its id."""
    route = getattr(request.scope.get("route"), "path", "")  # never the address: some are secrets
    log.info("refused", error=error, status=status_code, route=route)
    request.state.refusal = error  # counted in `metrics`
    body: dict[str, Any] = {
        "error": error,
        "message": message,
        "status_code": status_code,
        "request_id": getattr(request.state, "request_id", None),
    }
    return JSONResponse(body, status_code, headers={"Cache-Control": "no-store"})


def same_origin(request: Request, required_header: str | None = None) -> None:
    """Return if a page of this site sent this. Raises Forbidden; the first line of what changes anything.

    Browsers tell where a request comes from and pages cannot forge it. A `required_header` is one
    that no form can send, only a script of ours.
    """
    if required_header is not None and required_header not in request.headers:
        raise ForeignRequest
    site = request.headers.get("sec-fetch-site")
    # Sent to HTTPS and to this machine only: elsewhere the origin has to do.
    if site is not None and site != "same-origin":
        raise ForeignRequest
    if site is None and not _is_own_origin(request, request.headers.get("origin", "")):
        raise ForeignRequest


def _is_own_origin(request: Request, origin: str) -> bool:
    given, public = urlsplit(origin), urlsplit(backends().settings.public_url)
    if given.scheme not in ("http", "https") or not given.netloc:
        return False
    is_public = (given.scheme, given.netloc) == (public.scheme, public.netloc)
    return is_public or given.netloc == request.headers.get("host")
