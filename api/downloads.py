"""Paid files. The address is the permission: it is signed, expires and is counted."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api import deps
from core import downloads, orders
from core.deliverables import Delivery


def one(request: Request) -> Response:
    """Send one paid photo; a HEAD is not counted."""
    token, is_counted = request.path_params["token"], request.method != "HEAD"
    return _sent(downloads.open(deps.backends(), token, is_counted=is_counted), request)


def archive(request: Request) -> Response:
    """Send every photo of a paid order as a ZIP; the token is that of the order's private address."""
    backends, is_counted = deps.backends(), request.method != "HEAD"
    order = orders.by_token(backends, request.path_params["token"])
    return _sent(downloads.open_zip(backends, order, is_counted=is_counted), request)


def _sent(delivery: Delivery, request: Request) -> Response:
    headers = {
        "Content-Disposition": _attachment(delivery.filename),
        "Content-Length": str(delivery.length),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=delivery.media_type)
    return StreamingResponse(delivery.chunks, headers=headers, media_type=delivery.media_type)


def _attachment(filename: str) -> str:
    """Return RFC 6266's header: a plain name for old programs, the true one in UTF-8."""
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


ROUTES = [
    Route("/downloads/zip/{token}", deps.refusing(archive), methods=["GET"]),  # Starlette adds HEAD
    Route("/downloads/{token}", deps.refusing(one), methods=["GET"]),
]
