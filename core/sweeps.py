"""Once a day: forget what has been kept for long enough."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, func, select

from core import jobs, live
from core.backends import Backends
from models.account import OneTimeCode, RefreshToken
from models.idempotency import KeptAnswer
from models.job import Job, JobKind, JobStatus
from models.notice import Notice
from models.webhook import DeliveryStatus, WebhookDelivery

EVERY = timedelta(days=1)
ANSWERS_KEPT = timedelta(days=1)
DELIVERIES_KEPT = timedelta(days=30)
SUBJECT = "daily"

Forget = Callable[[Session, datetime], None]


def appoint(backends: Backends) -> None:
    """Make the next appointment unless one waits or is at work. For a worker that starts.

    Two workers that start at once may make two: the next sweeps go on as one.
    """
    with backends.transaction() as session:
        if not _appointments(session, JobStatus.DUE, JobStatus.RUNNING):
            _make_next(backends, session)


def sweep_old(backends: Backends, _: str) -> None:
    """Job: make the next appointment, which stands even if this one fails, then forget what is old."""
    with backends.transaction() as session:
        _appointments(session, JobStatus.DUE, JobStatus.RUNNING, is_locking=True)
        if not _appointments(session, JobStatus.DUE):  # of two at work, the second finds the first one's
            _make_next(backends, session)
    for forget in FORGET:
        with backends.transaction() as session:
            forget(session, backends.now())


def _appointments(session: Session, *statuses: JobStatus, is_locking: bool = False) -> list[int]:
    query = select(Job.id).where(Job.kind == JobKind.SWEEP_OLD, col(Job.status).in_(statuses))
    query = query.order_by(col(Job.id))
    return list(session.exec(query.with_for_update() if is_locking else query))


def _make_next(backends: Backends, session: Session) -> None:
    job = jobs.enqueue(session, JobKind.SWEEP_OLD, SUBJECT)
    job.run_at = backends.now() + EVERY


# --- what is forgotten ---------------------------------------------------------------------


def _notices(session: Session, now: datetime) -> None:
    """Each event keeps the newest of its old notices: `live.is_whole` tells by it what is gone."""
    newest_old = select(Notice.event_id, func.max(Notice.id)).where(col(Notice.at) < now - live.KEPT)
    for event_id, last_id in session.exec(newest_old.group_by(col(Notice.event_id))).all():
        session.exec(delete(Notice).where(col(Notice.event_id) == event_id, col(Notice.id) < last_id))


def _answers(session: Session, now: datetime) -> None:
    session.exec(delete(KeptAnswer).where(col(KeptAnswer.created_at) < now - ANSWERS_KEPT))


def _deliveries(session: Session, now: datetime) -> None:
    is_old = col(WebhookDelivery.created_at) < now - DELIVERIES_KEPT
    session.exec(delete(WebhookDelivery).where(is_old, col(WebhookDelivery.status) != DeliveryStatus.WAITING))


def _refresh_tokens(session: Session, now: datetime) -> None:
    session.exec(delete(RefreshToken).where(col(RefreshToken.expires_at) <= now))


def _codes(session: Session, now: datetime) -> None:
    session.exec(delete(OneTimeCode).where(col(OneTimeCode.expires_at) <= now))


FORGET: tuple[Forget, ...] = (_notices, _answers, _deliveries, _refresh_tokens, _codes)
