"""The occasions: create, edit, find, and who has a part in them."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, bindparam
from sqlalchemy import select as sql_select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from core import access, audit, days, galleries, paging
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.errors import Conflict, InvalidInput
from core.paging import Asked, Order, Page
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
        for day in (self.held_on, self.expires_at):
            days.check_year(day)
        days.check_zone(self.time_zone)


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
    """Create a draft event with one gallery; its creator becomes co-organiser. Raises InvalidInput."""
    account = access.require_role(by, Role.ORGANISER)
    details.check()
    try:
        with backends.transaction() as session:
            event = Event(slug=_free_slug(session, details.name), created_by=account.id, **asdict(details))
            session.add(event)
            session.flush()
            galleries.join(session, event, "All photos")
            session.add(EventMember(event_id=event.id, account_id=account.id, role=MemberRole.CO_ORGANISER))
            audit.record(session, "event.create", event.id, by=by, name=event.name)
    except IntegrityError as error:
        raise Conflict("Another event with this name is just being made. Try again in a moment.") from error
    return event


def edit(backends: Backends, event_id: int, details: Details, *, by: Account | None) -> Event:
    """Change what is written about an event; its address stays. Raises InvalidInput."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        _write(session, event, details, by)
    return event


def change(backends: Backends, event_id: int, changes: Mapping[str, Any], *, by: Account | None) -> Event:
    """Change some of what is written about an event, by the names of `Details`. Raises InvalidInput."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        written = Details(**{field.name: getattr(event, field.name) for field in fields(Details)})
        _write(session, event, replace(written, **changes), by)
    return event


def _write(session: Session, event: Event, details: Details, by: Account | None) -> None:
    details.check()
    changed = {name: value for name, value in asdict(details).items() if getattr(event, name) != value}
    before = event.zone
    event.sqlmodel_update(changed)
    if event.zone != before:
        _move_clocks(session, event, before)
    if changed:
        audit.record(session, "event.edit", event.id, by=by, changed=sorted(changed))


def _move_clocks(session: Session, event: Event, before: ZoneInfo) -> None:
    """Read the cameras' times again, in the event's zone as it is now."""
    for photo in session.exec(select(Photo).where(Photo.event_id == event.id)):
        if photo.taken_at is not None:
            photo.taken_at = photo.taken_at.astimezone(before).replace(tzinfo=event.zone).astimezone(UTC)


def set_status(backends: Backends, event_id: int, status: EventStatus, *, by: Account | None) -> Event:
    """Move an event on, or back."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        before, event.status = event.status, status
        audit.record(session, "event.status", event_id, by=by, before=before, after=status)
    return event


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


def seen(backends: Backends, event_id: int, *, by: Viewer) -> Event:
    """Return an event to whoever sees any of it."""
    if by.account is None and (event := _for_everybody(backends, event_id)):
        return event
    with backends.reading() as session:
        return access.view(session, by, event_id).event


def _for_everybody(backends: Backends, event_id: int) -> Event | None:
    """Return an event that is listed and open, without a session: in a third of the time."""
    row = backends.glance(_FOR_EVERYBODY, {"event_id": event_id, "now": backends.now()})
    return Event.model_construct(**row) if row else None


def find(backends: Backends, slug: str, *, by: Viewer) -> Scope:
    """Return what the viewer sees of the event with this slug (or numeric id). Raises NotFound."""
    with backends.reading() as session:
        where = Event.id == int(slug) if slug.isdecimal() and len(slug) < 10 else Event.slug == slug
        event = session.exec(select(Event).where(where)).first()
        if event is None:
            raise access.NoSuchEvent
        return access.view(session, by, event.id)


class EventSort(StrEnum):
    """In which order events are listed."""

    OLDEST = "held_on"
    NEWEST = "-held_on"


_BY_DAY = (col(Event.held_on), col(Event.id))
ORDERS = {
    sort: Order[Event](f"events.{sort}", _BY_DAY, is_descending)
    for sort, is_descending in ((EventSort.OLDEST, False), (EventSort.NEWEST, True))
}


def browse(
    backends: Backends,
    asked: Asked,
    *,
    by: Viewer,
    is_mine: bool = False,
    text: str = "",
    status: EventStatus | None = None,
    sort: EventSort = EventSort.NEWEST,
) -> Page[Event]:
    """Return a page of the events that every visitor may find, or of those the account has a part in."""
    query = _of_account(access.signed_in(by.account)) if is_mine else _listed(backends.now())
    query = query.where(*_matching(text), *([] if status is None else [col(Event.status) == status]))
    with backends.reading() as session:
        return paging.read(backends, session, query, ORDERS[sort], asked)


def listed(backends: Backends, text: str = "") -> Sequence[Event]:
    """Return the events that every visitor may find, newest first."""
    return _newest_first(backends, _listed(backends.now()).where(*_matching(text)))


def mine(backends: Backends, text: str = "", *, by: Account | None) -> Sequence[Event]:
    """Return the events the account has a part in, newest first; admins see all."""
    return _newest_first(backends, _of_account(access.signed_in(by)).where(*_matching(text)))


def _newest_first(backends: Backends, query: SelectOfScalar[Event]) -> Sequence[Event]:
    with backends.reading() as session:
        return session.exec(query.order_by(*(column.desc() for column in _BY_DAY))).all()


def _listed(now: datetime) -> SelectOfScalar[Event]:
    return select(Event).where(Event.visibility == Visibility.LISTED, *open_to_visitors(now))


def open_to_visitors(now: datetime | BindParameter[datetime]) -> list[ColumnElement[bool]]:
    """Return the conditions on events that visitors may look at; SQL twin of `Event.is_open_to_visitors`."""
    ends = col(Event.expires_at)
    return [
        col(Event.status) != EventStatus.DRAFT,  # not NOT IN: that is put together anew for each question
        col(Event.status) != EventStatus.CLOSED,
        or_(ends.is_(None), ends > now),
    ]


_FOR_EVERYBODY = sql_select(*(col(getattr(Event, name)) for name in Event.model_fields)).where(
    col(Event.id) == bindparam("event_id"),
    col(Event.visibility) == Visibility.LISTED,
    *open_to_visitors(bindparam("now")),
)


def _of_account(account: Account) -> SelectOfScalar[Event]:
    query = select(Event)
    if account.role is Role.ADMIN:
        return query
    return query.join(EventMember).where(EventMember.account_id == account.id)


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
    query = sql_select(  # in the order of `Counts`
        _number(),
        _number(col(Photo.stage) == Stage.INDEXED),
        _number(col(Photo.stage) != Stage.UPLOADED, col(Photo.review) == Review.PENDING),
        _number(col(Photo.review) == Review.APPROVED),
        _number(col(Photo.review) == Review.REJECTED),
        func.coalesce(func.sum(col(Photo.face_count)), 0),
    )
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        living = (col(Photo.event_id) == event_id, col(Photo.removed_at).is_(None))
        return Counts(*session.execute(query.where(*living)).one())


def _number(*where: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(col(Photo.id)).filter(*where)
