"""How every part is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import jobs, reindex
from core.backends import Backends
from core.children import Children
from core.errors import PlatformError, Unavailable
from core.ports import EngineIdentity
from models.job import JobStatus

_children: Children | None = None


@dataclass(frozen=True)
class Part:
    """One part, and what it says of itself."""

    name: str
    is_well: bool
    detail: str = ""


def watch(children: Children | None) -> None:
    """Tell who keeps the worker of this process's site alive."""
    global _children
    _children = children


def of(backends: Backends) -> Sequence[Part]:
    """Return every part: database, objects, vectors, worker, and every face engine that is needed."""
    return [
        _ask("database", lambda: _database(backends)),
        _ask("objects", backends.objects.check),
        _ask("vectors", backends.vectors.check),
        _ask("limits", backends.limiter.check),
        _worker(),
        *_faces(backends),
    ]


def jobs_by_status(backends: Backends) -> Mapping[JobStatus, int]:
    """Return how many jobs stand where; nothing while the database does not answer."""
    with suppress(SQLAlchemyError):
        return dict.fromkeys(JobStatus, 0) | jobs.counts(backends)
    return {}


def _ask(name: str, check: Callable[[], str | None]) -> Part:
    try:
        return Part(name, True, check() or "")
    except PlatformError as error:
        return Part(name, False, str(error))


def _database(backends: Backends) -> None:
    try:
        with backends.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise Unavailable("The database does not answer.") from error


def _faces(backends: Backends) -> Collection[Part]:
    """Ask the engine of new events, called "faces", and every other that an event has or moves to."""
    usual = backends.settings.face_engine
    parts = {usual: _ask("faces", lambda: reindex.require_usable(backends, usual).engine)}
    for identity in _used(backends):
        known = parts.get(identity.engine)
        if known is None or known.is_well:  # else it has a problem already
            name = known.name if known else f"faces: {identity.engine}"
            parts[identity.engine] = _ask(name, partial(reindex.require, backends, identity))
    return parts.values()


def _used(backends: Backends) -> Collection[EngineIdentity]:
    try:
        return reindex.used(backends)
    except SQLAlchemyError:  # the database's own part says so
        return []


def _worker() -> Part:
    if _children is None:
        return Part("worker", False, "not run by this site")
    status = next(child for child in _children.status() if child.name == "worker")
    detail = f"{status.restarts} restarts" if status.restarts else ""
    return Part("worker", status.is_running, detail if status.is_running else "restarting")
