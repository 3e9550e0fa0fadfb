"""What happened, for counting: written in the transaction of what it tells, read by the reports."""

from uuid import UUID

from sqlmodel import Session

from core.access import Viewer
from models.activity import Activity, ActivityKind


def record(
    session: Session,
    kind: ActivityKind,
    *,
    by: Viewer,
    event_id: int | None = None,
    subject: UUID | int | None = None,
    **numbers: int,
) -> None:
    """Append one row: ids and counts only, never a name, an address or a face."""
    session.add(
        Activity(
            kind=kind,
            event_id=event_id,
            visitor_key=by.visitor_key or None,
            account_id=by.account_id,
            subject=None if subject is None else str(subject),
            numbers=numbers,
        )
    )
