"""Everything that is not a page."""

import re

from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from api import app, downloads, health, images, metrics, payments, receipts, session
from core.settings import Settings


class _Mount(Mount):
    """A mount that takes addresses with line breaks as well: programs are refused in JSON, not by a page."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def build(settings: Settings) -> list[BaseRoute]:
    """Return the routes, for `st.App(routes=...)`."""
    routes = [
        *health.ROUTES,
        *metrics.ROUTES,
        *session.ROUTES,
        *images.ROUTES,
        *downloads.ROUTES,
        *receipts.ROUTES,
        *payments.ROUTES,
        _Mount("/api", app.build(settings)),
    ]
    metrics.know(routes)
    return routes
