"""The face indexes of an event: one serves its searches, another may be built beside it to take its place.

Who changes an event's indexes, or writes to them, locks the event first: see `lock` and `held`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import exists, update
from sqlmodel import Session, col, delete, select
from sqlmodel.sql.expression import SelectOfScalar

from core import jobs
from core.backends import Backends
from core.engines import EngineReplaced, UnknownEngine
from core.errors import Conflict, Unavailable
from core.ports import EngineIdentity
from core.weights import WeightsMissing, WeightsUnusable
from models.event import Event
from models.face import Face, FaceIndex, IndexedPhoto, IndexStatus
from models.fields import utc_now
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Stage

LAST_USERS = timedelta(hours=1)  # who began with an index before it retired, search or job, ends within this

log = structlog.get_logger()


class EngineChanged(Conflict):
    """The event's faces were described by another version of its engine than the one that is installed."""

    def __init__(self) -> None:
        super().__init__(
            "The faces were described by another version of their face engine. "
            "An admin has to re-index the event."
        )


class SearchAway(Unavailable):
    """The engine of the event's faces cannot be used here. Why is not for guests; the log has it."""

    def __init__(self) -> None:
        super().__init__(
            "Searching by face is not possible at the moment. "
            "Look through all photos instead, or come back later."
        )


class IndexRetired(Unavailable):
    """Another index serves the event since this one was looked up."""

    def __init__(self) -> None:
        super().__init__("The event has just moved to another face engine. The photo is looked at again.")


# --- which there are -----------------------------------------------------------------------


def serving(session: Session, event_id: int) -> FaceIndex | None:
    """Return the index that searches use, None before the event's first photo."""
    return _in_use(session, event_id, IndexStatus.SERVING)


def building(session: Session, event_id: int) -> FaceIndex | None:
    """Return the index that is built to take the place of the one that serves."""
    return _in_use(session, event_id, IndexStatus.BUILDING)


def _in_use(session: Session, event_id: int, status: IndexStatus) -> FaceIndex | None:
    return session.exec(
        select(FaceIndex).where(FaceIndex.event_id == event_id, FaceIndex.status == status)
    ).first()


def every(session: Session, event_id: int) -> Sequence[FaceIndex]:
    """Return the event's indexes, also those that nobody reads any more."""
    return session.exec(select(FaceIndex).where(FaceIndex.event_id == event_id)).all()


def to_write(backends: Backends, event_id: int) -> FaceIndex:
    """Return the index that new photos go to, made on first use. Raises EngineChanged."""
    with backends.reading() as session:
        index = serving(session, event_id)
    if index is None:
        identity = backends.pixels.identity(backends.settings.face_engine)
        with backends.transaction() as session:
            lock(session, event_id)
            index = serving(session, event_id) or make(session, event_id, identity, IndexStatus.SERVING)
    require_engine(backends, index)
    return index


def require_engine(backends: Backends, index: FaceIndex) -> None:
    """Raises EngineChanged when the installed engine is not the one that made the index."""
    require_identity(backends, identity_of(index))


def require_identity(backends: Backends, identity: EngineIdentity) -> None:
    """Raises EngineChanged when the installed engine of this name is another."""
    if identity != backends.pixels.identity(identity.engine):
        raise EngineChanged


def require_searchable(backends: Backends, index: FaceIndex | None) -> None:
    """Raises SearchAway when guests cannot search in the index; None: the event has no photo yet."""
    engine = index.engine if index else backends.settings.face_engine
    with in_guests_words(engine):
        if index is None:
            backends.pixels.identity(engine)
        else:
            require_engine(backends, index)


@contextmanager
def in_guests_words(engine: str) -> Iterator[None]:
    """Turn what is for operators to read about an engine into SearchAway, and log it."""
    try:
        yield
    except (EngineChanged, EngineReplaced, UnknownEngine, WeightsMissing, WeightsUnusable) as error:
        log.warning("search by face is away", engine=engine, reason=str(error))
        raise SearchAway from error


def identity_of(index: FaceIndex) -> EngineIdentity:
    """Return the identity that the index's embeddings were made by."""
    return EngineIdentity(index.engine, index.weights_sha256, index.alignment, index.dimension, index.metric)


# --- changing them -------------------------------------------------------------------------


def lock(session: Session, event_id: int) -> None:
    """Queue behind whoever changes the event's indexes. First in a transaction: what it reads then stands.

    The lock leaves the event to those who only refer to it, such as uploads. SQLite's writers queue anyway.
    """
    session.exec(select(Event.id).where(Event.id == event_id).with_for_update(key_share=True)).one()


def held(session: Session, index: FaceIndex) -> FaceIndex | None:
    """Return an index that was looked up before as it stands now, None when it is gone. Locks the event."""
    lock(session, index.event_id)
    return session.get(FaceIndex, index.id, populate_existing=True)


def make(session: Session, event_id: int, identity: EngineIdentity, status: IndexStatus) -> FaceIndex:
    """Add an index for the embeddings of one engine."""
    index = FaceIndex(
        event_id=event_id,
        status=status,
        engine=identity.engine,
        weights_sha256=identity.weights_sha256,
        alignment=identity.alignment,
        dimension=identity.dimension,
        metric=identity.metric,
        collection="",
    )
    session.add(index)
    session.flush()
    # With its own id: an index may be built again by the same engine before the last one is taken apart.
    index.collection = f"event-{event_id}-{index.id}-{identity.slug}"
    return index


def touch(session: Session, event_id: int) -> None:
    """Say that the faces which serve the event have changed: what was read of them before is stale."""
    serving = (col(FaceIndex.event_id) == event_id, col(FaceIndex.status) == IndexStatus.SERVING)
    session.execute(update(FaceIndex).where(*serving).values(version=FaceIndex.version + 1))


def photos_of(event_id: int) -> SelectOfScalar[UUID]:
    """Select the ids of the photos that belong into the event's indexes."""
    return select(Photo.id).where(
        Photo.event_id == event_id, Photo.stage == Stage.INDEXED, col(Photo.removed_at).is_(None)
    )


def switch_if_whole(session: Session, event_id: int) -> None:
    """Let the index that is built serve once it holds every photo, and retire the one before.

    Within the transaction of what may have made it whole: a photo added or deleted. Locks the event.
    """
    lock(session, event_id)
    new, old = building(session, event_id), serving(session, event_id)
    if new is None or _is_waited_for(session, event_id) or session.exec(_missing(new).limit(1)).first():
        return
    if old is not None:
        retire(session, old)
    new.status = IndexStatus.SERVING
    session.flush()
    _count_faces(session, new)
    session.exec(delete(IndexedPhoto).where(col(IndexedPhoto.index_id) == new.id))
    touch(session, event_id)
    _end_jobs(session, event_id)


def _is_waited_for(session: Session, event_id: int) -> bool:
    """Tell quickly that the index is not whole: a photo's job is still to come, and will ask again itself.

    In the queue's order: the walk ends at its head, where all photos would be walked past at each of them.
    """
    waiting = (Job.kind == JobKind.REINDEX_PHOTO, Job.status == JobStatus.DUE, Job.event_id == event_id)
    return session.exec(select(Job.id).where(*waiting).order_by(col(Job.run_at)).limit(1)).first() is not None


def _missing(index: FaceIndex) -> SelectOfScalar[UUID]:
    """Select the photos that an index which is built does not hold yet."""
    is_held = exists().where(
        col(IndexedPhoto.index_id) == index.id, col(IndexedPhoto.photo_id) == col(Photo.id)
    )
    return photos_of(index.event_id).where(~is_held)


def _count_faces(session: Session, index: FaceIndex) -> None:
    # Locked in the order in which a flush writes several photos: two orders would be a deadlock.
    session.exec(photos_of(index.event_id).order_by(col(Photo.id)).with_for_update(key_share=True)).all()
    held = (col(IndexedPhoto.index_id) == index.id, col(IndexedPhoto.photo_id) == col(Photo.id))
    session.execute(update(Photo).where(*held).values(face_count=IndexedPhoto.face_count))


def _end_jobs(session: Session, event_id: int) -> None:
    """Call off what would be built twice, and try photos again that the old engine could not take."""
    call_off(session, event_id)
    session.execute(
        update(Job)
        .where(
            col(Job.event_id) == event_id,
            col(Job.kind) == JobKind.INDEX_FACES,
            col(Job.status) == JobStatus.FAILED,
        )
        .values(status=JobStatus.DUE, attempts=0, run_at=utc_now(), finished_at=None)
    )


def call_off(session: Session, event_id: int) -> None:
    """End the event's waiting and failed jobs of building an index: there is nothing to build any more."""
    session.execute(
        update(Job)
        .where(
            col(Job.event_id) == event_id,
            col(Job.kind) == JobKind.REINDEX_PHOTO,
            col(Job.status).in_([JobStatus.DUE, JobStatus.FAILED]),
        )
        .values(status=JobStatus.DONE, finished_at=utc_now(), last_error=None)
    )


def retire(session: Session, index: FaceIndex) -> None:
    """Have a job take the index apart once nobody can be at work with it any more. The event is locked.

    Until then its row stays, and with it what a worker leaves that dies between its vectors and its rows.
    """
    index.status = IndexStatus.RETIRED
    session.flush()
    jobs.enqueue(session, JobKind.DROP_INDEX, index.id, delay=LAST_USERS)


def drop(backends: Backends, subject: str) -> None:
    """Job: take a retired index apart: vectors, rows, itself."""
    with backends.reading() as session:
        index = session.get(FaceIndex, int(subject))
    if index is None or index.status is not IndexStatus.RETIRED:
        return
    # Not in the transaction: a vector server that is silent would hold up every writer of the site.
    backends.vectors.drop(index.collection)
    with backends.transaction() as session:
        lock(session, index.event_id)
        for table in (Face, IndexedPhoto):
            session.exec(delete(table).where(col(table.index_id) == index.id))
        session.exec(delete(FaceIndex).where(col(FaceIndex.id) == index.id))
    # Again: a writer that a sleeping machine held up for so long may have seen the row still, in between.
    backends.vectors.drop(index.collection)
