"""How much a request may bring, and how long it may take to do so."""

import asyncio
from datetime import timedelta

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.search import MOST_SELFIES

SMALL = 1 << 20  # bytes of a body in JSON
PAUSE = timedelta(seconds=30)  # between two pieces of a body
WHOLE = timedelta(minutes=2)  # for all of it; uploads of photos take as long as they go on
FORM = 1 << 16  # bytes a form has beside its files


class Bodies:
    """Ends requests that bring too much, or stall. Uploads of photos count their own bytes."""

    def __init__(self, app: ASGIApp, selfie_mib: int) -> None:
        self._app = app
        self._selfies = MOST_SELFIES * selfie_mib * 2**20 + FORM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what comes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, self._counted(scope, receive), send)

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        most = self._most(scope["path"])
        announced = Headers(scope=scope).get("content-length", "")
        taken = int(announced) if announced.isdecimal() and len(announced) < 20 else 0
        is_whole = False
        count = 0
        ends_at = None if most is None else asyncio.get_running_loop().time() + WHOLE.total_seconds()

        async def counted() -> Message:
            nonlocal is_whole, count
            if is_whole:  # the wait for the end of the connection
                return await receive()
            if most is not None and taken > most:
                raise HTTPException(413, f"This is too large: at most {most} bytes are taken here.")
            message = await _soon(receive, ends_at)
            count += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if most is not None and count > most:
                raise HTTPException(413, f"This is too large: at most {most} bytes are taken here.")
            return message

        return counted

    def _most(self, path: str) -> int | None:
        if path.endswith("/search"):
            return self._selfies
        is_upload = "/uploads/" in path or ("/galleries/" in path and path.endswith("/photos"))
        return None if is_upload else SMALL


async def _soon(receive: Receive, ends_at: float | None) -> Message:
    pause = asyncio.get_running_loop().time() + PAUSE.total_seconds()
    try:
        async with asyncio.timeout_at(pause if ends_at is None else min(pause, ends_at)):
            return await receive()
    except TimeoutError as error:
        raise HTTPException(408, "This request came too slowly. Try again.") from error
