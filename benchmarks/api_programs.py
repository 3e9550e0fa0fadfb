"""What `benchmarks.api` runs, each a process of its own: `python -m benchmarks.api_programs NAME …`.

`site` is Encore itself with limits that never say no, `bare` the least that FastAPI can be, `canned` a server
that says one thing without looking, and `load` the client. What is heavy is imported by who needs it.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import uvloop

HOST = "127.0.0.1"
WARM_UP = 0.3  # seconds that are not counted
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What to ask, and for how long."""

    port: int
    path: str
    headers: dict[str, str]
    connections: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    rps: float
    p50_ms: float
    p99_ms: float


class WrongAnswer(Exception):
    """Not 200: it would be measured how fast a refusal is."""


# --- the client ----------------------------------------------------------------------------


class Connection(asyncio.Protocol):
    """Asks again as soon as it was answered, as HTTP/1.1 without pipelining."""

    def __init__(
        self, request: bytes, latencies: list[tuple[float, float]], failed: asyncio.Future[None]
    ) -> None:
        self._request, self._latencies, self._failed = request, latencies, failed
        self._got = b""
        self._missing = -1  # bytes of the body to come; below zero: of the head, nobody knows how many

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        if self._missing < 0:
            self._got += data
            end = self._got.find(END_OF_HEAD)
            if end < 0:
                return
            data = self._got[end + len(END_OF_HEAD) :]
            self._missing = self._length(self._got[:end])
            self._got = b""
        self._missing -= len(data)
        if self._missing <= 0:
            now = time.perf_counter()
            self._latencies.append((now, now - self._began))
            self._missing = -1
            self._ask()

    def _length(self, head: bytes) -> int:
        head = head.lower()
        start = head.find(b"content-length:")
        if not head.startswith(b"http/1.1 200") or start < 0:
            self._fail(head)
            return 0
        return int(head[start + 15 :].split(b"\r\n", 1)[0])

    def _fail(self, head: bytes) -> None:
        if not self._failed.done():
            self._failed.set_exception(WrongAnswer(head.decode("latin-1")))

    def connection_lost(self, _: Exception | None) -> None:
        """Say so: nobody closes here but the server."""
        self._fail(b"the server closed the connection")


async def drive(load: Load) -> Figures:
    """Keep every connection busy for the time, and return what was answered in it. Raises WrongAnswer."""
    lines = [f"GET {load.path} HTTP/1.1", f"Host: localhost:{load.port}"]
    lines += [f"{name}: {value}" for name, value in load.headers.items()]
    request = "\r\n".join([*lines, "", ""]).encode()
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    latencies: list[tuple[float, float]] = []
    began = time.perf_counter() + WARM_UP
    transports = [
        (await loop.create_connection(lambda: Connection(request, latencies, failed), HOST, load.port))[0]
        for _ in range(load.connections)
    ]
    await asyncio.wait([failed], timeout=began + load.seconds - time.perf_counter())
    failed.cancel()  # from here on nothing can fail
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)  # until they are closed
    if not failed.cancelled():
        failed.result()
    counted = sorted(took for at, took in latencies if began <= at < began + load.seconds)
    if not counted:
        raise WrongAnswer("no answer in time")
    return Figures(
        rps=len(counted) / load.seconds,
        p50_ms=counted[len(counted) // 2] * 1000,
        p99_ms=counted[len(counted) * 99 // 100] * 1000,
    )


def load(options: str) -> None:
    """Print what `drive` returns."""
    print(json.dumps(asdict(uvloop.run(drive(Load(**json.loads(options)))))))


# --- the servers ---------------------------------------------------------------------------


class Endless:
    """A limiter that never says no."""

    def take(self, _bucket: object, _key: str) -> timedelta:
        """Say yes."""
        return timedelta(0)

    def check(self) -> None:
        """They are well."""


def site(port: str) -> None:
    """Be the site as `streamlit run app.py` is. No setting could do this: none turns protection off."""
    from dataclasses import replace

    from streamlit.web import cli

    from core import wiring

    wiring.use(replace(wiring.backends(), limiter=Endless()))
    cli.main(["run", "app.py", f"--server.port={port}"])


def bare(port: str, event: str) -> None:
    """Answer the event, from memory, in a plain route and in an asynchronous one. No middleware, no log."""
    import uvicorn
    from fastapi import FastAPI

    from api.events import Event

    shown = Event.model_validate_json(Path(event).read_bytes())
    app = FastAPI()

    @app.get("/plain/{event_id}")
    def plain(event_id: int) -> Event:  # noqa: ARG001
        return shown

    @app.get("/asynchronous/{event_id}")
    async def asynchronous(event_id: int) -> Event:  # noqa: ARG001
        return shown

    uvicorn.run(
        app, host=HOST, port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


class Canned(asyncio.Protocol):
    """Answers whatever comes, without reading it."""

    ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\ncontent-type: application/json\r\n\r\n" + b" " * 500

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, _: bytes) -> None:
        """Answer."""
        self._transport.write(self.ANSWER)


def canned(port: str) -> None:
    """Show what the client can do at most."""

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Canned, HOST, int(port))
        await server.serve_forever()

    uvloop.run(serve())


PROGRAMS: dict[str, Callable[..., None]] = {"load": load, "site": site, "bare": bare, "canned": canned}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
