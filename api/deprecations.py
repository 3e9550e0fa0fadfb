"""How a route announces its end: RFC 9745 says since when it is deprecated, RFC 8594 when it is gone.

Put `dependencies=[deprecations.deprecated(...)], deprecated=True` on the route.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import Response


class Announcement:
    """Puts the headers on every answer of a route."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    async def __call__(self, response: Response) -> None:
        """Announce it."""
        for name, value in self._headers.items():
            response.headers.append(name, value)


def deprecated(since: date, sunset: date | None, link: str) -> Any:
    """Return a dependency that announces a route's end; the link says what to use instead.

    The days begin at midnight UTC. Raises ValueError when a route would be gone before it is deprecated.
    """
    if sunset is not None and sunset < since:
        raise ValueError("a route cannot be gone before it is deprecated")
    headers = {
        "Deprecation": f"@{int(_midnight(since).timestamp())}",
        "Link": f'<{link}>; rel="deprecation"; type="text/html"',
    }
    if sunset is not None:
        headers["Sunset"] = format_datetime(_midnight(sunset), usegmt=True)
    return Depends(Announcement(headers))


def silent(app: FastAPI | APIRouter) -> Iterator[str]:
    """Yield the routes that the document calls deprecated or that say so, but not both."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            says_so = any(isinstance(one.dependency, Announcement) for one in context.dependencies)
            if says_so != bool(context.deprecated):
                yield f"{context.path}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
