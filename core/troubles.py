"""Background work that is in trouble, page by page: what gave up, and what is tried again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from core import access, paging
from core.access import Action
from core.backends import Backends
from core.jobs import DELIVER
from core.paging import Asked, Page
from models.account import Account, Role
from models.event import Event
from models.job import Job, JobKind, JobStatus

NEWEST = paging.Order[Job]("jobs", (col(Job.id),), is_descending=True)
OURS = "Something went wrong on our side. An admin can see the reason."
# A bug is written down as its type and its text, which may hold anything; a refusal is a sentence.
_BUG = re.compile(r"[^\W\d]\w*:")


@dataclass(frozen=True)
class Choice:
    """Which of the troubles: all of them unless it says otherwise."""

    kind: JobKind | None = None
    status: JobStatus | None = None

    def query(self) -> SelectOfScalar[Job]:
        """Return the question for them. A job that ends well keeps no error."""
        query = select(Job).where(or_(col(Job.status) == JobStatus.FAILED, col(Job.last_error).is_not(None)))
        if self.kind is not None:
            query = query.where(Job.kind == self.kind)
        return query if self.status is None else query.where(Job.status == self.status)


ALL = Choice()


def listing(backends: Backends, asked: Asked, choice: Choice = ALL, *, by: Account | None) -> Page[Job]:
    """Return the troubles of the whole platform, newest first. Admins only."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        return paging.read(backends, session, choice.query(), NEWEST, asked)


def named(backends: Backends, *, by: Account | None) -> Sequence[tuple[Job, str]]:
    """Return the newest troubles, each with its event's name, "" without one. Admins only."""
    found = listing(backends, paging.LONG, by=by).items
    with backends.reading() as session:
        used = col(Event.id).in_({job.event_id for job in found})
        names = dict(session.exec(select(Event.id, Event.name).where(used)).all())
    return [(job, names.get(job.event_id or 0, "")) for job in found]


def given_up(backends: Backends, event_id: int, *, by: Account | None) -> Sequence[Job]:
    """Return the newest jobs of an event that gave up, as the account may read them."""
    return of_event(backends, event_id, paging.LONG, Choice(status=JobStatus.FAILED), by=by).items


def of_event(
    backends: Backends, event_id: int, asked: Asked, choice: Choice = ALL, *, by: Account | None
) -> Page[Job]:
    """Return the troubles of an event, newest first, as the account may read them.

    Deliveries have a list of their own.
    """
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        query = choice.query().where(Job.event_id == event_id, Job.kind != DELIVER)
        found = paging.read(backends, session, query, NEWEST, asked)
        is_told_bugs = access.may(session, by, Action.EDIT, event_id)
    return found if is_told_bugs else replace(found, items=[_without_bug(job) for job in found.items])


def readable(backends: Backends, job: Job, *, by: Account | None) -> Job:
    """Return a job of an event as the account may read it: who cannot edit the event is told of no bug."""
    if job.event_id is None:
        return job
    with backends.reading() as session:
        is_told_bugs = access.may(session, by, Action.EDIT, job.event_id)
    return job if is_told_bugs else _without_bug(job)


def _without_bug(job: Job) -> Job:
    is_bug = _BUG.match(job.last_error or "") is not None
    return Job(**(job.model_dump() | {"last_error": OURS})) if is_bug else job
