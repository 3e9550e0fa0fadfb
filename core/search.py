"""From a selfie to the photos its owner is in. The selfie and its embedding die in the call."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core import access, activity, consent, ingest, matching, photos
from core.access import Scope, Viewer
from core.backends import Backends
from core.errors import InvalidInput, PlatformError
from core.incoming import FileTooBig
from core.ports import Embedding, FoundFace
from models.activity import ActivityKind
from models.consent import Purpose
from models.face import Face, FaceIndex
from models.photo import Photo

# A second face at least half as large as the first is a second person, not somebody in the background.
COMPANION_SHARE = 0.5
SMALLEST_SELFIE_FACE = 60.0  # pixels; below, the embedding is too unsure to search with
CACHED_BYTES = 256 * 2**20  # of embeddings kept in memory, over all events


class NoFace(InvalidInput):
    """Nobody was found in the selfie."""

    def __init__(self) -> None:
        super().__init__("We could not see a face. Find more light, look into the camera and try again.")


class SeveralFaces(InvalidInput):
    """More than one person looks out of the selfie."""

    def __init__(self) -> None:
        super().__init__("There are several faces in this picture. Take one with only yourself in it.")


class FaceTooSmall(InvalidInput):
    """The face has too few pixels."""

    def __init__(self) -> None:
        super().__init__("Your face is too small in this picture. Come closer and try again.")


class FaceTooBlurred(InvalidInput):
    """The face is out of focus or in motion."""

    def __init__(self) -> None:
        super().__init__("This picture is blurred. Hold still, find more light and try again.")


@dataclass(frozen=True)
class Hit:
    """A photo that was found, and how alike its best face is, cosine similarity."""

    photo: Photo
    score: float


@dataclass(frozen=True)
class Found:
    """What a search shows, best first; a photo is in one of the two lists."""

    sure: Sequence[Hit]
    maybe: Sequence[Hit]
    searched_photos: int  # public photos that were looked at


def by_selfie(
    backends: Backends, event_id: int, selfie: bytes, *, receipt_id: UUID | None, by: Viewer
) -> Found:
    """Return the public photos of the person in the selfie.

    Raises ConsentMissing before any pixel is looked at, NoFace, SeveralFaces, FaceTooSmall, FaceTooBlurred,
    InvalidInput for what is no picture, Unavailable while the vectors are away.
    """
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        consent.require(session, receipt_id, event_id, Purpose.SEARCH, by=by)
    if len(selfie) > backends.settings.max_selfie_mib * 2**20:
        raise FileTooBig(backends.settings.max_selfie_mib)
    try:
        probe = _one_face(backends.pixels.selfie(selfie))
    except PlatformError as refusal:
        _count(backends, event_id, by, **{f"refused_{type(refusal).__name__}": 1})
        raise
    found = _find(backends, scope, probe)
    _count(backends, event_id, by, sure=len(found.sure), maybe=len(found.maybe))
    return found


def _count(backends: Backends, event_id: int, by: Viewer, **numbers: int) -> None:
    with backends.transaction() as session:
        activity.record(session, ActivityKind.SEARCH, by=by, event_id=event_id, **numbers)


def _one_face(faces: Sequence[FoundFace]) -> Embedding:
    if not faces:
        raise NoFace
    largest, *others = sorted(faces, key=lambda face: face.size, reverse=True)
    if any(other.size >= COMPANION_SHARE * largest.size for other in others):
        raise SeveralFaces
    if largest.size < SMALLEST_SELFIE_FACE:
        raise FaceTooSmall
    if largest.embedding is None:
        raise FaceTooBlurred
    return largest.embedding


def _find(backends: Backends, scope: Scope, probe: Embedding) -> Found:
    with backends.reading() as session:
        index = session.get(FaceIndex, scope.event.id)
        public = set(session.execute(photos.public_query(scope).with_only_columns(col(Photo.id))).scalars())
    if index is None or not public:
        return Found([], [], len(public))
    if ingest.identity_of(index) != backends.pixels.identity():
        raise ingest.EngineChanged
    matches = _match(_faces(backends, index), public, probe)
    with backends.reading() as session:
        wanted = [hit.photo_id for hit in (*matches.sure, *matches.maybe)]
        shown = photos.visible(session, scope, wanted)
    return Found(_hits(matches.sure, shown), _hits(matches.maybe, shown), len(public))


def _match(faces: "_Faces", public: Set[UUID], probe: Embedding) -> matching.Matches:
    is_public = np.fromiter((photo in public for photo in faces.photo_ids), bool, len(faces.photo_ids))
    owners = [photo for photo in faces.photo_ids if photo in public]
    return matching.sort_hits(faces.embeddings[is_public] @ probe, owners)


def _hits(matches: Sequence[matching.Hit], shown: Mapping[UUID, Photo]) -> list[Hit]:
    return [Hit(shown[match.photo_id], match.score) for match in matches if match.photo_id in shown]


# --- the event's faces in memory -----------------------------------------------------------


@dataclass(frozen=True)
class _Faces:
    embeddings: NDArray[np.float32]  # (n, dimension), unit length
    photo_ids: Sequence[UUID]  # (n,), whose face it is


_cache: OrderedDict[tuple[str, str, int], _Faces] = (
    OrderedDict()
)  # (database, collection, version), oldest first
_caching = threading.Lock()


def _faces(backends: Backends, index: FaceIndex) -> _Faces:
    """Return every searchable face of an event, exact and from memory while its version stands."""
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
        while sum(entry.embeddings.nbytes for entry in _cache.values()) > CACHED_BYTES and len(_cache) > 1:
            _cache.popitem(last=False)
    return faces


def _load(backends: Backends, index: FaceIndex) -> _Faces:
    face_ids, embeddings = backends.vectors.all(index.collection)
    with backends.reading() as session:
        owner = _owners(session, index.event_id)
    # A vector without a row belongs to a photo that is just coming or going.
    known = [position for position, face_id in enumerate(face_ids) if face_id in owner]
    return _Faces(embeddings[known], [owner[face_ids[position]] for position in known])


def _owners(session: Session, event_id: int) -> dict[UUID, UUID]:
    rows = session.exec(
        select(Face.id, Face.photo_id).where(Face.event_id == event_id, col(Face.is_searchable))
    )
    return dict(rows.all())
