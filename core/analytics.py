"""What was sold, day by day, for those who have a part in an event. Nothing here tells who bought."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from core import access, events, paging
from core.access import ALLOWED, Action
from core.backends import Backends
from core.paging import Asked, Page
from models.account import Account, Role
from models.event import Event, EventMember
from models.order import LineItem, Order, OrderStatus
from models.photo import Photo

BEST = 12  # photos shown as the best sold
ANALYSING = [role for role, actions in ALLOWED.items() if Action.ANALYSE in actions]
KEPT = col(LineItem.amount) - col(LineItem.refunded_amount)  # minor units: revenue is less what went back
# A line of a paid order, free ones too, unless all its money went back.
IS_SOLD = and_(col(Order.status) == OrderStatus.PAID, or_(KEPT > 0, col(LineItem.amount) == 0))
LATEST = paging.Order[Event]("sales", (col(Event.held_on), col(Event.id)), is_descending=True)


@dataclass(frozen=True)
class DaySales:
    """One day on the event's own calendar."""

    day: date
    revenue_amount: int  # minor units
    photo_count: int


@dataclass(frozen=True)
class BestPhoto:
    """A photo and how often it was sold."""

    photo: Photo
    sold_count: int


@dataclass(frozen=True)
class Sales:
    """What one event sold, in its own currency."""

    event: Event
    revenue_amount: int  # minor units
    order_count: int
    photo_count: int
    days: tuple[DaySales, ...]  # from the first to the last sale, days without one included
    best: tuple[BestPhoto, ...]

    @property
    def average_amount(self) -> int:
        """Minor units per order, rounded down; 0 without orders."""
        return self.revenue_amount // self.order_count if self.order_count else 0


@dataclass(frozen=True)
class EventSales:
    """One event's line in the overview."""

    event: Event
    revenue_amount: int  # minor units
    order_count: int
    photo_count: int


@dataclass(frozen=True)
class _Sold:
    order_id: UUID
    photo_id: UUID | None  # None: a pass
    amount: int  # minor units, less what went back
    paid_at: datetime


def sales(backends: Backends, event_id: int, *, by: Account | None) -> Sales:
    """Return what an event sold, from its paid orders. Raises NotFound and Forbidden."""
    with backends.reading() as session:
        event = access.require(session, by, Action.ANALYSE, event_id)
        sold = _sold(session, event)
        best = _best(session, sold)
    return Sales(
        event=event,
        revenue_amount=sum(item.amount for item in sold),
        order_count=len({item.order_id for item in sold}),
        photo_count=sum(item.photo_id is not None for item in sold),
        days=_by_day(sold, event.zone),
        best=best,
    )


def overall(backends: Backends, *, by: Account | None) -> list[EventSales]:
    """Return one line for each event whose sales the account may see, newest first."""
    seen = events.allowing(backends, Action.ANALYSE, by=by)
    with backends.reading() as session:
        return _lines(session, seen)


def listing(backends: Backends, asked: Asked, *, by: Account | None) -> Page[EventSales]:
    """Return what `overall` does, page by page."""
    account = access.signed_in(by)
    query = select(Event)
    if account.role is not Role.ADMIN:
        mine = and_(col(EventMember.account_id) == account.id, col(EventMember.role).in_(ANALYSING))
        query = query.join(EventMember).where(mine)
    with backends.reading() as session:
        found = paging.read(backends, session, query, LATEST, asked)
        return Page(_lines(session, found.items), found.next_cursor)


def _lines(session: Session, seen: Sequence[Event]) -> list[EventSales]:
    count_orders = func.count(func.distinct(LineItem.order_id))
    query = (
        select(LineItem.event_id, func.sum(KEPT), count_orders, func.count(col(LineItem.photo_id)))
        .join(Order, col(Order.id) == col(LineItem.order_id))
        .join(Event, col(Event.id) == col(LineItem.event_id))
        .where(IS_SOLD, LineItem.currency == Event.currency)
        .group_by(col(LineItem.event_id))
    )
    mine = query.where(col(LineItem.event_id).in_([event.id for event in seen]))
    sums = {row[0]: row[1:] for row in session.exec(mine)}
    return [EventSales(event, *sums.get(event.id, (0, 0, 0))) for event in seen]


def _sold(session: Session, event: Event) -> list[_Sold]:
    rows = session.exec(
        select(LineItem.order_id, LineItem.photo_id, KEPT, Order.paid_at)
        .join(Order, col(Order.id) == col(LineItem.order_id))
        .where(LineItem.event_id == event.id, IS_SOLD, LineItem.currency == event.currency)
    )
    return [_Sold(*row) for row in rows]


def _by_day(sold: Sequence[_Sold], zone: ZoneInfo) -> tuple[DaySales, ...]:
    revenue: Counter[date] = Counter()
    count: Counter[date] = Counter()
    for item in sold:
        day = item.paid_at.astimezone(zone).date()
        revenue[day] += item.amount
        count[day] += item.photo_id is not None
    if not count:
        return ()
    first, last = min(count), max(count)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(DaySales(day, revenue[day], count[day]) for day in days)


def _best(session: Session, sold: Sequence[_Sold]) -> tuple[BestPhoto, ...]:
    counted = Counter(item.photo_id for item in sold if item.photo_id is not None).most_common()
    top = sorted(counted, key=lambda pair: (-pair[1], str(pair[0])))[:BEST]
    found = session.exec(select(Photo).where(col(Photo.id).in_([photo_id for photo_id, _ in top]))).all()
    photos = {photo.id: photo for photo in found}
    return tuple(BestPhoto(photos[photo_id], count) for photo_id, count in top)
