"""What happens in an event, read by those who listen: live lines of programs, live parts of pages."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from core import access
from core.access import Action
from core.backends import Backends
from models.account import Account
from models.event import Event
from models.notice import Notice, NoticeKind

log = structlog.get_logger()

KEPT = timedelta(days=7)  # notices, but for the newest of them in each event; see `core.sweeps`
POLL = timedelta(seconds=0.5)  # between two looks for all who listen in this process

NEEDS: Mapping[NoticeKind, Action] = {
    NoticeKind.PHOTO_UPLOADED: Action.SEE,
    NoticeKind.PHOTO_RENDERED: Action.SEE,
    NoticeKind.PHOTO_INDEXED: Action.SEE,
    NoticeKind.PHOTO_REVIEWED: Action.SEE,
    NoticeKind.PHOTO_DELETED: Action.SEE,
    NoticeKind.SEARCH_MADE: Action.ANALYSE,
    NoticeKind.ORDER_PAID: Action.ANALYSE,
    NoticeKind.ORDER_REFUNDED: Action.ANALYSE,
    NoticeKind.ORDER_DISPUTED: Action.SELL,
}


def require(backends: Backends, event_id: int, *, by: Account | None) -> frozenset[NoticeKind]:
    """Return the kinds of notices that the account may hear of an event. Raises NotFound."""
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        may = access.allowed(session, by, event_id)
    return frozenset(kind for kind, action in NEEDS.items() if action in may)


# --- reading: the caller has asked `require` what may be heard -----------------------------


def after(
    backends: Backends, event_id: int, last_id: int, kinds: Collection[NoticeKind], *, limit: int = 200
) -> Sequence[Notice]:
    """Return what came after a notice, oldest first."""
    query = select(Notice).where(
        Notice.event_id == event_id, col(Notice.id) > last_id, col(Notice.kind).in_(kinds)
    )
    with backends.reading() as session:
        return session.exec(query.order_by(col(Notice.id)).limit(limit)).all()


def recent(backends: Backends, event_id: int, kinds: Collection[NoticeKind], limit: int) -> Sequence[Notice]:
    """Return what came last, newest first."""
    query = select(Notice).where(Notice.event_id == event_id, col(Notice.kind).in_(kinds))
    with backends.reading() as session:
        return session.exec(query.order_by(col(Notice.id).desc()).limit(limit)).all()


def latest_id(backends: Backends, event_id: int) -> int:
    """Return the id of an event's newest notice of any kind, 0 when it has none."""
    with backends.reading() as session:
        return _latest_id(session, event_id)


def _latest_id(session: Session, event_id: int) -> int:
    return session.exec(select(func.max(Notice.id)).where(Notice.event_id == event_id)).one() or 0


def latest_ids(backends: Backends, event_ids: Collection[int]) -> dict[int, int]:
    """Return the id of each event's newest notice, without the events that have none."""
    # One step in the index for each event: a GROUP BY would walk through all of their notices.
    newest = select(func.max(Notice.id)).where(col(Notice.event_id) == col(Event.id)).scalar_subquery()
    with backends.reading() as session:
        rows = session.exec(select(Event.id, newest).where(col(Event.id).in_(event_ids)))
        return {event_id: notice_id for event_id, notice_id in rows if notice_id is not None}


def is_whole(backends: Backends, event_id: int, last_id: int) -> bool:
    """Tell whether everything after a notice can still be told; if not, a listener has to start over.

    The sweep takes an event's notices up to the newest old one, which it leaves: while even the oldest that
    is left is young, nothing was swept. An id that the event did not reach yet is of another database.
    """
    oldest = select(Notice).where(Notice.event_id == event_id).order_by(col(Notice.id)).limit(1)
    with backends.reading() as session:
        first, latest = session.exec(oldest).first(), _latest_id(session, event_id)
    if first is None or last_id > latest:
        return last_id == latest
    return last_id >= first.id or first.at > backends.now() - KEPT


# --- waiting -------------------------------------------------------------------------------


class Line:
    """One who listens to an event."""

    def __init__(self, event_id: int) -> None:
        self.event_id = event_id
        self._latest = 0
        self._has_grown = asyncio.Event()

    async def wait(self, timeout: float) -> bool:
        """Return True when the event has a notice since the last wait, False after so many seconds.

        What comes between two waits ends the second one at once; so does, once, what was there before.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._has_grown.wait()
        except TimeoutError:
            return False
        self._has_grown.clear()
        return True

    def hear(self, latest_id: int) -> None:
        """Take the id of the event's newest notice."""
        if latest_id > self._latest:
            self._latest = latest_id
            self.wake()

    def wake(self) -> None:
        """End the wait at once."""
        self._has_grown.set()


class Feed:
    """Looks for all who listen in this process, in one query, and only while anybody does."""

    def __init__(self, backends: Backends, poll: timedelta = POLL) -> None:
        self._backends, self._poll = backends, poll
        self._lines: set[Line] = set()
        self._poller: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listen(self, event_id: int) -> AsyncIterator[Line]:
        """Yield a line that tells when the event has something new to read."""
        line = Line(event_id)
        self._lines.add(line)
        if self._poller is None or self._poller.done():
            # In a context of its own: it outlives the request that was first, and its log is not theirs.
            self._poller = asyncio.create_task(self._look_again_and_again(), context=Context())
        try:
            yield line
        finally:
            self._lines.discard(line)
            if not self._lines:
                self._poller.cancel()
                self._poller = None

    async def _look_again_and_again(self) -> None:
        is_away = False
        while True:
            try:
                await self._look()
            except SQLAlchemyError as error:  # the next look tries again
                if not is_away:
                    log.warning("live lines wait for the database", reason=type(error).__name__)
                is_away = True
            else:
                is_away = False
            await asyncio.sleep(self._poll.total_seconds())

    async def _look(self) -> None:
        event_ids = {line.event_id for line in self._lines}
        latest = await asyncio.to_thread(latest_ids, self._backends, event_ids)
        for line in tuple(self._lines):
            line.hear(latest.get(line.event_id, 0))
