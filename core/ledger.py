"""The books: double entry, append only, hash-chained. What is posted, and when, is said in `bookings`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from core import chain
from core.backends import Backends
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting

_LOCK = 0x656E64  # class of our advisory lock on PostgreSQL; that of notices is one less


@dataclass(frozen=True)
class Balance:
    """What an account is owed, in minor units."""

    owed: int  # may be paid out; below zero: more went back than was owed
    frozen: int  # while disputes are open


def post(
    backends: Backends,
    session: Session,
    kind: EntryKind,
    subject: object,
    postings: Sequence[LedgerPosting],
    *,
    currency: str,
    order_id: UUID | None = None,
) -> LedgerEntry:
    """Append an entry in the caller's transaction, which writes alone from here to its end.

    Postings of nothing are left out. Raises ValueError unless the others add up to zero.
    """
    moved = [posting for posting in postings if posting.amount]
    if sum(posting.amount for posting in moved):
        raise ValueError(f"the postings of {kind} {subject} do not add up to zero")
    lock(session)
    last = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.id).desc()).limit(1)).first()
    entry = LedgerEntry(
        at=backends.now(),
        kind=kind,
        subject=str(subject),
        order_id=order_id,
        currency=currency,
        previous_hash=last.hash if last else chain.START,
        hash="",
    )
    entry.hash = chain.link(entry.previous_hash, _content(entry, moved))
    session.add(entry)
    session.flush()
    for posting in moved:
        posting.entry_id = entry.id
    session.add_all(moved)
    session.flush()
    return entry


def lock(session: Session) -> None:
    """Let no other transaction post before the caller's ends. Who also writes an audit entry locks first.

    SQLite writes one transaction at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:kind, 0)"), {"kind": _LOCK})


def is_posted(session: Session, kind: EntryKind, subject: object) -> bool:
    """Tell whether this was booked before."""
    query = select(LedgerEntry.id).where(LedgerEntry.kind == kind, LedgerEntry.subject == str(subject))
    return session.exec(query).first() is not None


# --- reading -------------------------------------------------------------------------------


def balance(session: Session, account_id: int, currency: str, until: datetime | None = None) -> Balance:
    """Return what an account is owed in a currency, before `until` or now."""
    query = (
        select(LedgerPosting.book, func.sum(LedgerPosting.amount))
        .join(LedgerEntry)
        .where(LedgerPosting.account_id == account_id, LedgerEntry.currency == currency)
        .group_by(col(LedgerPosting.book))
    )
    if until is not None:
        query = query.where(LedgerEntry.at < until)
    sums = {Book(book): -int(amount) for book, amount in session.exec(query)}
    return Balance(sums.get(Book.OWED, 0), sums.get(Book.FROZEN, 0))


def totals(session: Session) -> dict[tuple[Book, str], int]:
    """Return what stands in each account of the books, by currency; debits are positive."""
    query = (
        select(LedgerPosting.book, LedgerEntry.currency, func.sum(LedgerPosting.amount))
        .join(LedgerEntry)
        .group_by(col(LedgerPosting.book), col(LedgerEntry.currency))
    )
    return {(Book(book), currency): int(amount) for book, currency, amount in session.exec(query)}


def faults(backends: Backends) -> Iterator[str]:
    """Yield what is wrong with the books, in words: a broken chain, entries that do not add up to zero."""
    with backends.reading() as session:
        entries = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.id))).all()
        postings = defaultdict[int, list[LedgerPosting]](list)
        for posting in session.exec(select(LedgerPosting).order_by(col(LedgerPosting.id))):
            postings[posting.entry_id].append(posting)
    rows = ((entry.previous_hash, entry.hash, _content(entry, postings[entry.id])) for entry in entries)
    broken = chain.first_break(rows)
    if broken is not None:
        yield f"The ledger breaks at entry {entries[broken].id}."
    for entry in entries:
        if sum(posting.amount for posting in postings[entry.id]):
            yield f"Entry {entry.id} of the ledger does not add up to zero."


def _content(entry: LedgerEntry, postings: Sequence[LedgerPosting]) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(timespec="microseconds"),
        "kind": entry.kind,
        "subject": entry.subject,
        "order_id": None if entry.order_id is None else str(entry.order_id),
        "currency": entry.currency,
        "postings": [_row(posting) for posting in postings],
    }


def _row(posting: LedgerPosting) -> list[Any]:
    line_id = None if posting.line_item_id is None else str(posting.line_item_id)
    memo = (posting.base_amount, posting.percent)
    return [posting.book, posting.account_id, posting.event_id, line_id, posting.amount, *memo]
