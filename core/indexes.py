"""The face index of an event: by which engine its faces were described, and where they lie."""

from sqlalchemy import update
from sqlmodel import Session, col

from core.backends import Backends
from core.errors import Conflict
from core.ports import EngineIdentity
from models.face import FaceIndex


class EngineChanged(Conflict):
    """The event's faces were described by another version of its engine than the one that is installed."""

    def __init__(self) -> None:
        super().__init__("This event was indexed with another face engine. An admin has to re-index it.")


def serving(session: Session, event_id: int) -> FaceIndex | None:
    """Return the index that searches use, None before the event's first photo."""
    return session.get(FaceIndex, event_id)


def to_write(backends: Backends, event_id: int) -> FaceIndex:
    """Return the index that new photos go to, made on first use. Raises EngineChanged."""
    with backends.reading() as session:
        index = serving(session, event_id)
    if index is None:
        index = _make(backends, event_id)
    require_engine(backends, index)
    return index


def require_engine(backends: Backends, index: FaceIndex) -> None:
    """Raises EngineChanged when the installed engine is not the one that made the index."""
    if identity_of(index) != backends.pixels.identity(index.engine):
        raise EngineChanged


def _make(backends: Backends, event_id: int) -> FaceIndex:
    identity = backends.pixels.identity(backends.settings.face_engine)
    with backends.transaction() as session:
        index = serving(session, event_id)
        if index is None:
            index = FaceIndex(
                event_id=event_id,
                engine=identity.engine,
                weights_sha256=identity.weights_sha256,
                alignment=identity.alignment,
                dimension=identity.dimension,
                metric=identity.metric,
                collection=f"event-{event_id}-{identity.slug}",
            )
            session.add(index)
    return index


def identity_of(index: FaceIndex) -> EngineIdentity:
    """Return the identity that the index's embeddings were made by."""
    return EngineIdentity(index.engine, index.weights_sha256, index.alignment, index.dimension, index.metric)


def touch(session: Session, event_id: int) -> None:
    """Say that the event's faces have changed: what was read of them before is stale."""
    session.execute(
        update(FaceIndex).where(col(FaceIndex.event_id) == event_id).values(version=FaceIndex.version + 1)
    )
