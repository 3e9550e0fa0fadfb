"""Who did what: append only, hash-chained."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from core import chain
from core.backends import Backends
from models.account import Account
from models.audit import AuditEntry
from models.fields import utc_now


def record(
    session: Session, action: str, subject: object, *, by: Account | None, **detail: Any
) -> AuditEntry:
    """Append an entry in the caller's transaction. Writers queue: the first entry is the log's lock."""
    session.exec(select(AuditEntry.id).order_by(col(AuditEntry.id)).limit(1).with_for_update()).first()
    last = session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(1)).first()
    entry = AuditEntry(
        at=utc_now(),
        account_id=by.id if by else None,
        action=action,
        subject=str(subject),
        detail=detail,
        previous_hash=last.hash if last else chain.START,
        hash="",
    )
    entry.hash = chain.link(entry.previous_hash, _content(entry))
    session.add(entry)
    session.flush()
    return entry


def first_break(backends: Backends) -> AuditEntry | None:
    """Return the first entry that does not follow the one before, None when the log is whole."""
    entries = _all(backends)
    position = chain.first_break((entry.previous_hash, entry.hash, _content(entry)) for entry in entries)
    return None if position is None else entries[position]


def _all(backends: Backends) -> Sequence[AuditEntry]:
    with backends.reading() as session:
        return session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()


def _content(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(timespec="microseconds"),
        "account_id": entry.account_id,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
    }
