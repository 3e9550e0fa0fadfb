"""The site's routes, built once for all tests: that takes FastAPI a second; backends are asked for anew."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from api import middleware, routes
from core.backends import Backends
from core.settings import Settings


def app_routes(settings: Settings) -> list[BaseRoute]:
    """Everything that is not a page."""
    return list(_built(settings.cors_origins, settings.max_selfie_mib))


@cache
def _built(cors_origins: str, max_selfie_mib: int) -> list[BaseRoute]:
    return routes.build(Settings(_env_file=None, cors_origins=cors_origins, max_selfie_mib=max_selfie_mib))


def site(backends: Backends, *more: BaseRoute) -> Starlette:
    """The site with all its middleware, and some routes more."""
    return Starlette(
        routes=[*app_routes(backends.settings), *more], middleware=middleware.stack(backends.settings)
    )


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address, `host:port`, of a real server in a thread of its own."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
