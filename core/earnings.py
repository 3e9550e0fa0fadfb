"""What people earn, as they see it themselves: what is owed, why some of it is frozen, what was paid."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from core import access, statements
from core.backends import Backends
from core.bookings import PAYABLE
from core.statements import Row
from models.account import Account
from models.event import Event
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting, Payout, PayoutStatus

MONTHS = 12  # shown, the running one included
RECENT = 20  # rows


@dataclass(frozen=True)
class Funds:
    """What an account has in one currency. Amounts are minor units."""

    currency: str
    owed: int  # may be paid out; below zero: more went back than was owed
    frozen: int  # while disputes are open
    due: int  # of what is owed: drawn up, and on its way
    paid: int  # so far


@dataclass(frozen=True)
class Month:
    """What a month, in UTC, brought and took."""

    first: date
    currency: str
    sold: int  # shares of sales
    back: int  # of refunds and lost disputes, below zero
    paid: int  # out


@dataclass(frozen=True)
class FromEvent:
    """What an event brought, less what went back."""

    event_id: int
    name: str
    currency: str
    earned: int
    sale_count: int  # photos and passes sold


@dataclass(frozen=True)
class Frozen:
    """A share that waits for the end of a dispute."""

    order_id: UUID
    event: str
    currency: str
    amount: int


@dataclass(frozen=True)
class Earnings:
    """All of it, at a glance."""

    funds: Sequence[Funds]
    frozen: Sequence[Frozen]
    months: Sequence[Month]  # newest first, those in which nothing moved left out
    events: Sequence[FromEvent]  # newest first
    recent: Mapping[str, Sequence[Row]]  # by currency, newest first
    payouts: Sequence[Payout]  # newest first


def of_account(backends: Backends, *, by: Account | None) -> Earnings:
    """Return what the account earns. Raises SignInNeeded."""
    account_id = access.signed_in(by).id
    with backends.reading() as session:
        funds = balances(session, account_id)[account_id]
        drawn = select(Payout).where(col(Payout.account_id) == account_id)
        return Earnings(
            funds=funds,
            frozen=_frozen(session, account_id),
            months=_months(session, account_id, backends.now()),
            events=_events(session, account_id),
            recent={
                one.currency: statements.recent(session, account_id, one.currency, RECENT) for one in funds
            },
            payouts=session.scalars(drawn.order_by(col(Payout.id).desc()).limit(RECENT)).all(),
        )


def balances(session: Session, account_id: int | None = None) -> dict[int, list[Funds]]:
    """Return what everybody has, or one account, by currency."""
    of = (col(LedgerPosting.account_id), col(LedgerEntry.currency))
    columns = (*of, col(LedgerPosting.book), col(LedgerEntry.kind))
    query = select(*columns, -func.sum(LedgerPosting.amount)).join_from(LedgerPosting, LedgerEntry)
    query = query.where(col(LedgerPosting.book).in_(PAYABLE)).group_by(*columns)
    due = _due(session, account_id)
    if account_id is not None:
        query = query.where(col(LedgerPosting.account_id) == account_id)
    sums = defaultdict[tuple[int, str], Counter[Book]](Counter)
    for who, currency, book, kind, amount in session.execute(query):
        sums[who, currency][book] += int(amount)
        sums[who, currency][Book.PAID_OUT] -= int(amount) if kind is EntryKind.PAYOUT else 0
    found = defaultdict[int, list[Funds]](list)
    for (who, currency), stood in sorted(sums.items()):
        paid = stood[Book.PAID_OUT]
        found[who].append(
            Funds(currency, stood[Book.OWED], stood[Book.FROZEN], due.get((who, currency), 0), paid)
        )
    return found


def _due(session: Session, account_id: int | None) -> dict[tuple[int, str], int]:
    of = (col(Payout.account_id), col(Payout.currency))
    query = select(*of, func.sum(Payout.amount)).where(col(Payout.status) == PayoutStatus.DUE)
    if account_id is not None:
        query = query.where(col(Payout.account_id) == account_id)
    return {(who, currency): int(amount) for who, currency, amount in session.execute(query.group_by(*of))}


def _frozen(session: Session, account_id: int) -> list[Frozen]:
    of = (col(LedgerEntry.order_id), col(Event.name), col(LedgerEntry.currency))
    query = (
        select(*of, -func.sum(LedgerPosting.amount))
        .join_from(LedgerPosting, LedgerEntry)
        .join(Event, col(Event.id) == col(LedgerPosting.event_id))
        .where(col(LedgerPosting.account_id) == account_id, col(LedgerPosting.book) == Book.FROZEN)
        .group_by(*of)
        .having(func.sum(LedgerPosting.amount) != 0)
        .order_by(func.min(LedgerEntry.at))
    )
    return [
        Frozen(order_id, event, currency, int(amount))
        for order_id, event, currency, amount in session.execute(query)
    ]


def _months(session: Session, account_id: int, now: datetime) -> list[Month]:
    firsts = [_first(now, ago) for ago in range(MONTHS)]
    number = case(
        *(
            (col(LedgerEntry.at) >= datetime.combine(first, time(), UTC), ago)
            for ago, first in enumerate(firsts)
        )
    )
    moved = (
        select(
            number.label("ago"), col(LedgerEntry.currency), col(LedgerEntry.kind), col(LedgerPosting.amount)
        )
        .join_from(LedgerPosting, LedgerEntry)
        .where(
            col(LedgerPosting.account_id) == account_id,
            col(LedgerPosting.book).in_(PAYABLE),
            col(LedgerEntry.at) >= datetime.combine(firsts[-1], time(), UTC),
        )
        .subquery()
    )
    by = (moved.c.ago, moved.c.currency, moved.c.kind)
    sums = defaultdict[tuple[int, str], Counter[str]](Counter)
    for ago, currency, kind, amount in session.execute(select(*by, -func.sum(moved.c.amount)).group_by(*by)):
        column = {EntryKind.SALE: "sold", EntryKind.PAYOUT: "paid"}.get(kind, "back")
        sums[ago, currency][column] += int(amount)
    return [
        Month(firsts[ago], currency, brought["sold"], brought["back"], -brought["paid"])
        for (ago, currency), brought in sorted(sums.items())
    ]


def _first(now: datetime, months_ago: int) -> date:
    year, month = divmod(now.year * 12 + now.month - 1 - months_ago, 12)
    return date(year, month + 1, 1)


def _events(session: Session, account_id: int) -> list[FromEvent]:
    of = (col(Event.id), col(Event.name), col(Event.held_on), col(LedgerEntry.currency))
    query = (
        select(*of, -func.sum(LedgerPosting.amount), func.count(func.distinct(LedgerPosting.line_item_id)))
        .join_from(LedgerPosting, LedgerEntry)
        .join(Event, col(Event.id) == col(LedgerPosting.event_id))
        .where(col(LedgerPosting.account_id) == account_id, col(LedgerPosting.book).in_(PAYABLE))
        .group_by(*of)
        .order_by(col(Event.held_on).desc(), col(Event.id).desc())
    )
    return [
        FromEvent(event_id, name, currency, int(earned), count)
        for event_id, name, _, currency, earned, count in session.execute(query)
    ]
