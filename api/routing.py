"""How every route of the API is found, and answers: with an ETag, and once for an Idempotency-Key."""

import functools
import hashlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api import deps
from api.callers import Caller, Needs
from core import repeats
from core.errors import PlatformError

JSON = "application/json"
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key, X-Visitor"}
_RAW_PRIVATE = [(name.lower().encode(), value.encode()) for name, value in PRIVATE.items()]

_QUICK: set[Callable[..., Any]] = set()

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


async def _once(
    _key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=8,
            max_length=200,
            description="A name of your own for this request: sent again within a day, "
            "it is answered as it was the first time and not carried out twice. While the first one is on "
            "its way: 409. Should the site die before it could keep the answer, it may be carried out again.",
        ),
    ] = None,
) -> None:
    """Documents the header; `Route` acts on it."""


ONCE = [Depends(_once)]  # `dependencies` of every POST that makes or pays something


class Route(APIRoute):
    """A route whose answers follow the conventions of the API."""

    needs: Needs | None

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.needs, ours = _ours(endpoint)
        super().__init__(path, ours, **options)

    def get_route_handler(self) -> Handle:
        """Return the handler, wrapped."""
        handle = super().get_route_handler()
        is_once = any(dependency.call is _once for dependency in self.dependant.dependencies)

        async def answer(request: Request) -> Response:
            if is_once and request.headers.get("idempotency-key"):
                return await _answered_once(request, handle, self.needs)
            response = await handle(request)
            return _tagged(request, response) if request.method == "GET" else response

        return answer


def router(tag: str) -> APIRouter:
    """Return a router for one noun."""
    return APIRouter(tags=[tag], route_class=Route)


def quick(endpoint: Endpoint) -> Endpoint:
    """Mark a plain function of a caller that reads a few rows by their keys, and nothing else.

    Where these lie in a file of this machine it takes less time than handing over to a thread, and than
    the threads' wait for each other: see `deps.is_at_hand`.
    """
    _QUICK.add(endpoint)
    return endpoint


def _ours(endpoint: Callable[..., Any]) -> tuple[Needs | None, Callable[..., Any]]:
    """Return what an endpoint needs, and the endpoint as FastAPI may call it.

    It asks for the request, and its caller is made here: a dependency would cost as much as everything else
    that FastAPI does. A plain function runs in a thread; FastAPI would check its answer in a second one.
    """
    signature = inspect.signature(endpoint)
    needing = {name: needs for name, one in signature.parameters.items() if (needs := _needs(one))}
    run = _in_one_thread(endpoint)
    if not needing:
        return None, run
    ((name, needs),) = needing.items()
    has_request = "request" in signature.parameters

    @functools.wraps(endpoint)
    async def ours(request: Request, **arguments: Any) -> Any:
        if has_request:
            arguments["request"] = request
        caller = getattr(request.state, "caller", None) or Caller(request, needs.scopes)
        return await run(**arguments, **{name: caller})

    others = [one for one in signature.parameters.values() if one.name not in (name, "request")]
    request = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    keyed = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in others]
    ours.__signature__ = signature.replace(parameters=[*keyed, request])  # type: ignore[attr-defined]
    return needs, ours


def _needs(parameter: inspect.Parameter) -> Needs | None:
    marks = getattr(parameter.annotation, "__metadata__", ())
    return next((mark for mark in marks if isinstance(mark, Needs)), None)


def _in_one_thread(endpoint: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    if inspect.iscoroutinefunction(endpoint):
        return endpoint
    is_quick = endpoint in _QUICK

    @functools.wraps(endpoint)
    async def run(**arguments: Any) -> Any:
        if is_quick and deps.is_at_hand() and not arguments["caller"].has_key:  # whose use is written down
            return endpoint(**arguments)
        return await run_in_threadpool(endpoint, **arguments)

    return run


class Directory(BaseRoute):
    """Finds the routes of many routers at once, where FastAPI tries one after the other.

    It goes before the routers themselves, which make the document and answer what is not found here:
    with 404, 405, or a route whose address does not begin with a fixed word.
    """

    def __init__(self, prefix: str, routers: Iterable[APIRouter]) -> None:
        self._prefix = prefix
        self._routes: dict[tuple[str, str, int], list[APIRoute]] = defaultdict(list)
        for router in routers:
            for route in router.routes:
                if isinstance(route, APIRoute):
                    self._enter(route)

    def _enter(self, route: APIRoute) -> None:
        if "{" in route.path.split("/")[1] or ":" in route.path:
            return
        for method in route.methods or ():
            self._routes[_place(method, route.path)].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the route, if it is here."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or not path.startswith(self._prefix):
            return Match.NONE, {}
        path = path.removeprefix(self._prefix)
        for route in self._routes.get(_place(scope["method"], path), ()):
            found = route.path_regex.match(path)
            if found:
                parameters = {**scope.get("path_params", {}), **found.groupdict()}
                return Match.FULL, {"route": route, "endpoint": route.endpoint, "path_params": parameters}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the route."""
        await scope["route"].handle(scope, receive, send)


def _place(method: str, path: str) -> tuple[str, str, int]:
    """Return what two routes for one request have in common: the first word, how many words, the method."""
    words = path.split("/", 2)
    return method, words[1] if len(words) > 1 else "", path.count("/")


def _tagged(request: Request, response: Response) -> Response:
    """Add an ETag to an answer in JSON, and send it without its body to who has it already."""
    if response.status_code != 200 or response.headers.get("content-type") != JSON:
        return response
    tag = f'W/"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    response.raw_headers += [*_RAW_PRIVATE, (b"etag", tag.encode())]
    known = request.headers.get("if-none-match", "")
    if known == "*" or tag in (one.strip() for one in known.split(",")):
        return Response(status_code=304, headers=PRIVATE | {"ETag": tag})
    return response


async def _answered_once(request: Request, handle: Handle, needs: Needs | None) -> Response:
    request.state.caller = Caller(request, needs.scopes if needs else ())
    repeatable = await _repeatable(request)
    if repeatable is None:
        return await handle(request)  # which refuses it
    kept = await run_in_threadpool(repeats.begin, deps.backends(), repeatable)
    if kept is not None:
        return Response(
            kept.body,
            kept.status_code,
            {"Idempotent-Replayed": "true", "Cache-Control": "no-store"},
            media_type=JSON if kept.body else None,
        )
    return await _carried_out(request, handle, repeatable)


async def _carried_out(request: Request, handle: Handle, repeatable: repeats.Repeatable) -> Response:
    is_done = False
    try:
        response = await handle(request)
        is_done = 200 <= response.status_code < 300
    finally:
        if not is_done:
            await run_in_threadpool(repeats.forget, deps.backends(), repeatable)
    answer = repeats.Answer(response.status_code, bytes(response.body))
    await run_in_threadpool(repeats.end, deps.backends(), repeatable, answer)
    return response


async def _repeatable(request: Request) -> repeats.Repeatable | None:
    """Return what makes this request the same as another, None for one that will be refused anyway."""
    key = request.headers["idempotency-key"]
    try:
        who = await run_in_threadpool(_who, request)
    except PlatformError:
        return None
    name = "\n".join([who, request.method, request.url.path, request.url.query, key])
    return repeats.Repeatable(name, hashlib.sha256(await request.body()).hexdigest())


def _who(request: Request) -> str:
    caller: Caller = request.state.caller
    viewer = caller.viewer
    return f"{viewer.account_id}:{viewer.visitor_key}" if viewer.visitor_key else f"at {caller.address}"
