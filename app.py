"""The site, whole, in one process: pages, routes, and the children that one machine needs.

`streamlit run app.py` finds `app` by reading this file, so it stays a plain assignment.
"""

import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import streamlit as st

from api import deps, lines, middleware, routes
from core import accounts, crowds, health, logs, processes, schema, wiring
from core.backends import Backends
from core.errors import PlatformError


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Hold the data folder, bring the database up to date, keep Chroma and the worker alive."""
    backends = wiring.backends()
    try:
        with processes.DataLock(backends.settings.data):
            schema.upgrade(backends.engine)
            with processes.site_children(backends.settings.data) as children:
                _greet(backends)
                threading.Thread(target=_warm_up, args=(backends,), daemon=True).start()
                health.watch(children)
                with lines.ended_by_signals():
                    yield
                backends.pixels.close()
    except PlatformError as refusal:
        print(f"encore: {refusal}", file=sys.stderr, flush=True)
        # Whatever is raised here, Starlette prints with its traceback; our children have ended by now.
        os._exit(1)


def _warm_up(backends: Backends) -> None:
    """Load the engine and the open events' faces in the background: the first selfie should not wait."""
    with suppress(PlatformError):  # the health page says what is missing
        backends.pixels.identity(backends.settings.face_engine)
    crowds.warm(backends)


def _greet(backends: Backends) -> None:
    print(f"Encore is at {backends.settings.public_url}")
    code = accounts.first_admin_code(backends)
    if code is not None:
        print(f"Make the first admin here, within a day: {backends.settings.url(f'/register?admin={code}')}")


logs.set_up()
# Addresses carry the port that the site really listens on; the worker inherits it.
os.environ["ENCORE_PORT"] = str(st.get_option("server.port"))
app = st.App(
    "pages/frame.py",
    routes=routes.build(wiring.backends().settings),
    lifespan=lifespan,
    middleware=middleware.stack(wiring.backends().settings),
    exception_handlers={Exception: deps.bug},
)
