"""The originals: upload, list, review, delete."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core import access, activity, audit, jobs, notices
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.errors import Conflict, Forbidden, NotFound, Unavailable
from core.incoming import Incoming
from core.ports import PhotoFacts
from models.account import Account, Role
from models.activity import ActivityKind
from models.event import Event, EventMember, EventStatus, Gallery, MemberRole
from models.job import Job, JobKind, JobStatus
from models.notice import NoticeKind
from models.order import LineItem, Order, OrderStatus
from models.photo import Photo, Review, Stage

PAGE = 60  # photos shown at once
SWEEP_AFTER = timedelta(hours=1)  # an upload takes less between its bytes and its row
LARGEST_ID = 2**31 - 1  # of an integer column; an address may name any number


class AlreadyUploaded(Conflict):
    """The event has this very file."""

    def __init__(self, twin_id: UUID | None = None) -> None:
        super().__init__("This photo is in the event already.")
        self.twin_id = twin_id  # of the photo that is there


class NoSuchPhoto(NotFound):
    """A photo is not there, or the reader may not know that it is."""

    def __init__(self) -> None:
        super().__init__("There is no such photo, or no longer. Load the list again.")


def may_upload(backends: Backends, gallery_id: int, *, by: Account | None) -> Gallery:
    """Return the gallery to upload to; asked before a byte is taken. Raises NotFound or Forbidden."""
    with backends.reading() as session:
        gallery = session.get(Gallery, gallery_id) if gallery_id <= LARGEST_ID else None
        if gallery is None:
            raise NotFound("There is no such gallery.")
        event = access.require(session, by, Action.UPLOAD, gallery.event_id)
        if event.status is EventStatus.CLOSED:
            raise Forbidden("This event is closed. Its organiser can open it again.")
        return gallery


def upload(backends: Backends, gallery_id: int, incoming: Incoming, *, by: Account | None) -> Photo:
    """Keep the file, and put its first job in the queue. Raises AlreadyUploaded, InvalidInput."""
    gallery = may_upload(backends, gallery_id, by=by)
    digest = incoming.finish()
    with backends.reading() as session:
        event = session.get_one(Event, gallery.event_id)
        _refuse_twin(session, gallery.event_id, digest)
    facts = backends.pixels.inspect(incoming.path)
    photo = _row(event, gallery, incoming, digest, facts, by)
    sweep = _store(backends, photo, incoming)
    try:
        with backends.transaction() as session:
            session.add(photo)
            session.flush()
            jobs.enqueue(session, JobKind.RENDER_PHOTO, photo.id, event_id=photo.event_id)
            _call_off(session, sweep)
            _note_upload(session, photo)
    except (IntegrityError, Unavailable) as error:
        backends.objects.delete([photo.original_key])
        if isinstance(error, Unavailable):
            raise
        may_upload(backends, gallery_id, by=by)  # NotFound when the gallery went meanwhile
        raise AlreadyUploaded from error
    return photo


def _refuse_twin(session: Session, event_id: int, digest: str) -> None:
    twin = session.exec(select(Photo).where(Photo.event_id == event_id, Photo.sha256 == digest)).first()
    if twin is None:
        return
    if twin.removed_at is not None:
        raise Unavailable("This very photo is just being deleted. Try again in a moment.")
    raise AlreadyUploaded(twin.id)


def _store(backends: Backends, photo: Photo, incoming: Incoming) -> Job:
    """Store the bytes before any row points at them; should we die in between, the job sweeps them."""
    with backends.transaction() as session:
        sweep = jobs.enqueue(
            session, JobKind.SWEEP_UPLOAD, photo.id, event_id=photo.event_id, delay=SWEEP_AFTER
        )
    with incoming.path.open("rb") as content:
        backends.objects.put(photo.original_key, content, incoming.byte_size, photo.media_type)
    return sweep


def _call_off(session: Session, sweep: Job) -> None:
    """Remove the sweep in the transaction of the row. Raises Unavailable when it has begun already."""
    waiting = sql_delete(Job).where(col(Job.id) == sweep.id, col(Job.status) == JobStatus.DUE)
    if session.execute(waiting).rowcount != 1:  # type: ignore[attr-defined]
        raise Unavailable("This upload took too long. Try this file again.")


def _note_upload(session: Session, photo: Photo) -> None:
    kind, gallery_id = NoticeKind.PHOTO_UPLOADED, photo.gallery_id
    notices.note_photos(session, kind, photo.event_id, [photo.id], gallery_id=gallery_id)


def _row(
    event: Event, gallery: Gallery, incoming: Incoming, digest: str, facts: PhotoFacts, by: Account | None
) -> Photo:
    return Photo(
        event_id=gallery.event_id,
        gallery_id=gallery.id,
        uploaded_by=access.signed_in(by).id,
        filename=incoming.filename,
        sha256=digest,
        byte_size=incoming.byte_size,
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        taken_at=_in_zone(facts.taken_at, event),
        camera=facts.camera,
        has_gps=facts.has_gps,
    )


def _in_zone(taken_at: datetime | None, event: Event) -> datetime | None:
    # Cameras write local time without a zone: it is read as the event's.
    return None if taken_at is None else taken_at.replace(tzinfo=event.zone).astimezone(UTC)


# --- what visitors see ---------------------------------------------------------------------


# The SQL twin of `Photo.is_public`.
PUBLIC = (Photo.stage == Stage.INDEXED, Photo.review == Review.APPROVED, col(Photo.removed_at).is_(None))


def public_query(scope: Scope) -> SelectOfScalar[Photo]:
    """Select what a visitor of this scope may see."""
    query = select(Photo).where(Photo.event_id == scope.event.id, *PUBLIC)
    return query if scope.gallery_ids is None else query.where(col(Photo.gallery_id).in_(scope.gallery_ids))


@dataclass(frozen=True)
class PhotoPage:
    """Some photos of many."""

    photos: Sequence[Photo]
    total: int


def public(
    backends: Backends,
    event_id: int,
    *,
    by: Viewer,
    gallery_id: int | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> PhotoPage:
    """Return public photos by the time they were taken."""
    with backends.reading() as session:
        query = public_query(access.view(session, by, event_id))
        if gallery_id is not None:
            query = query.where(Photo.gallery_id == gallery_id)
        return _page(session, query.order_by(col(Photo.taken_at), col(Photo.id)), offset, limit)


def count_view(backends: Backends, event_id: int, shown: int, *, by: Viewer) -> None:
    """Note that a visitor looked at this many photos of an event."""
    with backends.transaction() as session:
        access.view(session, by, event_id)
        activity.record(session, ActivityKind.VIEW, by=by, event_id=event_id, photos=shown)


def still_public(
    backends: Backends, event_id: int, photo_ids: Sequence[UUID], *, by: Viewer
) -> Sequence[Photo]:
    """Return those of the photos that the viewer may see now, in the order given."""
    with backends.reading() as session:
        known = visible(session, access.view(session, by, event_id), photo_ids)
    return [known[photo_id] for photo_id in photo_ids if photo_id in known]


def visible(session: Session, scope: Scope, photo_ids: Collection[UUID]) -> dict[UUID, Photo]:
    """Return by id those of the photos that a visitor of this scope may see."""
    query = public_query(scope).where(col(Photo.id).in_(photo_ids))
    return {photo.id: photo for photo in session.exec(query)}


def _page(session: Session, query: SelectOfScalar[Photo], offset: int, limit: int) -> PhotoPage:
    total = session.exec(select(func.count()).select_from(query.order_by(None).subquery())).one()
    return PhotoPage(session.exec(query.offset(offset).limit(limit)).all(), total)


# --- what members see and do ---------------------------------------------------------------

REVIEWABLE = (col(Photo.stage) != Stage.UPLOADED, col(Photo.removed_at).is_(None))  # there is a picture


def for_review(
    backends: Backends,
    event_id: int,
    review: Review | None = Review.PENDING,
    *,
    by: Account | None,
    offset: int = 0,
    limit: int = PAGE,
) -> PhotoPage:
    """Return the photos that have renditions, by verdict, in the order they were taken."""
    with backends.reading() as session:
        access.require(session, by, Action.REVIEW, event_id)
        query = select(Photo).where(Photo.event_id == event_id, *REVIEWABLE)
        if review is not None:
            query = query.where(Photo.review == review)
        return _page(session, query.order_by(col(Photo.taken_at), col(Photo.id)), offset, limit)


def names(
    backends: Backends, event_id: int, photo_ids: Iterable[str], *, by: Account | None
) -> dict[str, str]:
    """Return the file names of an event's photos by id, for messages; an unknown id names itself."""
    ids = [UUID(photo_id) for photo_id in photo_ids]
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        query = select(Photo.id, Photo.filename).where(Photo.event_id == event_id, col(Photo.id).in_(ids))
        known = dict(session.exec(query).all())
    return {str(photo_id): known.get(photo_id, str(photo_id)) for photo_id in ids}


def pending_count(backends: Backends, *, by: Account) -> int:
    """Return how many photos wait for a verdict in the events that the account may review."""
    query = select(func.count()).select_from(Photo).where(Photo.review == Review.PENDING, *REVIEWABLE)
    if by.role is not Role.ADMIN:
        reviewing = (EventMember.account_id == by.id, EventMember.role == MemberRole.CO_ORGANISER)
        query = query.join(EventMember, col(EventMember.event_id) == col(Photo.event_id)).where(*reviewing)
    with backends.reading() as session:
        return session.exec(query).one()


def review(
    backends: Backends, photo_ids: Sequence[UUID], verdict: Review, *, by: Account | None
) -> dict[UUID, Review]:
    """Give one verdict to several photos of one event; return the verdicts before, for undo."""
    with backends.transaction() as session:
        photos, event_id = _several(session, photo_ids, by)
        before = {photo.id: photo.review for photo in photos}
        seen = {"review": verdict, "reviewed_at": backends.now(), "reviewed_by": by.id if by else None}
        for photo in photos:
            photo.sqlmodel_update(seen)
        audit.record(session, "photo.review", event_id, by=by, verdict=verdict, photos=len(photos))
        count, changed = len(photos), [one for one, known in before.items() if known is not verdict]
        activity.record(session, ActivityKind.APPROVAL, by=Viewer("", by), event_id=event_id, photos=count)
        notices.note_photos(session, NoticeKind.PHOTO_REVIEWED, event_id, changed, review=verdict.value)
    return before


def delete(backends: Backends, photo_ids: Sequence[UUID], *, by: Account | None) -> None:
    """Hide photos at once and have a job take them apart. Raises Conflict for photos that were sold."""
    with backends.transaction() as session:
        photos, event_id = _several(session, photo_ids, by)
        if session.exec(_ordered(photo_ids)).first():
            raise Conflict(
                "Some of these photos are in orders and stay for their buyers. Reject them to hide them."
            )
        for photo in photos:
            photo.removed_at = backends.now()
            jobs.enqueue(session, JobKind.DELETE_PHOTO, photo.id, event_id=event_id)
        audit.record(session, "photo.delete", event_id, by=by, photos=len(photos))
        notices.note_photos(session, NoticeKind.PHOTO_DELETED, event_id, [photo.id for photo in photos])


def _ordered(photo_ids: Sequence[UUID]) -> SelectOfScalar[UUID]:
    """Select the lines of orders that are paid, or may be any minute; not those whose money went back."""
    living = (OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.HELD)
    is_kept = (col(LineItem.amount) == 0) | (col(LineItem.refunded_amount) < col(LineItem.amount))
    lines = select(LineItem.id).join(Order, col(Order.id) == col(LineItem.order_id))
    return lines.where(col(LineItem.photo_id).in_(photo_ids), col(Order.status).in_(living), is_kept)


def _several(session: Session, photo_ids: Sequence[UUID], by: Account | None) -> tuple[Sequence[Photo], int]:
    """Return and lock the photos, all of one event, for who reviews it. Raises NoSuchPhoto, Forbidden."""
    query = select(Photo).where(col(Photo.id).in_(photo_ids), col(Photo.removed_at).is_(None))
    photos = session.exec(query.order_by(col(Photo.id)).with_for_update(key_share=True)).all()
    event_ids = {photo.event_id for photo in photos}
    is_whole = len(event_ids) == 1 and len(photos) == len(set(photo_ids))
    if not is_whole or access.member_role(session, by, min(event_ids)) is None:
        raise NoSuchPhoto  # the same for those who may not know that they are there
    access.require(session, by, Action.REVIEW, min(event_ids))
    return photos, min(event_ids)
