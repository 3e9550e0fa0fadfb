"""Renditions by signed address."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import deps
from core import renditions

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
    with picture.content as content:  # whole: a marked picture is small, and each piece would cost a thread
        return Response(content.read(), media_type="image/jpeg", headers=headers)


ROUTES = [Route("/img/{token}", image, methods=["GET", "HEAD"])]
