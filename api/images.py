"""Renditions by signed address."""

from collections.abc import Iterator
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api import deps
from core import renditions

CHUNK = 1 << 16  # bytes
# Browsers keep the picture for an hour; a revoked link stops new fetches at once.
HEADERS = {"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"}


@deps.refusing
def image(request: Request) -> Response:
    """Send a rendition, or 304 when the browser has it."""
    picture = renditions.open_signed(deps.backends(), request.path_params["token"], by=deps.account(request))
    headers = HEADERS | {"ETag": picture.tag}
    if request.headers.get("if-none-match") == picture.tag:
        picture.content.close()
        return Response(status_code=304, headers=headers)
    return StreamingResponse(
        _chunks(picture.content),
        media_type="image/jpeg",
        headers=headers | {"Content-Length": str(picture.length)},
    )


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    with content:  # closed as well when the reader goes away in the middle
        while chunk := content.read(CHUNK):
            yield chunk


ROUTES = [Route("/img/{token}", image, methods=["GET", "HEAD"])]
