"""From an original to a searchable photo, one job a step; and back, when a photo is deleted.

Every step may run twice: what it writes has a derived name, and a photo's stage only moves forward.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid5

import numpy as np
from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from core import deliverables, indexes, jobs, notices
from core.backends import Backends
from core.errors import Unavailable
from core.incoming import temporary
from core.ports import FoundFace
from models.cart import CartItem
from models.event import Event
from models.face import Face, FaceIndex, IndexedPhoto, IndexStatus
from models.job import Job, JobKind, JobStatus
from models.notice import NoticeKind
from models.order import Download, LineItem, Order
from models.photo import Photo, Stage

JPEG = "image/jpeg"
STEPS = (JobKind.RENDER_PHOTO, JobKind.INDEX_FACES, JobKind.REINDEX_PHOTO)
MOST_FACES = 500  # of one photo; the ids of all its vectors are then known without its rows


def render_photo(backends: Backends, subject: str) -> None:
    """Job: make the renditions, and the copy without GPS data that a buyer receives."""
    photo = _load(backends, subject)
    if photo is None or photo.stage is not Stage.UPLOADED:
        return
    with _local_copy(backends, photo.original_key) as original:
        for name, content in backends.pixels.render(original, _mark(backends, photo)).items():
            backends.objects.put(photo.rendition_key(name), io.BytesIO(content), len(content), JPEG)
        sha256, size = _deliver(backends, photo, original)
    with backends.transaction() as session:
        moved = _advance(session, photo, Stage.UPLOADED, Stage.RENDERED)
        if moved:
            session.get_one(Photo, photo.id).sqlmodel_update(
                {"delivered_sha256": sha256, "delivered_size": size}
            )
            jobs.enqueue(session, JobKind.INDEX_FACES, photo.id, event_id=photo.event_id)
            notices.note_photos(session, NoticeKind.PHOTO_RENDERED, photo.event_id, [photo.id])
    if not moved and _load(backends, subject) is None:  # deleted meanwhile
        _delete_derived(backends, photo.id)


def _load(backends: Backends, subject: str) -> Photo | None:
    with backends.reading() as session:
        photo = session.get(Photo, UUID(subject))
        return None if photo is None or photo.removed_at is not None else photo


@contextmanager
def _local_copy(backends: Backends, key: str) -> Iterator[Path]:
    """A stored object as a temporary file, for the pixel sandbox."""
    with temporary(backends) as file, backends.objects.open(key) as content:
        while chunk := content.read(1 << 20):
            file.write(chunk)
        file.flush()
        yield Path(file.name)


def _mark(backends: Backends, photo: Photo) -> str:
    with backends.reading() as session:
        return session.get_one(Event, photo.event_id).name


def _deliver(backends: Backends, photo: Photo, original: Path) -> tuple[str, int]:
    if not photo.has_gps:
        return photo.sha256, photo.byte_size
    with temporary(backends) as file:
        target = Path(file.name)
        backends.pixels.without_gps(original, target)
        with target.open("rb") as content:
            digest, size = hashlib.file_digest(content, "sha256").hexdigest(), target.stat().st_size
            content.seek(0)
            backends.objects.put(photo.delivered_key, content, size, photo.media_type)
    return digest, size


def _advance(session: Session, photo: Photo, before: Stage, after: Stage) -> bool:
    moving = (
        update(Photo)
        .where(col(Photo.id) == photo.id, col(Photo.stage) == before, col(Photo.removed_at).is_(None))
        .values(stage=after)
    )
    return bool(session.execute(moving).rowcount)  # type: ignore[attr-defined]


def index_faces(backends: Backends, subject: str) -> None:
    """Job: find the faces, write their embeddings, then their rows. Raises IndexRetired, EngineChanged."""
    photo = _load(backends, subject)
    if photo is None or photo.stage is not Stage.RENDERED:
        return
    index = indexes.to_write(backends, photo.event_id)
    rows = _describe(backends, index, photo)
    with backends.transaction() as session:
        current = indexes.held(session, index)
        is_serving = current is not None and current.status is IndexStatus.SERVING
        moved = is_serving and _advance(session, photo, Stage.RENDERED, Stage.INDEXED)
        if current and moved:
            _add(session, current, rows)
            faces = sum(row.is_searchable for row in rows)
            session.get_one(Photo, photo.id).face_count = faces
            notices.note_photos(session, NoticeKind.PHOTO_INDEXED, photo.event_id, [photo.id], faces=faces)
            if indexes.building(session, photo.event_id):
                jobs.enqueue(session, JobKind.REINDEX_PHOTO, photo.id, event_id=photo.event_id)
    if not moved:
        _take_back(backends, index, photo.id, is_gone=current is None)
    if not is_serving:
        raise indexes.IndexRetired


def reindex_photo(backends: Backends, subject: str) -> None:
    """Job: do the same for the index that is being built beside the one that serves. Raises EngineChanged."""
    photo = _load(backends, subject)
    if photo is None:
        return
    with backends.reading() as session:
        index = indexes.building(session, photo.event_id)
        is_held = index is not None and _holds(session, index, photo)
    if index is None:
        return
    rows = [] if is_held else _describe(backends, index, photo)
    with backends.transaction() as session:
        current = indexes.held(session, index)
        is_building = current is not None and current.status is IndexStatus.BUILDING
        is_wanted = is_building and _is_there(session, photo.id)
        if current and is_wanted:
            if not _holds(session, current, photo):
                count = sum(row.is_searchable for row in rows)
                session.add(IndexedPhoto(index_id=index.id, photo_id=photo.id, face_count=count))
                _add(session, current, rows)
                session.flush()
            indexes.switch_if_whole(session, photo.event_id)  # a repeated job asks, too: others counted on it
    if not is_wanted:
        _take_back(backends, index, photo.id, is_gone=current is None)


def _describe(backends: Backends, index: FaceIndex, photo: Photo) -> list[Face]:
    """Find the faces of an original with the index's engine, write their embeddings and return their rows.

    Raises EngineChanged before anything is written.
    """
    with _local_copy(backends, photo.original_key) as original:
        found = backends.pixels.faces(original, index.engine)[:MOST_FACES]
    indexes.require_engine(backends, index)  # only now it is known what the child had loaded
    rows = [_face(index, photo, rank, face) for rank, face in enumerate(found)]
    _write_vectors(backends, index, rows, found)
    return rows


def _add(session: Session, index: FaceIndex, rows: Sequence[Face]) -> None:
    """Add the faces, as a new version of their index."""
    index.version += 1
    for row in rows:
        row.version = index.version
    session.add_all(rows)


def _take_back(backends: Backends, index: FaceIndex, photo_id: UUID, *, is_gone: bool) -> None:
    """Remove vectors that were written too late: their index is gone, or their photo."""
    if is_gone:
        backends.vectors.drop(index.collection)  # it was taken apart, and is there again by our writing
    elif _load(backends, str(photo_id)) is None:
        backends.vectors.delete(index.collection, _face_ids(photo_id))


def _holds(session: Session, index: FaceIndex, photo: Photo) -> bool:
    return session.get(IndexedPhoto, (index.id, photo.id)) is not None


def _is_there(session: Session, photo_id: UUID) -> bool:
    photo = session.get(Photo, photo_id)
    return photo is not None and photo.removed_at is None


def _face(index: FaceIndex, photo: Photo, rank: int, found: FoundFace) -> Face:
    left, top, right, bottom = found.box
    return Face(
        index_id=index.id,
        id=_face_id(photo.id, rank),
        photo_id=photo.id,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        confidence=found.confidence,
        size=found.size,
        sharpness=found.sharpness,
        is_searchable=found.embedding is not None,
    )


def _face_id(photo_id: UUID, rank: int) -> UUID:
    return uuid5(photo_id, str(rank))


def _face_ids(photo_id: UUID) -> list[UUID]:
    return [_face_id(photo_id, rank) for rank in range(MOST_FACES)]


def _write_vectors(
    backends: Backends, index: FaceIndex, rows: Sequence[Face], found: Sequence[FoundFace]
) -> None:
    embedded = [
        (row.id, face.embedding) for row, face in zip(rows, found, strict=True) if face.embedding is not None
    ]
    if embedded:
        ids, embeddings = zip(*embedded, strict=True)
        backends.vectors.upsert(index.collection, ids, np.stack(embeddings))


def delete_photo(backends: Backends, subject: str) -> None:
    """Job: take a removed photo apart: vectors, rows, renditions, original."""
    photo_id = UUID(subject)
    with backends.transaction() as session:
        photo = session.get(Photo, photo_id)
        if photo is None or photo.removed_at is None:
            return
        _stop_steps(backends, session, subject)
        every_index = indexes.every(session, photo.event_id)
    for index in every_index:
        # By derived ids and not by rows: a worker that died between the two left vectors alone.
        backends.vectors.delete(index.collection, _face_ids(photo_id))
    _delete_derived(backends, photo_id)
    backends.objects.delete([photo.original_key])
    with backends.transaction() as session:
        indexes.lock(session, photo.event_id)
        for table in (Face, IndexedPhoto, CartItem, Download):
            session.exec(delete(table).where(col(table.photo_id) == photo_id))
        _leave_orders(session, photo_id)
        session.exec(delete(Photo).where(col(Photo.id) == photo_id))
        indexes.touch(session, photo.event_id)
        indexes.switch_if_whole(session, photo.event_id)  # it may be the last one that was missing


def _leave_orders(session: Session, photo_id: UUID) -> None:
    """Empty the lines whose money went back, which stay for the books, and delete those never paid for.

    There are no others: see photos.delete.
    """
    paid = select(Order.id).where(col(Order.paid_at).is_not(None))
    mine = col(LineItem.photo_id) == photo_id
    emptying = update(LineItem).where(mine, col(LineItem.order_id).in_(paid))
    session.execute(emptying.values(photo_id=None))
    session.exec(delete(LineItem).where(mine))


def _delete_derived(backends: Backends, photo_id: UUID) -> None:
    derived = (f"delivered/{photo_id}", deliverables.web_key(photo_id))
    backends.objects.delete([*backends.objects.keys(f"renditions/{photo_id}/"), *derived])


def sweep_upload(backends: Backends, subject: str) -> None:
    """Job: remove the bytes of an upload whose row was never written: its site died between the two."""
    with backends.reading() as session:
        photo = session.get(Photo, UUID(subject))
    if photo is None:
        backends.objects.delete([f"originals/{UUID(subject)}"])


def _stop_steps(backends: Backends, session: Session, subject: str) -> None:
    """Cancel the photo's waiting steps. Raises Unavailable while one is running: the queue asks again."""
    steps = session.exec(select(Job).where(Job.subject == subject, col(Job.kind).in_(STEPS))).all()
    now = backends.now()
    if any(
        step.status is JobStatus.RUNNING and step.lease_until and step.lease_until > now for step in steps
    ):
        raise Unavailable("The photo is still being worked on.")
    for step in steps:
        step.status, step.fence = JobStatus.DONE, None
