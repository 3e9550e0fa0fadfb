"""How often one address may call the API at all; what costs more has buckets of its own in the services."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api import deps
from core import limits
from core.errors import PlatformError


class PerAddress:
    """Refuses an address that calls too often."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a token, or answer with the refusal."""
        if scope["type"] in ("http", "websocket"):
            try:
                await _take(deps.client(HTTPConnection(scope)))
            except PlatformError as refusal:  # too often, or the limiter's server is away
                await _refuse(scope, receive, send, refusal)
                return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: PlatformError) -> None:
    answer = deps.refusal(HTTPConnection(scope), refusal)
    if scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await WebSocket(scope, receive, send).send_denial_response(answer)


async def _take(address: str) -> None:
    backends = deps.backends()
    if backends.settings.redis_url is None:  # in memory: quicker than a change of threads
        limits.take(backends, limits.ADDRESS, address)
    else:
        await run_in_threadpool(limits.take, backends, limits.ADDRESS, address)
