"""What people are owed, paid out: drawn up for a period, paid by bank, written into the books.

Nothing is drawn up twice, and nothing is paid that is not owed any more.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from core import access, audit, earnings, ledger, outbox, paging, spreadsheets, statements
from core.backends import Backends
from core.earnings import Funds
from core.errors import Conflict, InvalidInput, NotFound
from core.paging import Asked, Page
from core.pricing import format_amount
from models.account import Account, Role
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting, Payout, PayoutStatus
from models.mail import MailKind

NEWEST = paging.Order[Payout]("payouts", (col(Payout.id),), is_descending=True)
LONGEST_REFERENCE = 120  # characters


@dataclass(frozen=True)
class Drawn:
    """A payout, and whose it is."""

    payout: Payout
    name: str
    email: str


@dataclass(frozen=True)
class Payee:
    """Somebody who is owed something, or was."""

    account_id: int
    name: str
    email: str
    funds: Sequence[Funds]


class NoSuchPayout(NotFound):
    """None has that id."""

    def __init__(self) -> None:
        super().__init__("There is no such payout.")


class PeriodNotOver(InvalidInput):
    """What is still being earned is not drawn up."""

    def __init__(self) -> None:
        super().__init__("This period is not over. Choose one whose last day is yesterday or before, in UTC.")


class Settled(Conflict):
    """It was paid or cancelled before."""

    def __init__(self) -> None:
        super().__init__("This payout was paid or cancelled already. Look at the list again.")


class OwedLess(Conflict):
    """Refunds came, or a dispute froze a part."""

    def __init__(self, amount: str, owed: str) -> None:
        super().__init__(
            "This payout says {amount}, and only {owed} is owed now: money went back to buyers, or a dispute "
            "froze it. Cancel this payout and draw it up anew.",
            amount=amount,
            owed=owed,
        )


# --- drawing up ----------------------------------------------------------------------------


def draw_up(
    backends: Backends, period_start: date, period_end: date, currency: str, *, by: Account | None
) -> list[Payout]:
    """Write down a payout for everybody who was owed something at the end of a period, and is owed it now.

    `period_end` is the day after the last. What was drawn up or paid before is not again. Admins only.
    Raises NoPeriod, PeriodNotOver.
    """
    admin = access.require_role(by, Role.ADMIN)
    _since, until = statements.period(period_start, period_end)
    if until > backends.now():
        raise PeriodNotOver
    with backends.transaction() as session:
        drawn = [
            Payout(
                account_id=account_id,
                currency=currency,
                period_start=period_start,
                period_end=period_end,
                amount=amount,
                created_by=admin.id,
                created_at=backends.now(),
            )
            for account_id in _queue(session, _payees(session, currency))
            if (amount := _payable(session, account_id, currency, until)) > 0
        ]
        session.add_all(drawn)
        session.flush()
        if drawn:
            days = f"{period_start}/{period_end}"
            audit.record(session, "payout.draw_up", days, by=admin, payouts=[one.id for one in drawn])
    return drawn


def _payees(session: Session, currency: str) -> list[int]:
    """Return everybody who is owed something in a currency."""
    owed = (
        select(LedgerPosting.account_id)
        .join(LedgerEntry)
        .where(LedgerPosting.book == Book.OWED, LedgerEntry.currency == currency)
        .group_by(col(LedgerPosting.account_id))
        .having(func.sum(LedgerPosting.amount) < 0)
    )
    return [account_id for account_id in session.exec(owed) if account_id is not None]


def _queue(session: Session, account_ids: Collection[int]) -> Sequence[int]:
    """Lock the payouts of some accounts until the caller's transaction ends, and return the accounts.

    The account's row stands for them. Sales go on: they only point at it.
    """
    query = select(Account.id).where(col(Account.id).in_(account_ids)).order_by(col(Account.id))
    return session.exec(query.with_for_update(key_share=True)).all()


def _payable(session: Session, account_id: int, currency: str, until: datetime) -> int:
    """Return what of the money owed at a time is still owed, and in no payout, in minor units."""
    at_end = ledger.balance(session, account_id, currency, until).owed
    owed = (LedgerPosting.account_id == account_id, LedgerPosting.book == Book.OWED)
    paid_since = (
        select(func.coalesce(func.sum(LedgerPosting.amount), 0))
        .join(LedgerEntry)
        .where(*owed, LedgerEntry.currency == currency)
        .where(LedgerEntry.kind == EntryKind.PAYOUT, LedgerEntry.at >= until)
    )
    due = select(func.coalesce(func.sum(Payout.amount), 0)).where(
        Payout.account_id == account_id, Payout.currency == currency, Payout.status == PayoutStatus.DUE
    )
    left = min(
        at_end - int(session.exec(paid_since).one()), ledger.balance(session, account_id, currency).owed
    )
    return left - int(session.exec(due).one())


# --- paying --------------------------------------------------------------------------------


def mark_paid(backends: Backends, payout_id: int, reference: str, *, by: Account | None) -> Payout:
    """Write down that a payout left, with its transfer's reference, and tell its owner. Admins only.

    Raises NoSuchPayout, InvalidInput without a reference, Settled, OwedLess.
    """
    admin = access.require_role(by, Role.ADMIN)
    if not 0 < len(reference.strip()) <= LONGEST_REFERENCE:
        raise InvalidInput("Give the reference of the bank transfer, in at most 120 characters.")
    with backends.transaction() as session:
        payout = _due(session, payout_id)
        payout.status, payout.paid_at = PayoutStatus.PAID, backends.now()
        payout.reference = reference.strip()
        _post(backends, session, payout)
        account = session.get_one(Account, payout.account_id)
        outbox.put(session, MailKind.PAYOUT, payout.id, account.email)
        audit.record(
            session, "payout.paid", payout.id, by=admin, amount=payout.amount, reference=payout.reference
        )
    return payout


def _due(session: Session, payout_id: int) -> Payout:
    """Return a payout that is due and that nobody else changes. Raises NoSuchPayout, Settled."""
    payout = session.get(Payout, payout_id)
    if payout is None:
        raise NoSuchPayout
    _queue(session, [payout.account_id])
    session.refresh(payout, with_for_update=True)
    if payout.status is not PayoutStatus.DUE:
        raise Settled
    return payout


def _post(backends: Backends, session: Session, payout: Payout) -> None:
    """Book a payout. Looked at afterwards, when nobody else can post: what is not owed is taken back."""
    postings = [
        LedgerPosting(book=Book.OWED, account_id=payout.account_id, amount=payout.amount),
        LedgerPosting(book=Book.PAID_OUT, amount=-payout.amount),
    ]
    ledger.post(backends, session, EntryKind.PAYOUT, payout.id, postings, currency=payout.currency)
    left = ledger.balance(session, payout.account_id, payout.currency).owed
    if left < 0:
        owed = max(left + payout.amount, 0)
        raise OwedLess(format_amount(payout.amount, payout.currency), format_amount(owed, payout.currency))


def cancel(backends: Backends, payout_id: int, *, by: Account | None) -> Payout:
    """Give up a payout that was not paid: its money is owed as before. Admins only.

    Raises NoSuchPayout, Settled.
    """
    admin = access.require_role(by, Role.ADMIN)
    with backends.transaction() as session:
        payout = _due(session, payout_id)
        payout.status = PayoutStatus.CANCELLED
        audit.record(session, "payout.cancel", payout.id, by=admin, amount=payout.amount)
    return payout


# --- reading -------------------------------------------------------------------------------


def listing(
    backends: Backends,
    asked: Asked = paging.LONG,
    *,
    status: PayoutStatus | None = None,
    by: Account | None,
) -> Page[Drawn]:
    """Return the payouts, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    query = select(Payout)
    if status is not None:
        query = query.where(Payout.status == status)
    with backends.reading() as session:
        page = paging.read(backends, session, query, NEWEST, asked)
        people = _people(session, {payout.account_id for payout in page.items})
    drawn = [Drawn(one, people[one.account_id].name, people[one.account_id].email) for one in page.items]
    return Page(drawn, page.next_cursor)


def payees(backends: Backends, *, by: Account | None) -> list[Payee]:
    """Return everybody who has or had something to be paid, by name. Admins only."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        funds = earnings.balances(session)
        people = _people(session, funds.keys())
    found = [Payee(who, people[who].name, people[who].email, of) for who, of in funds.items()]
    return sorted(found, key=lambda payee: (payee.name, payee.account_id))


def _people(session: Session, account_ids: Collection[int]) -> dict[int, Account]:
    found = session.exec(select(Account).where(col(Account.id).in_(account_ids)))
    return {account.id: account for account in found}


HEADER = (
    "payout",
    "name",
    "email",
    "first_day",
    "last_day",
    "currency",
    "amount",
    "amount_minor",
    "status",
    "drawn_up_at",
    "paid_at",
    "reference",
)


def export(backends: Backends, *, by: Account | None) -> Iterator[str]:
    """Return every payout as a CSV file, piece by piece, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    return spreadsheets.rows(HEADER, _exported(backends, by))


def _exported(backends: Backends, by: Account | None) -> Iterator[Sequence[spreadsheets.Cell]]:
    asked: Asked | None = Asked(paging.MOST)
    while asked:
        page = listing(backends, asked, by=by)
        yield from map(_cells, page.items)
        asked = Asked(paging.MOST, page.next_cursor) if page.next_cursor else None


def _cells(drawn: Drawn) -> Sequence[spreadsheets.Cell]:
    payout = drawn.payout
    return (
        payout.id,
        drawn.name,
        drawn.email,
        payout.period_start,
        payout.period_end - timedelta(days=1),
        payout.currency,
        spreadsheets.major(payout.amount, payout.currency),
        payout.amount,
        payout.status,
        payout.created_at,
        payout.paid_at,
        payout.reference,
    )
