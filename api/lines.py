"""One live line: what its listener may hear of an event, from where they left off, while they may."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from weakref import WeakSet

from starlette.concurrency import run_in_threadpool

from api import deps
from core import live
from core.backends import Backends
from core.errors import TooMany
from core.live_tickets import Listener
from models.notice import Notice

HEARTBEAT = timedelta(seconds=15)  # of silence; proxies close lines that are silent for a minute
MOST = 1_000  # lines of one site
MOST_OF_ONE = 20  # lines of one account

_open: Counter[int] = Counter()  # lines, by account
_awake: WeakSet[live.Line] = WeakSet()
_is_ending = False
_feeds: dict[int, live.Feed] = {}  # by the backends they look into: one, but for tests


class TooManyLines(TooMany):
    """More live lines than one account, or one site, may have."""

    retry_after = timedelta(minutes=1)

    def __init__(self) -> None:
        super().__init__("There are too many live lines open. Close one, or try again in a minute.")


@dataclass(frozen=True)
class Part:
    """What a line says at once; nothing to keep it open."""

    notices: Sequence[Notice] = ()
    is_reset: bool = False  # what was missed cannot be told any more


def count() -> int:
    """Return how many lines are open in this process."""
    return _open.total()


async def hear(listener: Listener, after: int | None) -> AsyncIterator[Part]:
    """Yield what happens after a notice, from now on without one.

    The first part comes at once. Raises TokenSpent, NotFound, TooManyLines: before it, or once the listener
    may hear no more.
    """
    backends = deps.backends()
    account = await run_in_threadpool(listener.account, backends)
    with _counted(account.id):
        last, is_whole = await run_in_threadpool(_start, backends, listener, after)
        yield Part(is_reset=not is_whole)
        async with _feed(backends).listen(listener.event_id) as line:
            _awake.add(line)
            while not _is_ending:
                notices = await run_in_threadpool(_news, backends, listener, last)
                if notices:
                    last = notices[-1].id
                    yield Part(notices)
                elif not await line.wait(HEARTBEAT.total_seconds()):
                    yield Part()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """End every line when this process is told to stop: the server would wait for the end of each answer.

    To be entered where signals are handled, in the main thread, after the server has set its own handlers.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(_end)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    global _is_ending
    _is_ending = True
    for line in _awake:
        line.wake()


def _start(backends: Backends, listener: Listener, after: int | None) -> tuple[int, bool]:
    """Return the notice to go on from, and whether nothing is missing after the one that was asked for."""
    listener.kinds(backends)
    latest = live.latest_id(backends, listener.event_id)
    if after is None:
        return latest, True
    is_whole = live.is_whole(backends, listener.event_id, after)
    return (after if is_whole else latest), is_whole


def _news(backends: Backends, listener: Listener, last: int) -> Sequence[Notice]:
    """Return what is new, having asked again what may be heard: a right may end while a line is open."""
    return live.after(backends, listener.event_id, last, listener.kinds(backends))


@contextmanager
def _counted(account_id: int) -> Iterator[None]:
    if _open.total() >= MOST or _open[account_id] >= MOST_OF_ONE:
        raise TooManyLines
    _open[account_id] += 1
    try:
        yield
    finally:
        _open[account_id] -= 1
        if not _open[account_id]:
            del _open[account_id]


def _feed(backends: Backends) -> live.Feed:
    if id(backends) not in _feeds:
        _feeds.clear()
        _feeds[id(backends)] = live.Feed(backends)
    return _feeds[id(backends)]
