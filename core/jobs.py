"""The queue: rows claimed atomically, with a lease, a fencing token, attempts and back-off.

A claimed job whose worker dies is due again when its lease ends. Only the holder of the fence may
finish it, so a worker that was thought dead changes nothing.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Select, Update, and_, exists, insert, or_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from core import access
from core.access import Action
from core.backends import Backends
from core.errors import NotFound, PlatformError, Unavailable
from models.account import Account, Role
from models.job import Job, JobKind, JobStatus

log = structlog.get_logger()

Handler = Callable[[Backends, str], None]

LIVING = (JobStatus.DUE, JobStatus.RUNNING)
MAX_ATTEMPTS = 8
BACK_OFF = timedelta(seconds=5)  # doubled with each attempt
DELIVER = JobKind.DELIVER_WEBHOOK
# Nobody waits for them; other people's servers may be away for days.
APPOINTMENTS = (
    JobKind.EXPIRE_ORDER,
    JobKind.SWEEP_UPLOAD,
    JobKind.DROP_INDEX,
    JobKind.SWEEP_OLD,
    JobKind.SEND_MAIL,
    DELIVER,
)
PATIENT = (JobKind.REINDEX_PHOTO, DELIVER)  # thousands at once: they let all others pass, the first most
TURN_SECONDS = 10  # of each minute: then a delivery goes first, one at a time
LEAST_LEASE_RENEWALS = 3  # per lease, while the handler runs


@dataclass(frozen=True)
class Patience:
    """How often work is tried, and how long it waits in between: twice as long each time."""

    attempts: int = MAX_ATTEMPTS
    first_wait: timedelta = BACK_OFF
    longest_wait: timedelta = timedelta(hours=6)

    def wait(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts."""
        return min(self.first_wait * int(2 ** (attempts - 1)), self.longest_wait)


class NoSuchJob(NotFound):
    """There is none of that number, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such job.")


USUAL = Patience()
OF_KIND = {
    DELIVER: Patience(attempts=18, first_wait=timedelta(seconds=30)),  # two days
    JobKind.SEND_MAIL: Patience(attempts=14, first_wait=timedelta(minutes=1)),  # 33 hours
    # Stripe repeats a refusal for a day: the last tries come after that.
    JobKind.GIVE_BACK: Patience(attempts=14, first_wait=timedelta(minutes=1)),
}


def enqueue(
    session: Session,
    kind: JobKind,
    subject: object,
    *,
    event_id: int | None = None,
    delay: timedelta = timedelta(0),
) -> Job:
    """Add a job in the caller's transaction: it exists if and only if what it follows does."""
    job = Job(kind=kind, subject=str(subject), event_id=event_id)
    job.run_at = job.run_at + delay
    session.add(job)
    return job


def enqueue_all(session: Session, kind: JobKind, subjects: Iterable[object], *, event_id: int) -> None:
    """Add a job for each subject in the caller's transaction, thousands at once."""
    made = (Job(kind=kind, subject=str(subject), event_id=event_id) for subject in subjects)
    rows = [job.model_dump(exclude={"id"}) for job in made]
    if rows:
        session.execute(insert(Job), rows)


def hurry(backends: Backends, session: Session, kind: JobKind, subject: object) -> list[JobStatus]:
    """Make the waiting job of this subject due at once. Returns where its jobs stand that are not over.

    They are held: none begins or ends before the caller's transaction does.
    """
    query = select(Job).where(Job.kind == kind, Job.subject == str(subject), col(Job.status).in_(LIVING))
    living = session.exec(query.with_for_update()).all()
    for job in living:
        if job.status is JobStatus.DUE:
            job.run_at = backends.now()
    return [job.status for job in living]


def claim(backends: Backends) -> Job | None:
    """Take the oldest due job under a lease and a fresh fence, None when nothing is due."""
    now = backends.now()
    lease = {"lease_until": now + backends.settings.job_lease, "fence": secrets.token_hex(16)}
    due = _due_ids(now).limit(1).with_for_update(skip_locked=True)
    taking = (
        update(Job)
        .where(col(Job.id) == due.scalar_subquery())
        .values(status=JobStatus.RUNNING, attempts=Job.attempts + 1, **lease)
        .returning(Job)
    )
    with backends.transaction() as session:
        return session.execute(taking).scalar_one_or_none()


def _due_ids(now: datetime) -> Select[tuple[int]]:
    waiting = and_(col(Job.status) == JobStatus.DUE, col(Job.run_at) <= now)
    abandoned = and_(col(Job.status) == JobStatus.RUNNING, col(Job.lease_until) < now)
    order = [*(col(Job.kind) == kind for kind in PATIENT), col(Job.run_at), col(Job.id)]
    if now.second < TURN_SECONDS:
        order.insert(0, and_(col(Job.kind) == DELIVER, ~_one_is_told(now)).desc())
    return select(Job.id).where(or_(waiting, abandoned)).order_by(*order)  # type: ignore[return-value]


def _one_is_told(now: datetime) -> ColumnElement[bool]:
    """A delivery is under way: however slow its receiver, it holds up one worker and no second one."""
    other = aliased(Job)
    is_running = and_(col(other.status) == JobStatus.RUNNING, col(other.lease_until) >= now)
    return exists().where(col(other.kind) == DELIVER, is_running)


def run_next(backends: Backends, handlers: Mapping[JobKind, Handler]) -> bool:
    """Run one due job to its end. Returns False when none was due."""
    job = claim(backends)
    if job is None:
        return False
    with structlog.contextvars.bound_contextvars(job_id=job.id, kind=job.kind, subject=job.subject):
        if job.attempts > _patience(job).attempts:  # each of its workers died before it could say why
            _fail(backends, job, "The worker died in each attempt.", is_final=True)
        else:
            _run(backends, job, handlers[job.kind])
    return True


def _run(backends: Backends, job: Job, handler: Handler) -> None:
    try:
        with _Renewing(backends, job):
            handler(backends, job.subject)
    except PlatformError as refusal:
        log.warning("job refused", reason=str(refusal))
        _fail(backends, job, str(refusal), is_final=not isinstance(refusal, Unavailable))
    except Exception as bug:  # the one place: a bug in a handler is written down, never lost
        log.exception("job failed")
        _fail(backends, job, f"{type(bug).__name__}: {bug}"[:2000], is_final=False)
    else:
        _finish(backends, job, status=JobStatus.DONE, finished_at=backends.now(), last_error=None)


def _fail(backends: Backends, job: Job, reason: str, *, is_final: bool) -> None:
    if is_final or _is_last(job):
        _finish(backends, job, status=JobStatus.FAILED, finished_at=backends.now(), last_error=reason)
    else:
        run_at = backends.now() + _patience(job).wait(job.attempts)
        _finish(backends, job, status=JobStatus.DUE, run_at=run_at, last_error=reason)


def _patience(job: Job) -> Patience:
    return OF_KIND.get(job.kind, USUAL)


def _is_last(job: Job) -> bool:
    return job.attempts >= _patience(job).attempts


def is_last_attempt(session: Session, kind: JobKind, subject: object) -> bool:
    """Tell whether the running job is not tried again after this. For handlers that leave a word."""
    running = select(Job).where(Job.kind == kind, Job.subject == str(subject))
    return any(_is_last(job) for job in session.exec(running.where(Job.status == JobStatus.RUNNING)))


def _finish(backends: Backends, job: Job, **values: object) -> None:
    with backends.transaction() as session:
        session.execute(_holding(job).values(fence=None, lease_until=None, **values))


def _holding(job: Job) -> Update:
    return update(Job).where(col(Job.id) == job.id, col(Job.fence) == job.fence)


class _Renewing:
    """Keeps the lease of a running job alive, so that a long one is not taken over."""

    def __init__(self, backends: Backends, job: Job) -> None:
        self._backends, self._job = backends, job
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-{job.id}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _renew(self) -> None:
        lease = self._backends.settings.job_lease
        while not self._ended.wait(lease.total_seconds() / LEAST_LEASE_RENEWALS):
            with (
                suppress(OperationalError),
                self._backends.transaction() as session,
            ):  # the next tick tries again
                session.execute(_holding(self._job).values(lease_until=self._backends.now() + lease))


# --- what people see and do ----------------------------------------------------------------


def counts(backends: Backends) -> dict[JobStatus, int]:
    """Return how many jobs stand where; appointments do not count."""
    with backends.reading() as session:
        work = select(Job.status, func.count()).where(col(Job.kind).not_in(APPOINTMENTS))
        rows = session.exec(work.group_by(col(Job.status)))
        return {JobStatus(status): count for status, count in rows}


def unfinished(backends: Backends) -> int:
    """Return how many jobs are due, running or trying again; appointments do not count."""
    waiting = and_(col(Job.status).in_(LIVING), col(Job.kind).not_in(APPOINTMENTS))
    with backends.reading() as session:
        return session.exec(select(func.count()).select_from(Job).where(waiting)).one()


def retry(backends: Backends, job_id: int, *, by: Account | None) -> Job:
    """Make a job that gave up due again, with all its attempts, and return it; others stay as they are.

    For admins, and who may upload to its event; a delivery is for who has webhooks there. Raises NoSuchJob.
    """
    with backends.transaction() as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None or not _is_known(session, job, by):
            raise NoSuchJob
        if job.event_id is not None:
            access.require(session, by, Action.EDIT if job.kind is DELIVER else Action.UPLOAD, job.event_id)
        if job.status is JobStatus.FAILED:
            job.status, job.attempts, job.run_at, job.finished_at = JobStatus.DUE, 0, backends.now(), None
    return job


def _is_known(session: Session, job: Job, by: Account | None) -> bool:
    if job.event_id is not None:
        return access.may(session, by, Action.SEE, job.event_id)
    return by is not None and by.is_active and by.role is Role.ADMIN
