"""The API as FastAPI sees it: its routers, its document, and the one shape of every refusal."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from api import (
    accounts,
    audit,
    bodies,
    callers,
    carts,
    checkouts,
    coupons,
    deps,
    disputes,
    docs,
    earnings,
    events,
    faces,
    galleries,
    held,
    hooks,
    jobs,
    live,
    lost_links,
    mails,
    members,
    oauth,
    orders,
    payouts,
    photo_uploads,
    photos,
    prices,
    refunds,
    routing,
    sales,
    search,
    sharing,
    statistics,
    told,
    uploads,
)
from api.limits import PerAddress
from api.routing import Route
from api.schemas import Refusal
from core import limits
from core.errors import PlatformError
from core.settings import Settings

ROUTERS: Sequence[APIRouter] = (
    oauth.router,
    accounts.router,
    events.router,
    galleries.router,
    members.router,
    sharing.router,
    faces.router,
    photos.router,
    photo_uploads.router,
    search.router,
    live.router,
    prices.router,
    coupons.router,
    carts.router,
    orders.router,
    checkouts.router,
    refunds.router,
    lost_links.router,
    sales.router,
    held.router,
    disputes.router,
    earnings.router,
    payouts.router,
    mails.router,
    statistics.router,
    jobs.router,
    audit.router,
    hooks.router,
)
REFUSALS: dict[int | str, dict[str, object]] = {
    status: {"model": Refusal, "description": text}
    for status, text in {
        401: "Sign in first",
        403: "Not with this role or scope",
        404: "Not there, or not for you",
        408: "The request came too slowly",
        409: "In conflict with what is there",
        413: "Too large",
        422: "Cannot be used",
        429: "Too often: see Retry-After",
        503: "A part is down: try again",
    }.items()
}
_JSON = "application/json"
_REFUSAL = "#/components/schemas/Refusal"
_NAMES = {400: "InvalidInput", 404: "NotFound", 405: "MethodNotAllowed", 408: "TooSlow", 413: "TooLarge"}
_DESCRIPTION = f"""Everything a page of Encore can do, for programs.

**Who you are.** Sign in with `POST /v1/oauth/token`, or send a personal key as `X-API-Key`. Somebody without
an account is a visitor: `POST /v1/visitors` gives a secret for `X-Visitor`, under which opened links, a cart
and orders are kept. Whoever is signed in needs none.

**What all have in common.** Times are in UTC, amounts in minor units. Lists come in pages: pass `next_cursor`
as `cursor`, with the same filters. Every answer in JSON to a GET has an ETag; send it in `If-None-Match`.
Every POST that makes or pays something takes an `Idempotency-Key`. Every refusal looks like `Refusal`; its
`request_id` is in the site's log, and in `X-Request-ID` of every answer.

**How often.** One address or account: {limits.ADDRESS.size:,} calls a minute, all together. Searches: one
person {limits.SEARCH.size} in {limits.SEARCH.period // limits.MINUTE} minutes, one address
{limits.SEARCH_ADDRESS.size} a minute, a share link's guests {limits.SEARCH_LINK.size} a minute. 429 says in
`Retry-After` when to come back."""


class Api(FastAPI):
    """FastAPI with a document that says what our routes have in common: ways in, and refusals in JSON."""

    def openapi(self) -> dict[str, Any]:
        """Return the document."""
        if self.openapi_schema is None:
            document = super().openapi()
            routes = [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]
            needs = {route.name: route.needs for route in routes}
            for path in document["paths"].values():
                for method, operation in path.items():
                    _say_ways_in(operation, needs[operation["operationId"]])
                    _say_answers(method, operation["responses"])
                    # The function's name is the operation's; people read its sentence.
                    operation["summary"] = re.split(r"\.\s", operation["description"])[0].rstrip(".")
            document["components"]["securitySchemes"] = callers.SCHEMES
        assert self.openapi_schema is not None  # noqa: S101
        return self.openapi_schema


def _say_ways_in(operation: dict[str, Any], needs: callers.Needs | None) -> None:
    if needs is not None:  # a route that is open to nobody in particular says so itself: `callers.OPEN`
        operation["security"] = [*needs.security(), *operation.get("security", [])]


def _say_answers(method: str, responses: dict[str, Any]) -> None:
    """Add the headers, and that a route of pictures refuses in JSON, too."""
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            response["content"] = {_JSON: {"schema": {"$ref": _REFUSAL}}}
    responses["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    if method == "get" and _JSON in responses.get("200", {}).get("content", {}):
        responses["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
        responses["304"] = {"description": "Not changed since the ETag in `If-None-Match`"}


def build(settings: Settings) -> Api:
    """Return the API, to be mounted at `/api`."""
    app = Api(
        title="Encore",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=dict(REFUSALS),
        generate_unique_id_function=_operation_id,
        exception_handlers={
            PlatformError: _refused,
            RequestValidationError: _invalid,
            HTTPException: _not_routed,
            Exception: _bug,
        },
    )
    app.router.routes.append(routing.Directory("/v1", ROUTERS))
    for router in ROUTERS:
        app.include_router(router, prefix="/v1")
    told.document(app)
    app.include_router(docs.router)
    app.router.routes.extend(uploads.ROUTES)
    _add_middleware(app, settings)
    return app


class Compressed(GZipMiddleware):
    """Compresses for those who take it, and is not in the way of the others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "http" and "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _add_middleware(app: Api, settings: Settings) -> None:
    """Add what stands around every route; the last one added is the outermost."""
    app.add_middleware(bodies.Bodies, selfie_mib=settings.max_selfie_mib)
    app.add_middleware(PerAddress)
    app.add_middleware(Compressed, minimum_size=1000)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "Retry-After", "X-Request-ID", "Idempotent-Replayed"],
            max_age=3600,
        )


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _bug(request: Request, error: Exception) -> JSONResponse:
    return deps.bug(request, error)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PlatformError)  # noqa: S101  (it is registered for these only)
    return deps.refusal(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Say which parts of a request do not fit, the first few of them, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    problems = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
    return deps.sent(request, "InvalidRequest", "; ".join(text[:200] for text in problems[:5]), 422)


async def _not_routed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == 400:  # a body that is no text at all
        return deps.sent(request, "InvalidRequest", "body: This cannot be read. Send JSON in UTF-8.", 422)
    message = "There is nothing at this address." if error.status_code == 404 else str(error.detail)
    answer = deps.sent(request, _NAMES.get(error.status_code, "Refused"), message, error.status_code)
    answer.headers.update(error.headers or {})
    return answer
