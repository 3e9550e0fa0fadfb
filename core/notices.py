"""What happened in an event, noted in the transaction of what it tells, for the live lines and webhooks.

Imported by `core.backends`, whose transactions write what was noted: knows tables only.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session, col, select

from models.fields import utc_now
from models.job import Job, JobKind
from models.notice import Notice, NoticeKind
from models.webhook import WebhookDelivery, WebhookEndpoint

MOST_PHOTOS = 500  # told of in one notice

_NOTED = "notices"  # in the session's own notebook
_LOCKS = 0x656E63  # class of our advisory locks on PostgreSQL: one for each event

Value = str | int | list[str]


def note(session: Session, kind: NoticeKind, event_id: int, **data: Value) -> None:
    """Note what the caller's transaction does: ids and counts only. Written when it ends."""
    noted = Notice(kind=kind, event_id=event_id, data=data, at=utc_now())
    inside = session.get_nested_transaction() or session.get_transaction()
    session.info.setdefault(_NOTED, []).append((inside, noted))


def note_photos(
    session: Session, kind: NoticeKind, event_id: int, photo_ids: Sequence[UUID], **data: Value
) -> None:
    """Note what the caller's transaction does to photos, in as many notices as it takes."""
    for start in range(0, len(photo_ids), MOST_PHOTOS):
        told = [str(photo_id) for photo_id in photo_ids[start : start + MOST_PHOTOS]]
        note(session, kind, event_id, photo_ids=told, **data)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """What was noted in a transaction that is rolled back, whole or to a savepoint, did not happen."""
    noted = session.info.pop(_NOTED, [])
    session.info[_NOTED] = [(inside, notice) for inside, notice in noted if ended not in _around(inside)]


def _around(inside: SessionTransaction | None) -> Iterator[SessionTransaction]:
    while inside is not None:
        yield inside
        inside = inside.parent


def write(session: Session) -> None:
    """Write what was noted, with a delivery for each webhook that wants it. The transaction's last act."""
    noted: list[Notice] = [notice for _, notice in session.info.pop(_NOTED, [])]
    if not noted:
        return
    event_ids = sorted({notice.event_id for notice in noted})
    _queue_up(session, event_ids)
    session.add_all(noted)
    session.flush()
    _address(session, noted, event_ids)


def _queue_up(session: Session, event_ids: Iterable[int]) -> None:
    """Let transactions that note something of the same event end in the order of their notices' ids.

    Whoever waits here holds every row it wants, and waits for events in their order: no two wait for each
    other. SQLite writes one transaction at a time anyway.
    """
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        for event_id in event_ids:
            session.execute(
                text("SELECT pg_advisory_xact_lock(:kind, :event)"), {"kind": _LOCKS, "event": event_id}
            )


def _address(session: Session, noted: Sequence[Notice], event_ids: Sequence[int]) -> None:
    query = select(WebhookEndpoint).where(
        col(WebhookEndpoint.event_id).in_(event_ids), col(WebhookEndpoint.is_active)
    )
    endpoints: dict[int, list[WebhookEndpoint]] = defaultdict(list)
    for endpoint in session.exec(query):
        endpoints[endpoint.event_id].append(endpoint)
    for notice in noted:
        for endpoint in endpoints[notice.event_id]:
            if not endpoint.kinds or notice.kind.value in endpoint.kinds:
                _deliver(session, endpoint, notice)


def _deliver(session: Session, endpoint: WebhookEndpoint, notice: Notice) -> None:
    delivery = WebhookDelivery(
        endpoint_id=endpoint.id, notice_id=notice.id, kind=notice.kind.value, body=body(notice)
    )
    session.add(delivery)
    session.add(Job(kind=JobKind.DELIVER_WEBHOOK, subject=str(delivery.id), event_id=notice.event_id))


def body(notice: Notice) -> str:
    """Return the JSON that tells of a notice, the same to a webhook and on a live line."""
    return told(notice.id, notice.kind.value, notice.event_id, notice.at, notice.data)


def told(number: int, kind: str, event_id: int, at: datetime, data: Mapping[str, Any]) -> str:
    """Return the JSON of anything that is told of an event."""
    parts = {
        "id": number,
        "kind": kind,
        "event_id": event_id,
        "at": at.isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
