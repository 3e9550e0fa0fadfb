"""Everything that is not a page."""

from starlette.routing import BaseRoute

from api import downloads, health, images, payments, session, uploads

ROUTES: list[BaseRoute] = [
    *health.ROUTES,
    *session.ROUTES,
    *images.ROUTES,
    *uploads.ROUTES,
    *downloads.ROUTES,
    *payments.ROUTES,
]
