"""The searchable faces of an event in memory: exact, and read again when they have changed."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlmodel import Session, col, select

from core import matching
from core.backends import Backends
from models.face import Face, FaceIndex

CACHED_BYTES = 256 * 2**20  # of embeddings kept in memory, over all events


@dataclass(frozen=True)
class Faces:
    """What a search looks through; row i of the crowd is face i."""

    crowd: matching.Crowd
    face_ids: Sequence[UUID]  # (n,)
    photo_ids: Sequence[UUID]  # by the crowd's photo number
    rows: Mapping[UUID, int]  # of each face id


_cache: OrderedDict[tuple[str, str, int], Faces] = OrderedDict()  # (database, collection, version)
_caching = threading.Lock()


def of(backends: Backends, index: FaceIndex) -> Faces:
    """Return every searchable face of an event, from memory while its version stands."""
    key = (backends.settings.sqlalchemy_url(), index.collection, index.version)
    with _caching:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    faces = _load(backends, index)
    with _caching:
        for stale in [other for other in _cache if other[:2] == key[:2]]:
            del _cache[stale]
        _cache[key] = faces
        while sum(entry.crowd.embeddings.nbytes for entry in _cache.values()) > CACHED_BYTES:
            if len(_cache) == 1:
                break
            _cache.popitem(last=False)
    return faces


def _load(backends: Backends, index: FaceIndex) -> Faces:
    face_ids, embeddings = backends.vectors.all(index.collection)
    with backends.reading() as session:
        owner = _owners(session, index)
    # A vector without a row belongs to a photo that is just coming or going.
    known = [position for position, face_id in enumerate(face_ids) if face_id in owner]
    kept = [face_ids[position] for position in known]
    numbers: dict[UUID, int] = {}
    photos = np.array([numbers.setdefault(owner[face_id], len(numbers)) for face_id in kept], np.intp)
    rows = {face_id: row for row, face_id in enumerate(kept)}
    return Faces(matching.Crowd(embeddings[known], photos), kept, list(numbers), rows)


def _owners(session: Session, index: FaceIndex) -> dict[UUID, UUID]:
    rows = session.exec(
        select(Face.id, Face.photo_id).where(Face.event_id == index.event_id, col(Face.is_searchable))
    )
    return dict(rows.all())
