"""From selfies to the photos their owner is in. A selfie and its embedding die in the call."""

from collections.abc import Mapping, Sequence, Set
from uuid import UUID

import numpy as np
from sqlmodel import func, select

from core import access, activity, consent, crowds, indexes, matching, photos
from core.access import Scope, Viewer
from core.backends import Backends
from core.errors import InvalidInput, PlatformError
from core.incoming import FileTooBig
from core.ports import Embedding, FoundFace
from core.results import Found, Hit
from models.activity import ActivityKind
from models.consent import Purpose
from models.face import FaceIndex
from models.photo import Photo

MOST_SELFIES = 5  # of one person, in one search

# A second face at least half as large as the first is a second person, not somebody in the background.
COMPANION_SHARE = 0.5
SMALLEST_SELFIE_FACE = 60.0  # pixels; below, the embedding is too unsure to search with


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


def by_selfies(
    backends: Backends, event_id: int, selfies: Sequence[bytes], *, receipt_id: UUID | None, by: Viewer
) -> Found:
    """Return the public photos of the one person in the selfies.

    Raises ConsentMissing before any pixel is looked at, NoFace, SeveralFaces, FaceTooSmall, FaceTooBlurred,
    InvalidInput for what is no picture, Unavailable while the vectors are away.
    """
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        consent.require(session, receipt_id, event_id, Purpose.SEARCH, by=by)
        index = indexes.serving(session, event_id)
    if any(len(selfie) > backends.settings.max_selfie_mib * 2**20 for selfie in selfies):
        raise FileTooBig(backends.settings.max_selfie_mib)
    engine = index.engine if index else backends.settings.face_engine
    try:
        probes = [_one_face(backends.pixels.selfie(selfie, engine)) for selfie in selfies]
    except PlatformError as refusal:
        _count(backends, event_id, by, **{f"refused_{type(refusal).__name__}": 1})
        raise
    found = _find(backends, scope, index, probes)
    _count(backends, event_id, by, sure=len(found.sure), maybe=len(found.maybe))
    return found


def refined(
    backends: Backends,
    event_id: int,
    found: Found,
    mine: Set[UUID],
    not_mine: Set[UUID],
    *,
    receipt_id: UUID | None,
    by: Viewer,
) -> Found:
    """Return a search's result after the person said of some faces in it "this is me" or "not me".

    `found` is what `by_selfies` returned, `mine` and `not_mine` are face ids of it. Only counts are stored.
    """
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        consent.require(session, receipt_id, event_id, Purpose.SEARCH, by=by)
        index = indexes.serving(session, event_id)
    if index is None:
        return found
    faces = crowds.of(backends, index)
    seen = _seen(faces, found)
    matches = matching.refine(faces.crowd, seen, _rows(faces, mine), _rows(faces, not_mine))
    _count(backends, event_id, by, confirmed=len(mine), rejected=len(not_mine))
    return _shown(backends, scope, faces, matches)


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


def _find(backends: Backends, scope: Scope, index: FaceIndex | None, probes: Sequence[Embedding]) -> Found:
    if index is None:
        return Found([], [], _count_public(backends, scope))
    indexes.require_engine(backends, index)
    faces = crowds.of(backends, index)
    return _shown(backends, scope, faces, matching.find(faces.crowd, np.stack(probes)))


def _shown(backends: Backends, scope: Scope, faces: crowds.Faces, matches: matching.Matches) -> Found:
    wanted = [faces.photo_ids[hit.photo] for hit in (*matches.sure, *matches.maybe)]
    with backends.reading() as session:
        shown = photos.visible(session, scope, wanted)
    return Found(
        _hits(faces, matches.sure, shown), _hits(faces, matches.maybe, shown), _count_public(backends, scope)
    )


def _count_public(backends: Backends, scope: Scope) -> int:
    with backends.reading() as session:
        return session.exec(select(func.count()).select_from(photos.public_query(scope).subquery())).one()


def _hits(faces: crowds.Faces, matches: Sequence[matching.Hit], shown: Mapping[UUID, Photo]) -> list[Hit]:
    found = [(faces.photo_ids[match.photo], match) for match in matches]
    return [
        Hit(shown[photo_id], faces.face_ids[match.face], match.certainty)
        for photo_id, match in found
        if photo_id in shown
    ]


def _seen(faces: crowds.Faces, found: Found) -> list[matching.Hit]:
    """Return a result as rows of the crowd, without what was deleted since."""
    rows = [(faces.rows.get(hit.face_id), hit.certainty) for hit in (*found.sure, *found.maybe)]
    return [
        matching.Hit(int(faces.crowd.photos[row]), row, certainty)
        for row, certainty in rows
        if row is not None
    ]


def _rows(faces: crowds.Faces, face_ids: Set[UUID]) -> set[int]:
    return {faces.rows[face_id] for face_id in face_ids if face_id in faces.rows}
