"""From selfies to the photos their owner is in. A selfie and its embedding die in the call."""

from collections.abc import Mapping, Sequence, Set
from uuid import UUID

import numpy as np
from sqlmodel import func, select

from core import access, activity, consent, crowds, indexes, limits, matching, notices, photos, selfies
from core.access import Scope, Viewer
from core.backends import Backends
from core.cohorts import Embeddings
from core.errors import Conflict, InvalidInput, PlatformError
from core.incoming import FileTooBig
from core.results import Found, Hit, Remembered
from models.activity import ActivityKind
from models.consent import Purpose
from models.face import FaceIndex
from models.notice import NoticeKind
from models.photo import Photo

MOST_SELFIES = 5  # of one person, in one search
MOST_COMPARED = 8  # sure photos that another selfie is compared with


class ResultOutdated(Conflict):
    """The event's faces were looked through anew since the search: its face ids mean others now."""

    def __init__(self) -> None:
        super().__init__("The faces of this event were sorted anew since your search. Please search again.")


def require_ready(backends: Backends, event_id: int, *, by: Viewer) -> None:
    """Raises SearchAway when no selfie can be searched with now: asked before consent and camera."""
    with backends.reading() as session:
        access.view(session, by, event_id)
        index = indexes.serving(session, event_id)
    indexes.require_searchable(backends, index)


def scope(backends: Backends, event_id: int, *, by: Viewer) -> Scope:
    """Return what somebody sees of an event who wants to search it. Raises NoSuchEvent."""
    with backends.reading() as session:
        return access.view(session, by, event_id)


def admit(backends: Backends, event_id: int, address: str, *, by: Viewer) -> Scope:
    """Let somebody search once, before selfies are taken; return what they see. Raises NotFound, TooOften."""
    seen = scope(backends, event_id, by=by)
    limits.search(backends, seen, by, address)
    return seen


def require_consent(backends: Backends, event_id: int, receipt_id: UUID, *, by: Viewer) -> None:
    """Raises ConsentMissing unless a search may be made under this receipt: asked before any selfie."""
    with backends.reading() as session:
        consent.require(session, receipt_id, event_id, Purpose.SEARCH, by=by)


def by_selfies(
    backends: Backends,
    event_id: int,
    pictures: Sequence[bytes],
    *,
    receipt_id: UUID | None,
    by: Viewer,
    known: Found | None = None,
) -> Found:
    """Return the public photos of the one person in the selfies; several find more than one does.

    `known`: what earlier selfies of this person found; somebody else's are refused. Raises ConsentMissing
    before any pixel is looked at, InvalidInput for what is no picture or no selfie (`core.selfies` has the
    reasons), SearchAway, Unavailable while the vectors are away.
    """
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        consent.require(session, receipt_id, event_id, Purpose.SEARCH, by=by)
        index = indexes.serving(session, event_id)
    if not 0 < len(pictures) <= MOST_SELFIES:
        raise InvalidInput("Search with one to {most} selfies.", most=MOST_SELFIES)
    if any(len(picture) > backends.settings.max_selfie_mib * 2**20 for picture in pictures):
        raise FileTooBig(backends.settings.max_selfie_mib)
    engine = index.engine if index else backends.settings.face_engine
    try:
        with indexes.in_guests_words(engine):
            indexes.require_searchable(backends, index)
            probes = [selfies.one_face(backends.pixels.selfie(picture, engine)) for picture in pictures]
        found = _find(backends, scope, index, np.stack(probes), known)
    except PlatformError as refusal:
        _count(backends, event_id, by, **{f"refused_{type(refusal).__name__}": 1})
        raise
    _tell(backends, event_id, by, sure=len(found.sure), maybe=len(found.maybe))
    return found


def refined(
    backends: Backends,
    event_id: int,
    found: Found | Remembered,
    mine: Set[UUID],
    not_mine: Set[UUID],
    *,
    receipt_id: UUID | None,
    by: Viewer,
) -> Found:
    """Return a search's result after the person said of some faces in it "this is me" or "not me".

    `found` is what `by_selfies` returned. A word counts for a face that it shows, or that other words brought
    up: nobody searches with a face that no search showed them. Only counts are stored. Raises
    ConsentMissing, ResultOutdated, Unavailable.
    """
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        consent.require(session, receipt_id, event_id, Purpose.SEARCH, by=by)
        index = indexes.serving(session, event_id)
    if index is None or index.id != found.index_id:
        raise ResultOutdated
    faces = crowds.of(backends, index)
    seen = _seen(faces, found)
    matches, heard = _refined(faces, seen, _rows(faces, mine), _rows(faces, not_mine))
    _count(backends, event_id, by, ActivityKind.FEEDBACK, mine=heard, not_mine=len(not_mine))
    return _shown(backends, scope, index, faces, matches)


def _refined(
    faces: crowds.Faces, seen: Sequence[matching.Hit], mine: Set[int], not_mine: Set[int]
) -> tuple[matching.Matches, int]:
    """Return what is shown, and how many of `mine` count: one word may bring up the face of the next."""
    shown = {hit.face for hit in seen}
    while True:
        heard = mine & shown
        matches = matching.refine(faces.crowd, seen, heard, not_mine)
        shown |= {hit.face for hit in (*matches.sure, *matches.maybe)}
        if mine & shown == heard:
            return matches, len(heard)


def _count(
    backends: Backends,
    event_id: int,
    by: Viewer,
    kind: ActivityKind = ActivityKind.SEARCH,
    /,
    **numbers: int,
) -> None:
    with backends.transaction() as session:
        activity.record(session, kind, by=by, event_id=event_id, **numbers)


def _tell(backends: Backends, event_id: int, by: Viewer, **numbers: int) -> None:
    with backends.transaction() as session:
        activity.record(session, ActivityKind.SEARCH, by=by, event_id=event_id, **numbers)
        notices.note(session, NoticeKind.SEARCH_MADE, event_id, **numbers)


def _find(
    backends: Backends, scope: Scope, index: FaceIndex | None, probes: Embeddings, known: Found | None
) -> Found:
    if index is None:
        return Found([], [], _count_public(backends, scope))
    faces = crowds.of(backends, index)
    if not matching.is_one_person(faces.crowd, probes):
        raise selfies.NotOnePerson
    if known and known.index_id == index.id and not _is_known(faces, probes, known):
        raise selfies.NotTheSame
    return _shown(backends, scope, index, faces, matching.find(faces.crowd, probes))


def _is_known(faces: crowds.Faces, probes: Embeddings, known: Found) -> bool:
    """Tell whether selfies may be of the person of an earlier result; without a sure photo in it, any may."""
    sure = sorted(_rows(faces, {hit.face_id for hit in known.sure[:MOST_COMPARED]}))
    likeness = (
        matching.is_one_person(faces.crowd, np.stack([probe, faces.crowd.embeddings[row]]))
        for probe in probes
        for row in sure
    )
    return not sure or any(likeness)


def _shown(
    backends: Backends, scope: Scope, index: FaceIndex, faces: crowds.Faces, matches: matching.Matches
) -> Found:
    wanted = [faces.photo_ids[hit.photo] for hit in (*matches.sure, *matches.maybe)]
    with backends.reading() as session:
        shown = photos.visible(session, scope, wanted)
    sure, maybe = _hits(faces, matches.sure, shown), _hits(faces, matches.maybe, shown)
    return Found(sure, maybe, _count_public(backends, scope), index.id)


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


def _seen(faces: crowds.Faces, found: Found | Remembered) -> list[matching.Hit]:
    """Return a result as rows of the crowd, without what was deleted since."""
    rows = [(faces.face_ids.row(hit.face_id), hit.certainty) for hit in found.hits]
    return [
        matching.Hit(int(faces.crowd.photos[row]), row, certainty)
        for row, certainty in rows
        if row is not None
    ]


def _rows(faces: crowds.Faces, face_ids: Set[UUID]) -> set[int]:
    rows = map(faces.face_ids.row, face_ids)
    return {row for row in rows if row is not None}
