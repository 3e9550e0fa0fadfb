"""An event's way from one face engine to another: started, watched and called off by admins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core import access, audit, engines, indexes, jobs, paging, weights
from core.access import Action
from core.backends import Backends
from core.errors import Conflict, InvalidInput, PlatformError, Unavailable
from core.paging import Asked, Order, Page
from core.ports import EngineIdentity
from core.weights import EngineState, WeightsMissing
from models.account import Account, Role
from models.event import Event
from models.face import FaceIndex, IndexedPhoto, IndexStatus
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Stage

_NEWEST = Order[Event]("face-indexes", (col(Event.held_on), col(Event.id)), is_descending=True)


class AlreadyBuilding(Conflict):
    """One index is built at a time."""

    def __init__(self) -> None:
        super().__init__("This event is being re-indexed already. Wait until it is done, or cancel it first.")


class NoSuchEngine(InvalidInput):
    """Nobody knows an engine of that name."""


class NotInstalled(Conflict):
    """The engine's files are not here, or not the right ones."""


@dataclass(frozen=True)
class Progress:
    """Which engine serves an event, and how far the one is that is to take its place."""

    serving: str | None  # name of the engine; None before the first photo
    building: str | None
    photos: int  # that belong into an index
    done: int  # of these, in the index that is built; all of them when none is
    failed: int  # photos whose re-indexing gave up: the old index serves until they are tried again


@dataclass(frozen=True)
class Standing:
    """An event among all that have faces."""

    event: Event
    progress: Progress
    problems: Sequence[PlatformError]  # why no photo can be added or searched, or the next index not be built


def start(backends: Backends, event_id: int, engine: str, *, by: Account | None) -> None:
    """Build an index of the event with another engine, or another version of its own, in the background.

    Raises NoSuchEngine, NotInstalled, AlreadyBuilding, and Conflict when there is nothing to change.
    """
    access.require_role(by, Role.ADMIN)
    identity = _chosen(backends, engine)
    with backends.transaction() as session:
        _existing(session, event_id)
        indexes.lock(session, event_id)
        before = indexes.serving(session, event_id)
        if indexes.building(session, event_id) is not None:
            raise AlreadyBuilding
        if before is None:
            raise Conflict("This event has no faces yet. Its first photo is indexed with the usual engine.")
        if indexes.identity_of(before) == identity:
            raise Conflict("This event is indexed with this engine already.")
        indexes.make(session, event_id, identity, IndexStatus.BUILDING)
        indexes.call_off(session, event_id)  # what failed for an index that was cancelled
        photo_ids = session.exec(indexes.photos_of(event_id)).all()
        jobs.enqueue_all(session, JobKind.REINDEX_PHOTO, photo_ids, event_id=event_id)
        indexes.switch_if_whole(session, event_id)  # without photos it is whole at once
        audit.record(session, "event.reindex", event_id, by=by, before=before.engine, engine=engine)


def _chosen(backends: Backends, engine: str) -> EngineIdentity:
    try:
        return backends.pixels.identity(engines.named(engine).name)
    except engines.UnknownEngine as error:
        raise NoSuchEngine(error.key, **error.params) from error
    except WeightsMissing as error:
        raise NotInstalled(error.key, **error.params) from error


def cancel(backends: Backends, event_id: int, *, by: Account | None) -> None:
    """Stop building another index and take apart what there is of it. Raises Conflict when none is built."""
    access.require_role(by, Role.ADMIN)
    with backends.transaction() as session:
        _existing(session, event_id)
        indexes.lock(session, event_id)
        index = indexes.building(session, event_id)
        if index is None:
            raise Conflict("This event is not being re-indexed any more.")
        indexes.retire(session, index)
        indexes.call_off(session, event_id)
        audit.record(session, "event.reindex_cancel", event_id, by=by, engine=index.engine)


def _existing(session: Session, event_id: int) -> Event:
    event = session.get(Event, event_id)
    if event is None:
        raise access.NoSuchEvent
    return event


# --- how far it is -------------------------------------------------------------------------


def progress(backends: Backends, event_id: int, *, by: Account | None) -> Progress:
    """Return by which engine an event is searched, and how far the next one is."""
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        return _Overview(session, event_id).of(event_id)


def overview(backends: Backends, *, by: Account | None) -> Sequence[Standing]:
    """Return how every event stands that has an index, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        events = session.exec(_served().order_by(*(column.desc() for column in _NEWEST.columns))).all()
        known, in_use = _Overview(session), _in_use(session)
    return _standings(backends, events, known, in_use)


def listing(backends: Backends, asked: Asked, *, by: Account | None) -> Page[Standing]:
    """Return a page of what `overview` returns. Admins only."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        found = paging.read(backends, session, _served(), _NEWEST, asked)
        known, in_use = _Overview(session), _in_use(session)
    return Page(_standings(backends, found.items, known, in_use), found.next_cursor)


def _served() -> SelectOfScalar[Event]:
    serving = select(FaceIndex.event_id).where(FaceIndex.status == IndexStatus.SERVING)
    return select(Event).where(col(Event.id).in_(serving))


def _standings(
    backends: Backends, events: Sequence[Event], known: "_Overview", in_use: Sequence[FaceIndex]
) -> Sequence[Standing]:
    problem = cache(lambda identity: _problem(backends, identity))  # an engine that is not here is asked once
    # By event and words: both its indexes may have the same problem.
    problems: dict[int, dict[str, PlatformError]] = {}
    for index in in_use:
        if refusal := problem(indexes.identity_of(index)):
            problems.setdefault(index.event_id, {})[str(refusal)] = refusal
    return [
        Standing(event, known.of(event.id), list(problems.get(event.id, {}).values())) for event in events
    ]


def engines_here(backends: Backends, *, by: Account | None) -> Sequence[EngineState]:
    """Return how every engine stands on this machine. Admins only. Raises WeightsUnusable."""
    access.require_role(by, Role.ADMIN)
    return weights.overview(backends.settings.weights_folder)


def used(backends: Backends) -> Collection[EngineIdentity]:
    """Return each identity that serves an event or is built for one."""
    with backends.reading() as session:
        return dict.fromkeys(map(indexes.identity_of, _in_use(session)))


def _in_use(session: Session) -> Sequence[FaceIndex]:
    is_in_use = col(FaceIndex.status).in_([IndexStatus.SERVING, IndexStatus.BUILDING])
    return session.exec(select(FaceIndex).where(is_in_use).order_by(FaceIndex.engine)).all()


def _problem(backends: Backends, identity: EngineIdentity) -> PlatformError | None:
    try:
        require(backends, identity)
    except (indexes.EngineChanged, Unavailable) as refusal:
        return refusal
    return None


def require(backends: Backends, identity: EngineIdentity) -> str:
    """Return the name of the engine of this identity, ready to work. Raises EngineChanged, Unavailable."""
    require_usable(backends, identity.engine)
    indexes.require_identity(backends, identity)
    return identity.engine


def require_usable(backends: Backends, engine: str) -> EngineIdentity:
    """Return the identity of an engine whose files are still here: who loaded them may live on without.

    Raises Unavailable.
    """
    weights.require(engines.named(engine), backends.settings.weights_folder)
    return backends.pixels.identity(engine)


class _Overview:
    """The progress of one event, or of all, read in five queries however many there are."""

    def __init__(self, session: Session, event_id: int | None = None) -> None:
        self._session, self._event_id = session, event_id
        self.serving = self._indexes(IndexStatus.SERVING)
        self._building = self._indexes(IndexStatus.BUILDING)
        living = (col(Photo.stage) == Stage.INDEXED, col(Photo.removed_at).is_(None))
        self._photos = self._count(Photo.event_id, *living)
        self._failed = self._count(
            Job.event_id, col(Job.kind) == JobKind.REINDEX_PHOTO, col(Job.status) == JobStatus.FAILED
        )
        self._done = self._count_done(living)

    def of(self, event_id: int) -> Progress:
        serving, building = self.serving.get(event_id), self._building.get(event_id)
        photos = self._photos.get(event_id, 0)
        return Progress(
            serving=serving.engine if serving else None,
            building=building.engine if building else None,
            photos=photos,
            done=self._done.get(event_id, 0) if building else photos,
            failed=self._failed.get(event_id, 0) if building else 0,
        )

    def _indexes(self, status: IndexStatus) -> Mapping[int, FaceIndex]:
        query = select(FaceIndex).where(FaceIndex.status == status, *self._here(FaceIndex.event_id))
        return {index.event_id: index for index in self._session.exec(query)}

    def _count(self, of: Any, *where: ColumnElement[bool]) -> Mapping[int, int]:
        query = select(col(of), func.count()).where(*where, *self._here(of)).group_by(col(of))
        return dict(self._session.exec(query).all())

    def _count_done(self, living: tuple[ColumnElement[bool], ...]) -> Mapping[int, int]:
        query = (
            select(Photo.event_id, func.count())
            .join(IndexedPhoto, col(IndexedPhoto.photo_id) == col(Photo.id))
            .join(FaceIndex, col(FaceIndex.id) == col(IndexedPhoto.index_id))
            .where(FaceIndex.status == IndexStatus.BUILDING, *living, *self._here(Photo.event_id))
            .group_by(col(Photo.event_id))
        )
        return dict(self._session.exec(query).all())

    def _here(self, event_id: Any) -> list[ColumnElement[bool]]:
        return [] if self._event_id is None else [col(event_id) == self._event_id]
