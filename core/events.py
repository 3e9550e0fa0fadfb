"""The occasions: create, edit, find, and who has a part in them."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from core import access, audit, galleries, photos
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.errors import InvalidInput, NotFound
from models.account import Account, Role
from models.event import Event, EventMember, EventStatus, MemberRole, Visibility
from models.photo import Photo, Review, Stage

LARGEST_PRICE = 100_000_000  # minor units; a slip of the keyboard, not a price


@dataclass(frozen=True)
class Details:
    """What an organiser writes about an event."""

    name: str
    held_on: date
    time_zone: str = "Asia/Bangkok"
    place: str = ""
    description: str = ""
    price_amount: int = 0  # minor units, per photo
    visibility: Visibility = Visibility.BY_LINK
    expires_at: datetime | None = None

    def check(self) -> None:
        """Raises InvalidInput for what cannot be an event."""
        if not self.name.strip():
            raise InvalidInput("Give the event a name.")
        for text, longest in ((self.name, 120), (self.place, 120), (self.description, 2000)):
            if len(text) > longest:
                raise InvalidInput("A text is too long: at most {longest} characters.", longest=longest)
        if not 0 <= self.price_amount <= LARGEST_PRICE:
            raise InvalidInput("The price must be zero or more, and below one million.")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidInput("There is no time zone called {name}.", name=self.time_zone) from error


@dataclass(frozen=True)
class Counts:
    """How far the photos of an event have come."""

    uploaded: int  # every photo
    indexed: int
    pending: int  # to be seen already, without a verdict
    approved: int
    rejected: int
    faces: int


def create(backends: Backends, details: Details, *, by: Account | None) -> Event:
    """Create a draft event with one gallery; its creator becomes co-organiser."""
    account = access.require_role(by, Role.ORGANISER)
    details.check()
    with backends.transaction() as session:
        event = Event(slug=_free_slug(session, details.name), created_by=account.id, **asdict(details))
        session.add(event)
        session.flush()
        galleries.join(session, event, "All photos")
        session.add(EventMember(event_id=event.id, account_id=account.id, role=MemberRole.CO_ORGANISER))
        audit.record(session, "event.create", event.id, by=by, name=event.name)
    return event


def edit(backends: Backends, event_id: int, details: Details, *, by: Account | None) -> Event:
    """Change what is written about an event; its address stays."""
    details.check()
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        changed = {name: value for name, value in asdict(details).items() if getattr(event, name) != value}
        before = event.zone
        event.sqlmodel_update(changed)
        if event.zone != before:
            _move_clocks(session, event, before)
        if changed:
            audit.record(session, "event.edit", event_id, by=by, changed=sorted(changed))
    return event


def _move_clocks(session: Session, event: Event, before: ZoneInfo) -> None:
    """Read the cameras' times again, in the event's zone as it is now."""
    for photo in session.exec(select(Photo).where(Photo.event_id == event.id)):
        if photo.taken_at is not None:
            photo.taken_at = photo.taken_at.astimezone(before).replace(tzinfo=event.zone).astimezone(UTC)


def set_status(backends: Backends, event_id: int, status: EventStatus, *, by: Account | None) -> None:
    """Move an event on, or back."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        before, event.status = event.status, status
        audit.record(session, "event.status", event_id, by=by, before=before, after=status)


def set_cover(backends: Backends, event_id: int, photo_id: UUID, *, by: Account | None) -> None:
    """Use one of the event's photos as its cover."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        photo = session.get(Photo, photo_id)
        if photo is None or photo.event_id != event_id:
            raise NotFound("That photo is not in this event.")
        event.cover_photo_id = photo_id


def _free_slug(session: Session, name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "event"
    base = f"event-{base}" if base.isdecimal() else base  # a number is read as an id
    taken = session.exec(select(Event.id).where(Event.slug == base)).first()
    return base if taken is None else f"{base}-{secrets.token_hex(3)}"


# --- finding -------------------------------------------------------------------------------


def get(backends: Backends, event_id: int, *, by: Account | None) -> Event:
    """Return an event for those who have a part in it."""
    with backends.reading() as session:
        return access.require(session, by, Action.SEE, event_id)


def find(backends: Backends, slug: str, *, by: Viewer) -> Scope:
    """Return what the viewer sees of the event with this slug (or numeric id). Raises NotFound."""
    with backends.reading() as session:
        where = Event.id == int(slug) if slug.isdecimal() and len(slug) < 10 else Event.slug == slug
        event = session.exec(select(Event).where(where)).first()
        if event is None:
            raise access.NoSuchEvent
        return access.view(session, by, event.id)


def listed(backends: Backends, text: str = "") -> Sequence[Event]:
    """Return the events that every visitor may find, newest first."""
    with backends.reading() as session:
        query = select(Event).where(Event.visibility == Visibility.LISTED, *_matching(text))
        events = session.exec(query.order_by(col(Event.held_on).desc(), col(Event.id).desc()))
        return [event for event in events if event.is_open_to_visitors(backends.now())]


def cover(backends: Backends, event: Event) -> UUID | None:
    """Return the photo on an event's card: the chosen one while it is public, else the first public one."""
    public = photos.public_query(Scope(event)).with_only_columns(col(Photo.id))
    with backends.reading() as session:
        chosen = session.execute(public.where(col(Photo.id) == event.cover_photo_id)).scalar()
        first = public.order_by(col(Photo.taken_at), col(Photo.id)).limit(1)
        return chosen or session.execute(first).scalar()


def mine(backends: Backends, text: str = "", *, by: Account | None) -> Sequence[Event]:
    """Return the events the account has a part in, newest first; admins see all."""
    account = access.signed_in(by)
    with backends.reading() as session:
        query = select(Event)
        if account.role is not Role.ADMIN:
            query = query.join(EventMember).where(EventMember.account_id == account.id)
        query = query.where(*_matching(text)).order_by(col(Event.held_on).desc(), col(Event.id).desc())
        return session.exec(query).all()


def actions(backends: Backends, event_id: int, *, by: Account | None) -> frozenset[Action]:
    """Return what the account may do to an event, for offering no more than that."""
    with backends.reading() as session:
        return access.allowed(session, by, event_id)


def allowing(backends: Backends, action: Action, *, by: Account | None) -> Sequence[Event]:
    """Return the account's events in which it may do this."""
    events = mine(backends, by=by)
    with backends.reading() as session:
        return [event for event in events if access.may(session, by, action, event.id)]


def _matching(text: str) -> list[ColumnElement[bool]]:
    if not text.strip():
        return []
    pattern = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [or_(*(col(field).ilike(f"%{pattern}%", escape="\\") for field in (Event.name, Event.place)))]


def counts(backends: Backends, event_id: int, *, by: Account | None) -> Counts:
    """Return how far the photos of an event have come."""
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        rows = session.exec(
            select(Photo.stage, Photo.review, func.count(), func.sum(col(Photo.face_count)))
            .where(Photo.event_id == event_id, col(Photo.removed_at).is_(None))
            .group_by(col(Photo.stage), col(Photo.review))
        ).all()
    return Counts(
        uploaded=sum(count for _, _, count, _ in rows),
        indexed=sum(count for stage, _, count, _ in rows if stage is Stage.INDEXED),
        pending=sum(
            count
            for stage, review, count, _ in rows
            if review is Review.PENDING and stage is not Stage.UPLOADED
        ),
        approved=sum(count for _, review, count, _ in rows if review is Review.APPROVED),
        rejected=sum(count for _, review, count, _ in rows if review is Review.REJECTED),
        faces=sum(faces or 0 for _, _, _, faces in rows),
    )
