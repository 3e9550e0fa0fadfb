"""What happened in an event in a day of its own calendar, told to its organisers by mail."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, func, select

from core import outbox, sessions
from core.backends import Backends
from models.account import Account
from models.activity import Activity, ActivityKind
from models.event import Event, EventMember, MemberRole
from models.job import Job, JobStatus
from models.mail import MailKind
from models.order import LineItem, LineKind, Order, OrderStatus
from models.photo import Photo, Review
from models.refund import Refund, RefundLine, RefundStatus

CATCH_UP = 3  # days: a worker that was away for a weekend tells of it afterwards
SOLD = (OrderStatus.PAID, OrderStatus.REFUNDED)


@dataclass(frozen=True)
class Figures:
    """One day of an event in numbers. Amounts in minor units of its currency."""

    order_count: int
    photo_count: int
    pass_count: int
    revenue_amount: int
    refund_count: int
    refund_amount: int
    search_count: int
    upload_count: int
    failed_count: int  # jobs that gave up
    waiting_count: int  # photos without a verdict, as of now

    @property
    def is_quiet(self) -> bool:
        """Nothing happened that day; what waits had been waiting."""
        happened = (self.order_count, self.refund_count, self.search_count, self.upload_count)
        return not any(happened) and not self.failed_count


def sum_up(backends: Backends, _: str) -> None:
    """Job: have the last days of each event told to its organisers, each day once."""
    now = backends.now()
    with backends.reading() as session:
        stirred = _stirred(session, now - timedelta(days=CATCH_UP + 2))  # days of all time zones
    for event_id in stirred:
        with backends.transaction() as session:
            _tell(backends, session, session.get_one(Event, event_id), now)


def _tell(backends: Backends, session: Session, event: Event, now: datetime) -> None:
    today = now.astimezone(event.zone).date()
    for day in (today - timedelta(days=number) for number in range(CATCH_UP, 0, -1)):
        if figures(session, event, day).is_quiet:
            continue
        for account in _organisers(session, event, day):
            if sessions.may_sign_in(backends, account):
                subject = f"{event.id}:{account.id}:{day}"
                told: dict[str, outbox.Value] = {"event_id": event.id, "account_id": account.id}
                outbox.put(session, MailKind.DAY_SUMMARY, subject, account.email, **told, day=day.isoformat())


def _organisers(session: Session, event: Event, day: date) -> Iterator[Account]:
    """Yield those who were organisers on that day already."""
    query = (
        select(Account)
        .join(EventMember)
        .where(
            EventMember.event_id == event.id,
            EventMember.role == MemberRole.CO_ORGANISER,
            col(EventMember.created_at) < _bounds(event, day)[1],
        )
    )
    yield from session.exec(query.order_by(col(Account.id))).all()


def _stirred(session: Session, since: datetime) -> list[int]:
    """Return the events in which anything happened lately."""
    active = select(Activity.event_id).where(col(Activity.at) >= since)
    uploaded = select(Photo.event_id).where(col(Photo.created_at) >= since)
    failed = select(Job.event_id).where(Job.status == JobStatus.FAILED, col(Job.finished_at) >= since)
    refunded = (
        select(LineItem.event_id)
        .join(RefundLine, col(RefundLine.line_item_id) == col(LineItem.id))
        .join(Refund, col(Refund.id) == col(RefundLine.refund_id))
        .where(col(Refund.created_at) >= since)
    )
    found: set[int | None] = set()
    for query in (active, uploaded, failed, refunded):
        found |= set(session.exec(query.distinct()))
    return sorted(event_id for event_id in found if event_id is not None)


# --- the numbers ---------------------------------------------------------------------------


def figures(session: Session, event: Event, day: date) -> Figures:
    """Return a day of an event in numbers."""
    bounds = _bounds(event, day)
    orders, photos, passes, revenue = _sales(session, event, bounds)
    refunds, given_back = _refunds(session, event, bounds)
    is_search = (Activity.event_id == event.id, Activity.kind == ActivityKind.SEARCH)
    gave_up = (Job.event_id == event.id, Job.status == JobStatus.FAILED)
    is_here = (Photo.event_id == event.id, col(Photo.removed_at).is_(None))
    return Figures(
        order_count=orders,
        photo_count=photos,
        pass_count=passes,
        revenue_amount=revenue,
        refund_count=refunds,
        refund_amount=given_back,
        search_count=_count(session, Activity.id, *is_search, _within(Activity.at, bounds)),
        upload_count=_count(session, Photo.id, *is_here, _within(Photo.created_at, bounds)),
        failed_count=_count(session, Job.id, *gave_up, _within(Job.finished_at, bounds)),
        waiting_count=_count(session, Photo.id, *is_here, Photo.review == Review.PENDING),
    )


def _sales(session: Session, event: Event, bounds: tuple[datetime, datetime]) -> tuple[int, int, int, int]:
    """Return the orders, photos and passes of a day, and what they came to."""
    is_pass = col(LineItem.kind) == LineKind.PASS
    query = (
        select(
            func.count(func.distinct(LineItem.order_id)),
            func.count().filter(~is_pass),
            func.count().filter(is_pass),
            func.coalesce(func.sum(LineItem.amount), 0),
        )
        .join(Order, col(Order.id) == col(LineItem.order_id))
        .where(LineItem.event_id == event.id, LineItem.currency == event.currency)
        .where(col(Order.status).in_(SOLD), _within(Order.paid_at, bounds))
    )
    return session.exec(query).one()


def _refunds(session: Session, event: Event, bounds: tuple[datetime, datetime]) -> tuple[int, int]:
    """Return the refunds asked for in a day that did not fail, and what they came to."""
    query = (
        select(func.count(func.distinct(Refund.id)), func.coalesce(func.sum(RefundLine.amount), 0))
        .join(RefundLine, col(RefundLine.refund_id) == col(Refund.id))
        .join(LineItem, col(LineItem.id) == col(RefundLine.line_item_id))
        .where(LineItem.event_id == event.id, Refund.currency == event.currency)
        .where(Refund.status != RefundStatus.FAILED, _within(Refund.created_at, bounds))
    )
    return session.exec(query).one()


def _count(session: Session, column: Any, *conditions: Any) -> int:
    return session.exec(select(func.count(column)).where(*conditions)).one()


def _within(column: Any, bounds: tuple[datetime, datetime]) -> ColumnElement[bool]:
    start, end = bounds
    return and_(col(column) >= start, col(column) < end)


def _bounds(event: Event, day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and ends where the event is."""
    start, end = (datetime.combine(one, time.min, event.zone) for one in (day, day + timedelta(days=1)))
    return start, end
