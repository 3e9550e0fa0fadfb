"""Everything that is not a page."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Router, request_response

from api import deps, downloads, health, images, payments, session, uploads
from core.errors import NotFound


@deps.refusing
def nothing(_: Request) -> Response:
    """Answer programs that ask for what is not there; Streamlit would send them its page."""
    raise NotFound("There is nothing at this address.")


ROUTES: list[BaseRoute] = [
    *health.ROUTES,
    *session.ROUTES,
    *images.ROUTES,
    *downloads.ROUTES,
    *payments.ROUTES,
    # A router of its own: a wrong method is a 405 there, and any other address `nothing`.
    Mount("/api", Router(uploads.ROUTES, redirect_slashes=False, default=request_response(nothing))),
]
