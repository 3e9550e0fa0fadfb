"""Who did what: append only, hash-chained."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core import access, chain, paging
from core.backends import Backends
from core.paging import Asked, Page
from models.account import Account, Role
from models.audit import AuditEntry
from models.fields import utc_now

NEWEST = paging.Order[AuditEntry]("audit", (col(AuditEntry.id),), is_descending=True)


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


def check(backends: Backends, *, by: Account | None) -> AuditEntry | None:
    """Return what `first_break` does. Admins only."""
    access.require_role(by, Role.ADMIN)
    return first_break(backends)


def listing(
    backends: Backends,
    asked: Asked,
    *,
    by: Account | None,
    action: str = "",
    account_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[AuditEntry]:
    """Return the entries whose action begins so, newest first; `until` is not within. Admins only."""
    access.require_role(by, Role.ADMIN)
    query = select(AuditEntry).where(col(AuditEntry.action).startswith(action, autoescape=True))
    if account_id is not None:
        query = query.where(AuditEntry.account_id == account_id)
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    if until is not None:
        query = query.where(AuditEntry.at < until)
    with backends.reading() as session:
        return paging.read(backends, session, query, NEWEST, asked)


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
