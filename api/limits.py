"""How often one address may call the API at all; what costs more has buckets of its own in the services."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import deps
from core import limits
from core.limits import TooOften


class PerAddress:
    """Refuses an address that calls too often."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a token, or answer with the refusal."""
        if scope["type"] == "http":
            try:
                await _take(deps.client(HTTPConnection(scope)))
            except TooOften as refusal:
                await deps.refusal(Request(scope), refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _take(address: str) -> None:
    backends = deps.backends()
    if backends.settings.redis_url is None:  # in memory: quicker than a change of threads
        limits.take(backends, limits.ADDRESS, address)
    else:
        await run_in_threadpool(limits.take, backends, limits.ADDRESS, address)
