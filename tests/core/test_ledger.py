"""The books themselves: what is posted adds up, is chained, and stays as it was written."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from core import ledger
from core.ledger import Balance
from models.fields import utc_now
from models.ledger import Book, EntryKind, LedgerPosting
from tests.makers import make_account


def book(
    backends, subject: str, *postings: tuple[Book, int | None, int], kind=EntryKind.SALE, currency="THB"
):
    """Post an entry: (book, account, amount)."""
    rows = [LedgerPosting(book=name, account_id=who, amount=amount) for name, who, amount in postings]
    with backends.transaction() as session:
        return ledger.post(backends, session, kind, subject, rows, currency=currency)


def test_what_does_not_add_up_to_zero_is_never_posted(backends):
    with pytest.raises(ValueError, match="add up to zero"):
        book(backends, "one", (Book.GATEWAY, None, 100), (Book.PLATFORM, None, -99))

    with backends.reading() as session:
        assert ledger.totals(session) == {}


def test_the_same_thing_is_booked_once(backends):
    book(backends, "one", (Book.GATEWAY, None, 100), (Book.PLATFORM, None, -100))

    with pytest.raises(IntegrityError):
        book(backends, "one", (Book.GATEWAY, None, 100), (Book.PLATFORM, None, -100))

    with backends.reading() as session:
        assert ledger.is_posted(session, EntryKind.SALE, "one")
        assert not ledger.is_posted(session, EntryKind.REFUND, "one")


def test_a_balance_is_what_is_owed_and_what_is_frozen_in_one_currency(backends):
    who, other = make_account(backends).id, make_account(backends).id
    book(backends, "a", (Book.GATEWAY, None, 300), (Book.OWED, who, -200), (Book.OWED, other, -100))
    book(backends, "b", (Book.OWED, who, 50), (Book.FROZEN, who, -50), kind=EntryKind.DISPUTE_OPENED)
    book(backends, "c", (Book.GATEWAY, None, 7), (Book.OWED, who, -7), currency="USD")

    with backends.reading() as session:
        assert ledger.balance(session, who, "THB") == Balance(owed=150, frozen=50)
        assert ledger.balance(session, who, "USD") == Balance(owed=7, frozen=0)
        assert ledger.balance(session, other, "THB") == Balance(owed=100, frozen=0)


def test_a_balance_can_be_asked_for_as_it_was(backends):
    who, now = make_account(backends).id, utc_now()
    for number, at in enumerate((now - timedelta(days=1), now)):
        backends.now = lambda at=at: at
        book(backends, str(number), (Book.GATEWAY, None, 100), (Book.OWED, who, -100))

    with backends.reading() as session:
        assert ledger.balance(session, who, "THB", until=now).owed == 100
        assert ledger.balance(session, who, "THB").owed == 200


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id + 1000", "DELETE FROM {}"])
def test_the_database_refuses_to_change_what_was_posted(backends, table, change):
    book(backends, "one", (Book.GATEWAY, None, 100), (Book.PLATFORM, None, -100))

    with pytest.raises(DatabaseError, match="append only"), backends.transaction() as session:
        session.execute(text(change.format(table)))

    assert list(ledger.faults(backends)) == []


def spoil(backends, *changes: str) -> None:
    """Change the books as somebody with the database in their hands could."""
    with backends.transaction() as session:
        for table in ("ledger_entry", "ledger_posting"):
            for what in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER {table}_no_{what}"))
        for change in changes:
            session.execute(text(change))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE ledger_posting SET amount = amount * 2 WHERE entry_id = 2", "breaks at entry 2"),
        ("UPDATE ledger_entry SET subject = 'x' WHERE id = 1", "breaks at entry 1"),
        ("DELETE FROM ledger_posting WHERE entry_id = 2 AND amount > 0", "does not add up to zero"),
        ("DELETE FROM ledger_posting WHERE entry_id = 2", "breaks at entry 2"),
        ("UPDATE ledger_posting SET account_id = 1 WHERE id = 6", "breaks at entry 3"),
    ],
)
def test_what_was_changed_behind_our_back_is_found(backends, change, fault):
    make_account(backends)
    for subject in "abc":
        book(backends, subject, (Book.GATEWAY, None, 100), (Book.PLATFORM, None, -100))
    assert list(ledger.faults(backends)) == []

    spoil(backends, change)

    assert any(fault in found for found in ledger.faults(backends))
