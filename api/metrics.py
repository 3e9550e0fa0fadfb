"""What a monitor reads at /metrics: requests by route, refusals, jobs, live lines, and the process itself."""

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import deps, lines
from core import health
from core.errors import NotFound

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PAGES = "pages"  # whatever is not ours: Streamlit's
NOTHING = "nothing"  # an address below /api at which there is nothing
SECONDS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for every series
registry = CollectorRegistry()
_requests = Counter(
    "encore_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
)
_durations = Histogram(
    "encore_http_request_duration_seconds",
    "From the request until its answer begins.",
    ("route",),
    buckets=SECONDS,
    registry=registry,
)
_refusals = Counter("encore_refusals", "Requests that were refused.", ("error",), registry=registry)
Gauge("encore_live_listeners", "Live lines that are open.", registry=registry).set_function(lines.count)
ProcessCollector(registry=registry)

_templates: dict[int, tuple[str, object]] = {}  # by a route's id; the route itself keeps the id its own
_PAGES = (PAGES, None)
_series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


class Jobs(Collector):
    """How many jobs stand where, counted when it is asked; nothing while the database is away."""

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering it counts no jobs."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge."""
        gauge = GaugeMetricFamily("encore_jobs", "Jobs by where they stand.", labels=("status",))
        for status, count in health.jobs_by_status(deps.backends()).items():
            gauge.add_metric((status.value,), count)
        yield gauge


registry.register(Jobs())


def know(routes: Iterable[BaseRoute]) -> None:
    """Learn the templates of the site's routes: a raw address as a label would be a series for each id."""
    _templates.clear()
    _templates.update((id(route), (template, route)) for route, template in _named(routes))


def _named(routes: Iterable[BaseRoute]) -> Iterator[tuple[object, str]]:
    for route in routes:
        if isinstance(route, Mount):
            yield route, NOTHING
            if isinstance(route.app, FastAPI):
                for context in iter_route_contexts(route.app.routes):
                    yield context.original_route, f"{route.path}{context.path}"
        elif isinstance(route, Route):
            yield route, route.path


class Measured:
    """Counts requests and their time. What no route of ours answers is one route: pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count when the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, is_counted = time.perf_counter(), False

        async def send_counted(message: Message) -> None:
            nonlocal is_counted
            if not is_counted:
                is_counted = True
                _count(scope, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        finally:
            if not is_counted:  # a bug: the answer is made further out
                _count(scope, 500, time.perf_counter() - began)


def _count(scope: Scope, status: int, seconds: float) -> None:
    key = (scope["method"], _templates.get(id(scope.get("route")), _PAGES)[0], status)
    counter, histogram = _series.get(key) or _new_series(*key)
    counter.inc()
    histogram.observe(seconds)
    refusal = scope.get("state", {}).get("refusal")
    if refusal is not None:
        _refusals.labels(refusal).inc()


def _new_series(method: str, template: str, status: int) -> tuple[Counter, Histogram]:
    known = method if method in METHODS else "other"
    made = _requests.labels(known, template, str(status)), _durations.labels(template)
    if known == method:
        _series[method, template, status] = made
    return made


@deps.refusing
def show(request: Request) -> Response:
    """Send the figures, to this machine and to who has the token. Raises NotFound to all others."""
    if not (_is_from_here(request) or _has_token(request)):
        raise NotFound("There is nothing at this address.")
    return Response(
        generate_latest(registry), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_PLAIN_0_0_4
    )


def _is_from_here(request: Request) -> bool:
    """Tell whether this machine asks for itself: behind a proxy, everybody comes from here."""
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip"} & set(request.headers)
    if forwarded or deps.backends().settings.proxies or request.client is None:
        return False
    with suppress(ValueError):
        return ip_address(request.client.host).is_loopback
    return False


def _has_token(request: Request) -> bool:
    token = deps.backends().settings.metrics_token
    if token is None or not token.get_secret_value():
        return False
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_right = secrets.compare_digest(given.encode(), token.get_secret_value().encode())
    return scheme.lower() == "bearer" and is_right


ROUTES = [Route("/metrics", show, methods=["GET"])]
