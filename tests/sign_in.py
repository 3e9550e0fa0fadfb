"""Signing in as the service sees it, and the time: what the tests of accounts share."""

from datetime import UTC, datetime, timedelta

from sqlmodel import select

from core import sessions
from core.backends import Backends
from models.account import Account
from models.audit import AuditEntry

NONCE = "the nonce of one browser"


class Clock:
    """The time, which passes when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **duration: float) -> None:
        self.time += timedelta(**duration)


def sign_in(backends: Backends, account: Account, previous: str = "") -> str:
    code = sessions.start_sign_in(backends, account.id, NONCE)
    return sessions.finish_sign_in(backends, code, NONCE, previous=previous)


def actions(backends: Backends) -> list[tuple[str, str, int | None]]:
    with backends.reading() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.action, entry.subject, entry.account_id) for entry in entries]


def stored(backends: Backends, account: Account) -> Account:
    with backends.reading() as session:
        return session.get_one(Account, account.id)
