"""What an account was owed, posting by posting: each row says how its share was computed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import Select

from core import access, ledger, spreadsheets
from core.backends import Backends
from core.bookings import PAYABLE
from core.errors import InvalidInput, NotFound
from core.ledger import Balance
from models.account import Account, Role
from models.event import Event
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting, Payout
from models.order import LineItem
from models.photo import Photo


@dataclass(frozen=True)
class Row:
    """One movement of what an account is owed. Amounts are minor units; what goes back is negative.

    `amount` is `percent` of `base_amount`, rounded half up. Where there is no percentage it is what the
    buyer paid less tax, the platform's and others' shares; or it goes to or from the frozen.
    """

    at: datetime
    kind: EntryKind
    book: Book  # owed or frozen
    event: str
    order_id: UUID | None
    label: str  # the photo's file name, the pass, the reference of a payout
    paid_amount: int
    tax_amount: int
    platform_amount: int
    others_amount: int  # shares of others
    base_amount: int | None
    percent: int | None
    amount: int
    before: int  # what stood in its book
    after: int


@dataclass(frozen=True)
class Statement:
    """All that moved in a period, and what stood before and after it."""

    account_id: int
    name: str
    currency: str
    period_start: date  # first day, in UTC
    period_end: date  # the day after the last
    opening: Balance
    rows: Sequence[Row]
    closing: Balance


class NoSuchStatement(NotFound):
    """There is no such account, or the reader may not know what it is owed."""

    def __init__(self) -> None:
        super().__init__("There is no such statement. Everybody sees their own only.")


class NoPeriod(InvalidInput):
    """It ends before it begins."""

    def __init__(self) -> None:
        super().__init__("A period has one day at least: choose a last day that is not before its first.")


def statement(
    backends: Backends,
    account_id: int,
    currency: str,
    period_start: date,
    period_end: date,
    *,
    by: Account | None,
) -> Statement:
    """Return one's own statement, or anybody's to an admin. `period_end` is the day after the last.

    Raises NoSuchStatement, NoPeriod.
    """
    since, until = period(period_start, period_end)
    with backends.reading() as session:
        account = _owner(session, account_id, by)
        opening = ledger.balance(session, account_id, currency, since)
        moved = _moved(account_id, currency).where(LedgerEntry.at >= since, LedgerEntry.at < until)
        found = session.exec(moved.order_by(col(LedgerEntry.id), col(LedgerPosting.id))).all()
        return Statement(
            account_id=account_id,
            name=account.name,
            currency=currency,
            period_start=period_start,
            period_end=period_end,
            opening=opening,
            rows=_rows(session, found, opening),
            closing=ledger.balance(session, account_id, currency, until),
        )


def recent(session: Session, account_id: int, currency: str, limit: int) -> Sequence[Row]:
    """Return the last rows of an account, newest first."""
    newest = (col(LedgerEntry.id).desc(), col(LedgerPosting.id).desc())
    found = session.exec(_moved(account_id, currency).order_by(*newest).limit(limit)).all()[::-1]
    now, moved = ledger.balance(session, account_id, currency), Counter[Book]()
    for posting, *_ in found:
        moved[posting.book] -= posting.amount
    opening = Balance(now.owed - moved[Book.OWED], now.frozen - moved[Book.FROZEN])
    return _rows(session, found, opening)[::-1]


def period(start: date, end: date) -> tuple[datetime, datetime]:
    """Return the moments at which a period of days in UTC begins and ends. Raises NoPeriod."""
    if start >= end:
        raise NoPeriod
    return datetime.combine(start, time(), UTC), datetime.combine(end, time(), UTC)


def _owner(session: Session, account_id: int, by: Account | None) -> Account:
    reader = access.signed_in(by)
    account = session.get(Account, account_id)
    if account is None or (account_id != reader.id and reader.role is not Role.ADMIN):
        raise NoSuchStatement
    return account


# --- rows ----------------------------------------------------------------------------------

_Found = tuple[LedgerPosting, LedgerEntry, str | None, str | None]
_Key = tuple[int, UUID | None]  # an entry's part that is about one line item


def _moved(account_id: int, currency: str) -> Select[LedgerPosting, LedgerEntry, str, str]:
    """Select what moved of an account's own, with the event's name and the photo's."""
    label = func.coalesce(Photo.filename, LineItem.label)
    return (
        select(LedgerPosting, LedgerEntry, Event.name, label)
        .join(LedgerEntry)
        .outerjoin(Event, col(Event.id) == col(LedgerPosting.event_id))
        .outerjoin(LineItem, col(LineItem.id) == col(LedgerPosting.line_item_id))
        .outerjoin(Photo, col(Photo.id) == col(LineItem.photo_id))
        .where(
            LedgerPosting.account_id == account_id,
            col(LedgerPosting.book).in_(PAYABLE),
            LedgerEntry.currency == currency,
        )
    )


def _rows(session: Session, found: Sequence[_Found], opening: Balance) -> list[Row]:
    paid, references = _paid(session, found), _references(session, found)
    own, last = Counter[_Key](), dict[_Key, int]()
    for posting, *_ in found:
        own[_key(posting)] -= posting.amount
        last[_key(posting)] = posting.id
    stood = Counter({Book.OWED: opening.owed, Book.FROZEN: opening.frozen})
    rows = []
    for posting, entry, event, label in found:
        key = _key(posting)
        # What was paid is said once, though a lost dispute moves the same share back and forth.
        gross = paid.get(key, Counter()) if last[key] == posting.id else Counter[Book]()
        others = gross.total() - own[key] if gross else 0
        name = label or references.get(entry.subject, "")
        rows.append(_row(posting, entry, event or "", name, gross, others, stood[posting.book]))
        stood[posting.book] -= posting.amount
    return rows


def _row(
    posting: LedgerPosting,
    entry: LedgerEntry,
    event: str,
    label: str,
    gross: Counter[Book],
    others: int,
    before: int,
) -> Row:
    return Row(
        at=entry.at,
        kind=entry.kind,
        book=posting.book,
        event=event,
        order_id=entry.order_id,
        label=label,
        paid_amount=gross[Book.GATEWAY],
        tax_amount=-gross[Book.TAX],
        platform_amount=-gross[Book.PLATFORM],
        others_amount=others,
        base_amount=posting.base_amount,
        percent=posting.percent,
        amount=-posting.amount,
        before=before,
        after=before - posting.amount,
    )


def _key(posting: LedgerPosting) -> _Key:
    return posting.entry_id, posting.line_item_id


def _paid(session: Session, found: Sequence[_Found]) -> dict[_Key, Counter[Book]]:
    """Return what buyers paid for each line, and what went to others than people; debits are positive."""
    if not found:
        return {}
    of_line = (col(LedgerPosting.entry_id), col(LedgerPosting.line_item_id), col(LedgerPosting.book))
    first, last = found[0][1].id, found[-1][1].id
    mine = select(LedgerPosting.entry_id).where(LedgerPosting.account_id == found[0][0].account_id)
    query = select(*of_line, func.sum(LedgerPosting.amount)).where(
        col(LedgerPosting.entry_id).in_(mine),
        col(LedgerPosting.entry_id).between(first, last),
        col(LedgerPosting.book).in_((Book.GATEWAY, Book.TAX, Book.PLATFORM)),
    )
    sums: dict[_Key, Counter[Book]] = {}
    for entry_id, line_id, book, amount in session.exec(query.group_by(*of_line)):
        sums.setdefault((entry_id, line_id), Counter())[Book(book)] += int(amount)
    return sums


def _references(session: Session, found: Sequence[_Found]) -> dict[str, str]:
    """Return the references of payouts, by their entries' subjects."""
    ids = [int(entry.subject) for _, entry, *_ in found if entry.kind is EntryKind.PAYOUT]
    query = select(Payout.id, Payout.reference).where(col(Payout.id).in_(ids))
    return {str(payout_id): reference for payout_id, reference in session.exec(query)}


# --- as a file -----------------------------------------------------------------------------

HEADER = (
    "date",
    "what",
    "balance",
    "event",
    "order",
    "photo",
    "currency",
    "paid_by_buyer",
    "tax",
    "platform",
    "others",
    "base",
    "percent",
    "amount",
    "before",
    "after",
    "base_minor",
    "amount_minor",
    "before_minor",
    "after_minor",
)


def statement_csv(statement: Statement) -> Iterator[str]:
    """Return a statement as a CSV file, piece by piece."""
    return spreadsheets.rows(HEADER, (_cells(row, statement.currency) for row in statement.rows))


def _cells(row: Row, currency: str) -> Sequence[spreadsheets.Cell]:
    paid = (row.paid_amount, row.tax_amount, row.platform_amount, row.others_amount)
    moved = (row.amount, row.before, row.after)
    base = row.base_amount
    return (
        row.at,
        row.kind,
        row.book,
        row.event,
        row.order_id,
        row.label,
        currency,
        *(spreadsheets.major(amount, currency) for amount in paid),
        None if base is None else spreadsheets.major(base, currency),
        row.percent,
        *(spreadsheets.major(amount, currency) for amount in moved),
        base,
        *moved,
    )
