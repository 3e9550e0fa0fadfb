"""The searchable faces of an event in memory: exact, and kept up to date at the cost of what is new.

No search sees what was deleted before it. The embeddings themselves (of a deleted photo, a dropped index, a
closed event) leave memory with the event's next search, or else with any event's once an hour has passed.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, overload
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, String, cast
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import Select

from core import calibrations, cohorts
from core.backends import Backends
from core.errors import Unavailable
from models.event import Event
from models.face import Face, FaceIndex, IndexStatus

CACHED_BYTES = 64 * 2**20  # of embeddings kept in memory; one event that is larger is kept alone
UNUSED = timedelta(hours=1)  # what nobody looked through for so long is forgotten
ROOM = 4  # times as many rows reserved as are needed; what is not written to takes no memory

HexIds = NDArray[np.bytes_]  # (n,), 32 hexadecimal digits each: a third of what so many UUIDs would take


class Ids(Sequence[UUID]):
    """Many ids in little memory."""

    def __init__(self, digits: HexIds) -> None:
        self.digits = digits

    @classmethod
    def of(cls, ids: Iterable[UUID]) -> "Ids":
        """Return the same ids."""
        return cls(np.array([one.hex for one in ids], "S32"))

    def __len__(self) -> int:
        return len(self.digits)

    @overload
    def __getitem__(self, where: int) -> UUID: ...

    @overload
    def __getitem__(self, where: slice) -> list[UUID]: ...

    def __getitem__(self, where: int | slice) -> UUID | list[UUID]:
        if isinstance(where, slice):
            return [UUID(digits.decode()) for digits in self.digits[where].tolist()]
        return UUID(self.digits[where].decode())

    def row(self, one: UUID) -> int | None:
        """Return where an id stands, None when it is not there."""
        found = np.flatnonzero(self.digits == one.hex.encode())
        return int(found[0]) if len(found) else None


@dataclass(frozen=True)
class Faces:
    """What a search looks through; row i of the crowd is face i. Nothing in it ever changes."""

    crowd: cohorts.Crowd
    face_ids: Ids  # (n,)
    photo_ids: Ids  # by the crowd's photo number


_cache: "OrderedDict[tuple[str, int], _Memory]" = OrderedDict()  # by (database, event), latest used last
_caching = threading.Lock()


def of(backends: Backends, index: FaceIndex) -> Faces:
    """Return every searchable face that the index had when it was read, or later. Raises Unavailable."""
    key = (backends.settings.sqlalchemy_url(), index.event_id)
    with _caching:
        memory = _cache.pop(key, None)
        if memory is None or memory.index_id != index.id:
            memory = _Memory(index)
        memory.used_at = backends.now()
        _cache[key] = memory
    faces = memory.at(backends, index)
    _forget(backends)
    return faces


def _forget(backends: Backends) -> None:
    """Drop what was not used for long, and the oldest of what is too much; the latest stays."""
    longest_ago = backends.now() - UNUSED
    with _caching:
        while len(_cache) > 1:
            oldest = next(iter(_cache.values()))
            if oldest.used_at > longest_ago and _cached_bytes() <= CACHED_BYTES:
                return
            _cache.popitem(last=False)


def warm(backends: Backends) -> None:
    """Read the open events that fit into memory, latest first, so that no first search waits for it.

    Their engines are loaded too.
    """
    with backends.reading() as session:
        events = session.exec(_serving()).all()
    for event, index, count in events:
        fits = _cached_bytes() + count * index.dimension * 4 <= CACHED_BYTES
        if fits and event.is_open_to_visitors(backends.now()):
            with suppress(Unavailable):  # then the first search reads, or says so
                backends.pixels.identity(index.engine)  # loads it
                of(backends, index)


def _cached_bytes() -> int:
    return sum(memory.byte_size for memory in list(_cache.values()))


def _serving() -> Select[Event, FaceIndex, int]:
    """Select the events that are searched, with the index and the number of its faces, latest first."""
    return (
        select(Event, FaceIndex, func.count())
        .join(FaceIndex, col(FaceIndex.event_id) == col(Event.id))
        .join(Face, col(Face.index_id) == col(FaceIndex.id))
        .where(FaceIndex.status == IndexStatus.SERVING, col(Face.is_searchable))
        .group_by(col(Event.id), col(FaceIndex.id))
        .order_by(col(Event.held_on).desc())
    )


class _Memory:
    """The faces of one index. One search at a time brings them up to date, while others go on reading."""

    used_at: datetime  # by a search, the last time

    def __init__(self, index: FaceIndex) -> None:
        self.index_id = index.id
        self._calibration = calibrations.of(index.engine)
        self._updating = threading.Lock()
        self._version = -1
        self._count = 0  # of faces in the database at the last update; some may have had no vector yet
        self._matrix = np.empty((0, index.dimension), np.float32)  # the embeddings, and room for more
        self._numbers: dict[bytes, int] = {}  # of the photos
        self._faces = self._nobody()

    @property
    def byte_size(self) -> int:
        """Of the embeddings."""
        return self._faces.crowd.embeddings.nbytes

    def at(self, backends: Backends, index: FaceIndex) -> Faces:
        """Return the faces of this version of the index, or of a later one."""
        if self._version < index.version:  # it is written last: who sees it sees its faces
            with self._updating:
                if self._version < index.version:  # nobody else has read them meanwhile
                    self._update(backends, index)
                    self._version = index.version
        return self._faces

    def _update(self, backends: Backends, index: FaceIndex) -> None:
        with backends.reading() as session:
            stay, new = _changes(session, index, self._version, self._faces.face_ids.digits, self._count)
        if not stay.all():
            self._remove(stay)
        if len(new):
            self._add(backends, index, new)
        self._count = int(stay.sum()) + len(new)

    def _add(self, backends: Backends, index: FaceIndex, new: NDArray[np.bytes_]) -> None:
        """Read the embeddings of faces, (m, 2) with their photos. One that has none yet is left out."""
        ids, theirs = new[np.argsort(new[:, 0])].T.copy()
        count = len(self._faces.face_ids)
        if count + len(ids) > len(self._matrix):
            self._move(count, ROOM * (count + len(ids)))
        face_ids, photos = [self._faces.face_ids.digits], [self._faces.crowd.photos]
        for page, embeddings in backends.vectors.read(index.collection, Ids(ids)):
            self._matrix[count : count + len(page)] = embeddings
            count += len(page)
            face_ids.append(Ids.of(page).digits)
            photos.append(self._numbered(theirs[np.searchsorted(ids, face_ids[-1])]))
        self._gather(np.concatenate(face_ids), np.concatenate(photos), self._faces.crowd)

    def _remove(self, stay: NDArray[np.bool_]) -> None:
        """Copy what stays: a search may be looking through the matrix, and who went must leave memory."""
        rows = np.flatnonzero(stay)
        matrix = np.empty_like(self._matrix)
        np.take(self._matrix, rows, axis=0, out=matrix[: len(rows)])
        self._matrix = matrix
        kept = cohorts.of_rows(self._faces.crowd, rows, matrix[: len(rows)])
        self._gather(self._faces.face_ids.digits[rows], kept.photos, kept)

    def _move(self, count: int, room: int) -> None:
        matrix = np.empty((room, self._matrix.shape[1]), np.float32)
        matrix[:count] = self._matrix[:count]
        self._matrix = matrix

    def _numbered(self, photos: HexIds) -> cohorts.Rows:
        numbers = [self._numbers.setdefault(one, len(self._numbers)) for one in photos.tolist()]
        return np.array(numbers, np.intp)

    def _gather(self, face_ids: HexIds, photos: cohorts.Rows, before: cohorts.Crowd) -> None:
        embeddings = self._matrix[: len(face_ids)]
        before = replace(before, embeddings=embeddings[: len(before.photos)])
        crowd = cohorts.crowd(embeddings, photos, self._calibration, before)
        self._faces = Faces(crowd, Ids(face_ids), Ids(np.array(list(self._numbers), "S32")))

    def _nobody(self) -> Faces:
        nothing = np.empty((0, self._matrix.shape[1]), np.float32)
        crowd = cohorts.crowd(nothing, np.empty(0, np.intp), self._calibration)
        return Faces(crowd, Ids.of([]), Ids.of([]))


def _changes(
    session: Session, index: FaceIndex, version: int, known: HexIds, before: int
) -> tuple[NDArray[np.bool_], NDArray[np.bytes_]]:
    """Return which known faces stay, (n,), and which came since a version, (m, 2), with their photos.

    Every id is read only when something went, or when some of the `before` faces of that version are not
    known: they had no vector yet.
    """
    faces = (col(Face.index_id) == index.id, col(Face.is_searchable))
    count = session.exec(select(func.count()).select_from(Face).where(*faces)).one()
    new = _digits(session, *faces, col(Face.version) > version)
    if len(known) == before and before + len(new) == count:
        return np.ones(len(known), np.bool_), new
    every = _digits(session, *faces)
    return np.isin(known, every[:, 0]), every[~np.isin(every[:, 0], known)]


def _digits(session: Session, *where: Any) -> NDArray[np.bytes_]:
    """Return faces and their photos, (m, 2). As one string: a hundred thousand rows would take a second."""
    pair = _hexadecimal(Face.id).concat(_hexadecimal(Face.photo_id))
    digits = session.exec(select(func.aggregate_strings(pair, "")).where(*where)).one() or ""
    return np.frombuffer(digits.encode(), "S32").reshape(-1, 2)


def _hexadecimal(column: Any) -> ColumnElement[str]:
    return func.replace(cast(column, String), "-", "")  # PostgreSQL writes hyphens, SQLite has none
