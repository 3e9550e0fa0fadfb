"""The queue: rows claimed atomically, with a lease, a fencing token, attempts and back-off.

A claimed job whose worker dies is due again when its lease ends. Only the holder of the fence may
finish it, so a worker that was thought dead changes nothing.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy import Select, Update, and_, insert, or_, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select

from core import access
from core.access import Action
from core.backends import Backends
from core.errors import NotFound, PlatformError, Unavailable
from models.account import Account, Role
from models.event import Event
from models.job import Job, JobKind, JobStatus

log = structlog.get_logger()

Handler = Callable[[Backends, str], None]

MAX_ATTEMPTS = 8
BACK_OFF = timedelta(seconds=5)  # doubled with each attempt
APPOINTMENTS = (JobKind.EXPIRE_ORDER, JobKind.SWEEP_UPLOAD, JobKind.DROP_INDEX)  # nobody waits for them
PATIENT = (JobKind.REINDEX_PHOTO,)  # thousands at once: they let everything else pass
LEAST_LEASE_RENEWALS = 3  # per lease, while the handler runs


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


def _due_ids(now: object) -> Select[tuple[int]]:
    waiting = and_(col(Job.status) == JobStatus.DUE, col(Job.run_at) <= now)
    abandoned = and_(col(Job.status) == JobStatus.RUNNING, col(Job.lease_until) < now)
    order = (col(Job.kind).in_(PATIENT), col(Job.run_at), col(Job.id))
    return select(Job.id).where(or_(waiting, abandoned)).order_by(*order)  # type: ignore[return-value]


def run_next(backends: Backends, handlers: Mapping[JobKind, Handler]) -> bool:
    """Run one due job to its end. Returns False when none was due."""
    job = claim(backends)
    if job is None:
        return False
    with structlog.contextvars.bound_contextvars(job_id=job.id, kind=job.kind, subject=job.subject):
        if job.attempts > MAX_ATTEMPTS:  # each of its workers died before it could say why
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
    if is_final or job.attempts >= MAX_ATTEMPTS:
        _finish(backends, job, status=JobStatus.FAILED, finished_at=backends.now(), last_error=reason)
    else:
        wait = BACK_OFF * 2 ** (job.attempts - 1)
        _finish(backends, job, status=JobStatus.DUE, run_at=backends.now() + wait, last_error=reason)


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


def failed(backends: Backends, *, by: Account | None) -> Sequence[tuple[Job, str]]:
    """Return (job, event name) of every job that gave up or is trying again, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    troubled = or_(col(Job.status) == JobStatus.FAILED, col(Job.last_error).is_not(None))
    with backends.reading() as session:
        rows = session.exec(
            select(Job, Event.name)
            .join(Event, col(Event.id) == col(Job.event_id), isouter=True)
            .where(troubled, col(Job.status) != JobStatus.DONE)
            .order_by(col(Job.id).desc())
            .limit(500)
        )
        return [(job, name or "") for job, name in rows]


def failed_of_event(backends: Backends, event_id: int, *, by: Account | None) -> Sequence[Job]:
    """Return the jobs of an event that gave up, newest first."""
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        query = select(Job).where(Job.event_id == event_id, Job.status == JobStatus.FAILED)
        return session.exec(query.order_by(col(Job.id).desc()).limit(500)).all()


def counts(backends: Backends) -> dict[JobStatus, int]:
    """Return how many jobs stand where; appointments do not count."""
    with backends.reading() as session:
        work = select(Job.status, func.count()).where(col(Job.kind).not_in(APPOINTMENTS))
        rows = session.exec(work.group_by(col(Job.status)))
        return {JobStatus(status): count for status, count in rows}


def unfinished(backends: Backends) -> int:
    """Return how many jobs are due, running or trying again; appointments do not count."""
    waiting = and_(
        col(Job.status).in_([JobStatus.DUE, JobStatus.RUNNING]), col(Job.kind).not_in(APPOINTMENTS)
    )
    with backends.reading() as session:
        return session.exec(select(func.count()).select_from(Job).where(waiting)).one()


def retry(backends: Backends, job_id: int, *, by: Account | None) -> None:
    """Make a job that gave up due again, with all its attempts. Admins, and who may upload to its event."""
    with backends.transaction() as session:
        job = session.get(Job, job_id)
        if job is None:
            raise NotFound("There is no such job.")
        if job.event_id is None:
            access.require_role(by, Role.ADMIN)
        else:
            access.require(session, by, Action.UPLOAD, job.event_id)
        if job.status is JobStatus.FAILED:
            job.status, job.attempts, job.run_at, job.finished_at = JobStatus.DUE, 0, backends.now(), None
