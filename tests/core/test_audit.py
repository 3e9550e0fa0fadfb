"""The audit log: written with what it tells, and loud when somebody touches it (T60)."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from core import audit, chain
from core.__main__ import main
from core.errors import Forbidden, SignInNeeded
from core.paging import Asked
from models.account import Role
from models.audit import AuditEntry
from tests.makers import make_account


@pytest.fixture
def entries(backends) -> list[AuditEntry]:
    account = make_account(backends, Role.ADMIN)
    made = []
    for number in range(4):
        with backends.transaction() as session:
            made.append(
                audit.record(session, "photo.review", number, by=account, photos=number, verdict="approved")
            )
    return made


def tamper(backends, statement: str, **values: object) -> None:
    with backends.transaction() as session:
        session.connection().execute(text(statement), values)


def broken_at(backends) -> int | None:
    entry = audit.first_break(backends)
    return entry.id if entry else None


def test_every_entry_follows_the_one_before(backends, entries):
    assert broken_at(backends) is None
    assert [entry.previous_hash for entry in entries] == [
        chain.START,
        *(entry.hash for entry in entries[:-1]),
    ]


def test_what_was_recorded_is_read_back(backends, entries):
    with backends.reading() as session:
        entry = session.get_one(AuditEntry, entries[2].id)

    assert entry == entries[2]
    assert (entry.subject, entry.detail) == ("2", {"photos": 2, "verdict": "approved"})


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit_entry SET action = 'photo.delete' WHERE id = :id",
        "UPDATE audit_entry SET subject = '99' WHERE id = :id",
        "UPDATE audit_entry SET account_id = 99 WHERE id = :id",
        "UPDATE audit_entry SET account_id = NULL WHERE id = :id",
        """UPDATE audit_entry SET detail = '{"photos": 3}' WHERE id = :id""",
        "UPDATE audit_entry SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = :id",
    ],
)
def test_an_edited_entry_is_found(backends, entries, edit):
    tamper(backends, edit, id=entries[1].id)

    assert broken_at(backends) == entries[1].id


def test_a_moved_time_is_found(backends, entries):
    with backends.transaction() as session:
        session.get_one(AuditEntry, entries[1].id).at -= timedelta(microseconds=1)

    assert broken_at(backends) == entries[1].id


def test_a_deleted_entry_is_found(backends, entries):
    tamper(backends, "DELETE FROM audit_entry WHERE id = :id", id=entries[1].id)

    assert broken_at(backends) == entries[2].id


def test_two_entries_that_changed_places_are_found(backends, entries):
    first, second = entries[1].id, entries[2].id

    for old, new in ((first, 990), (second, first), (990, second)):
        tamper(backends, "UPDATE audit_entry SET id = :new WHERE id = :old", old=old, new=new)

    assert broken_at(backends) == first


def test_an_act_that_failed_is_not_in_the_log(backends, entries):
    with suppress(ZeroDivisionError), backends.transaction() as session:
        audit.record(session, "event.edit", 1, by=None)
        raise ZeroDivisionError

    with backends.reading() as session:
        assert len(session.exec(select(AuditEntry)).all()) == 4
    assert broken_at(backends) is None


def test_the_command_tells_where_the_log_breaks(backends, entries, capsys):
    whole = main(["audit"])
    tamper(backends, "UPDATE audit_entry SET subject = '99' WHERE id = :id", id=entries[1].id)
    broken = main(["audit"])

    assert (whole, broken) == (0, 1)
    assert capsys.readouterr().out.splitlines() == [
        "The audit log is whole.",
        "The ledger is whole.",
        f"The audit log breaks at entry {entries[1].id}.",
        "The ledger is whole.",
    ]


def test_times_are_kept_to_the_microsecond(backends, entries):
    with backends.reading() as session:
        assert [entry.at for entry in session.exec(select(AuditEntry))] == [entry.at for entry in entries]
    assert all(isinstance(entry.at, datetime) and entry.at.tzinfo for entry in entries)


def test_the_log_is_read_newest_first_and_page_by_page(backends, entries):
    admin = make_account(backends, Role.ADMIN)

    first = audit.listing(backends, Asked(3), by=admin)
    second = audit.listing(backends, Asked(3, first.next_cursor), by=admin)

    assert [*first.items, *second.items] == entries[::-1]
    assert second.next_cursor is None


def test_the_log_is_searched_by_what_who_and_when(backends, entries):
    admin = make_account(backends, Role.ADMIN)
    with backends.transaction() as session:
        other = audit.record(session, "photo_review", 1, by=admin)

    def found(**asked: object) -> list[AuditEntry]:
        return list(audit.listing(backends, Asked(), by=admin, **asked).items)

    assert found(action="photo.") == entries[::-1]
    assert found(action="photo_") == found(account_id=admin.id) == [other]
    assert found(account_id=entries[0].account_id) == entries[::-1]
    assert found(since=entries[1].at, until=entries[3].at) == [entries[2], entries[1]]
    assert found(action="%") == []


@pytest.mark.parametrize("role", [*(role for role in Role if role is not Role.ADMIN), None])
def test_only_admins_read_and_check_the_log(backends, role):
    account = make_account(backends, role) if role else None

    for ask in (
        lambda: audit.listing(backends, Asked(), by=account),
        lambda: audit.check(backends, by=account),
    ):
        with pytest.raises(Forbidden if account else SignInNeeded):
            ask()
