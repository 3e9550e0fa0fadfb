"""Photos as programs read them: page by page, one by one, and their renditions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core import access, paging, photos, renditions
from core.access import Action, NoSuchEvent, Scope, Viewer
from core.backends import Backends
from core.paging import Asked, Order, Page
from core.photos import NoSuchPhoto
from core.renditions import Picture
from models.account import Account
from models.photo import Photo, Review, Stage


class RenditionName(StrEnum):
    """The renditions of a photo, by their longest side in pixels: the twin of `imaging.RENDITIONS`."""

    TINY = "150"
    SMALL = "300"
    MIDDLE = "800"
    LARGE = "1600"


class PhotoSort(StrEnum):
    """By the time a photo was taken; by that of its upload where the camera told none."""

    OLDEST = "taken_at"
    NEWEST = "-taken_at"


@dataclass(frozen=True)
class Span:
    """From when until when photos were taken; one without a time is in no span."""

    taken_from: datetime | None = None
    taken_until: datetime | None = None


@dataclass(frozen=True)
class Wanted:
    """Which uploads to list; what is None is every one."""

    review: Review | None = None
    stage: Stage | None = None
    gallery_id: int | None = None
    uploaded_by: int | None = None


@dataclass(frozen=True)
class Listing:
    """Photos of one event, and how their reader sees it."""

    scope: Scope
    photos: Page[Photo]


@dataclass(frozen=True)
class Sight:
    """One photo, and how its reader sees its event."""

    scope: Scope
    photo: Photo


_TAKEN = func.coalesce(col(Photo.taken_at), col(Photo.created_at))


def _place(photo: Photo) -> tuple[datetime, UUID]:
    return photo.taken_at or photo.created_at, photo.id


_ORDERS = {
    PhotoSort.OLDEST: Order[Photo]("photos", (_TAKEN, col(Photo.id)), place=_place),
    PhotoSort.NEWEST: Order[Photo](
        "photos.newest", (_TAKEN, col(Photo.id)), is_descending=True, place=_place
    ),
}
_LATEST = Order[Photo]("uploads", (col(Photo.created_at), col(Photo.id)), is_descending=True)


def public(
    backends: Backends,
    event_id: int,
    asked: Asked,
    *,
    by: Viewer,
    span: Span = Span(),
    gallery_id: int | None = None,
    sort: PhotoSort = PhotoSort.OLDEST,
) -> Listing:
    """Return what a visitor may see of an event. Raises NoSuchEvent, CursorUnknown."""
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        query = _within(photos.public_query(scope), span)
        if gallery_id is not None:
            query = query.where(Photo.gallery_id == gallery_id)
        return Listing(scope, paging.read(backends, session, query, _ORDERS[sort], asked))


def _within(query: SelectOfScalar[Photo], span: Span) -> SelectOfScalar[Photo]:
    if span.taken_from is not None:
        query = query.where(col(Photo.taken_at) >= span.taken_from)
    if span.taken_until is not None:
        query = query.where(col(Photo.taken_at) <= span.taken_until)
    return query


def uploads(
    backends: Backends, event_id: int, asked: Asked, wanted: Wanted, *, by: Account | None
) -> Listing:
    """Return photos of any stage, the latest first: one's own, and everybody's for those who review them.

    Raises NoSuchEvent, Forbidden, CursorUnknown.
    """
    with backends.reading() as session:
        is_reviewer = access.may(session, by, Action.REVIEW, event_id)
        event = access.require(session, by, Action.REVIEW if is_reviewer else Action.UPLOAD, event_id)
        query = select(Photo).where(Photo.event_id == event_id, col(Photo.removed_at).is_(None))
        if not is_reviewer:
            query = query.where(Photo.uploaded_by == access.signed_in(by).id)
        query = _narrowed(query, wanted)
        return Listing(Scope(event, is_member=True), paging.read(backends, session, query, _LATEST, asked))


def _narrowed(query: SelectOfScalar[Photo], wanted: Wanted) -> SelectOfScalar[Photo]:
    filters = (
        (col(Photo.review), wanted.review),
        (col(Photo.stage), wanted.stage),
        (col(Photo.gallery_id), wanted.gallery_id),
        (col(Photo.uploaded_by), wanted.uploaded_by),
    )
    return query.where(*(column == value for column, value in filters if value is not None))


def get(backends: Backends, photo_id: UUID, *, by: Viewer) -> Sight:
    """Return a photo that the reader may see. Raises NoSuchPhoto.

    Visitors and members see what is public, reviewers and who uploaded it also what is not.
    """
    with backends.reading() as session:
        return _seen(session, photo_id, by)


def rendition(backends: Backends, photo_id: UUID, name: RenditionName, *, by: Viewer) -> Picture:
    """Return a rendition of a photo that `get` returns. Raises NotFound, also while there is none yet."""
    with backends.reading() as session:
        photo = _seen(session, photo_id, by).photo
    return renditions.opened(backends, photo, name)


def _seen(session: Session, photo_id: UUID, by: Viewer) -> Sight:
    photo = session.get(Photo, photo_id)
    if photo is None or photo.removed_at is not None:
        raise NoSuchPhoto
    try:
        scope = access.view(session, by, photo.event_id)
    except NoSuchEvent as error:
        raise NoSuchPhoto from error
    is_open = photo.is_public and scope.covers(photo.gallery_id)
    if not is_open and not access.may_see_hidden(session, by.account, photo):
        raise NoSuchPhoto
    return Sight(scope, photo)
