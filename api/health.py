"""How every part is, for people and for the machines that restart things."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import deps
from core import health

_FRESH = {"Cache-Control": "no-store"}


def show(_: Request) -> Response:
    """Answer 200 when every part works, else 503 and which one does not."""
    parts = health.of(deps.backends())
    is_well = all(part.is_well for part in parts)
    body = {
        "ok": is_well,
        "parts": {part.name: {"ok": part.is_well, "detail": part.detail} for part in parts},
    }
    return JSONResponse(body, 200 if is_well else 503, _FRESH)


async def live(_: Request) -> Response:
    """Answer 200 while the process answers at all; whether it can work is asked of /health/ready."""
    return JSONResponse({"ok": True}, headers=_FRESH)


ROUTES = [
    Route("/health", show, methods=["GET"]),
    Route("/health/ready", show, methods=["GET"]),
    Route("/health/live", live, methods=["GET"]),
]
