"""Once a day: forget what has been kept for long enough."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, delete, func, or_, select

from core import jobs, live
from core.backends import Backends
from models.account import OneTimeCode, RefreshToken, SignInSession
from models.idempotency import KeptAnswer
from models.job import Job, JobKind, JobStatus
from models.mail import MailKind, MailStatus, OutboxMail
from models.notice import Notice
from models.webhook import DeliveryStatus, WebhookDelivery

EVERY = timedelta(days=1)
ANSWERS_KEPT = timedelta(days=1)
DELIVERIES_KEPT = timedelta(days=30)
SESSIONS_KEPT = timedelta(days=30)  # after their end
JOBS_KEPT = timedelta(days=7)  # after their end, of the kinds that never stop coming
NIGHTLY = (JobKind.SUM_UP_DAY, JobKind.RECONCILE)  # the day's other work, begun by the sweep
ENDLESS = (JobKind.DELIVER_WEBHOOK, JobKind.SWEEP_OLD, JobKind.SEND_MAIL, *NIGHTLY)
MAILS_KEPT = timedelta(days=30)  # of the kinds that never stop coming
ENDLESS_MAILS = (MailKind.PASSWORD_RESET, MailKind.ORDER_LINKS, MailKind.DAY_SUMMARY)
LOST = "Nothing was left to send it. Send it once more."
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
    """Job: make the next appointment, which stands even if this one fails, then forget what is old.

    The day's other work is begun with it.
    """
    with backends.transaction() as session:
        _appointments(session, JobStatus.DUE, JobStatus.RUNNING, is_locking=True)
        if not _appointments(session, JobStatus.DUE):  # of two at work, the second finds the first one's
            _make_next(backends, session)
            for kind in NIGHTLY:
                jobs.enqueue(session, kind, SUBJECT)
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


def _stranded(session: Session, _: datetime) -> None:
    """Show as failed what waits and has no job any more, whatever took that. Deliveries are read first.

    One that is read has its job by then, for both are written at once.
    """
    waits = WebhookDelivery.status == DeliveryStatus.WAITING
    waiting = session.exec(select(WebhookDelivery.id).where(waits)).all()
    sending = select(Job.subject).where(Job.kind == JobKind.DELIVER_WEBHOOK, col(Job.status).in_(jobs.LIVING))
    living = set(session.exec(sending))
    for delivery_id in waiting:
        if str(delivery_id) not in living:
            _show_lost(session, delivery_id)


def _show_lost(session: Session, delivery_id: UUID) -> None:
    """One that somebody else is at is left for tomorrow."""
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update={"skip_locked": True})
    if delivery is not None and delivery.status is DeliveryStatus.WAITING:
        delivery.status, delivery.last_answer = DeliveryStatus.FAILED, LOST


def _jobs(session: Session, now: datetime) -> None:
    is_old = col(Job.finished_at) < now - JOBS_KEPT
    session.exec(delete(Job).where(col(Job.kind).in_(ENDLESS), is_old))


def _mails(session: Session, now: datetime) -> None:
    """Those that wait are kept; so are those about orders, receipts and payouts: each is told once."""
    is_old = col(OutboxMail.created_at) < now - MAILS_KEPT
    is_over = col(OutboxMail.status) != MailStatus.WAITING
    session.exec(delete(OutboxMail).where(col(OutboxMail.kind).in_(ENDLESS_MAILS), is_old, is_over))


def _sessions(session: Session, now: datetime) -> None:
    """With their refresh tokens."""
    end = now - SESSIONS_KEPT
    is_over = or_(col(SignInSession.expires_at) < end, col(SignInSession.revoked_at) < end)
    session.exec(delete(SignInSession).where(is_over))


def _refresh_tokens(session: Session, now: datetime) -> None:
    session.exec(delete(RefreshToken).where(col(RefreshToken.expires_at) <= now))


def _codes(session: Session, now: datetime) -> None:
    session.exec(delete(OneTimeCode).where(col(OneTimeCode.expires_at) <= now))


# What is found stranded is not forgotten before the next day.
FORGET: tuple[Forget, ...] = (
    _notices,
    _answers,
    _deliveries,
    _stranded,
    _jobs,
    _mails,
    _sessions,
    _refresh_tokens,
    _codes,
)
