"""Background work that is in trouble, and another try of it."""

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Asked, Id, Moment, Page, page
from core import jobs, troubles
from core.troubles import Choice
from models.job import JobKind, JobStatus

router = routing.router("jobs")

JobId = Annotated[Id, Path(description="The job's id.")]


class Job(Answer):
    """One piece of background work."""

    id: int
    kind: JobKind
    subject: str = Field(description="The id of what it works on.")
    event_id: int | None = Field(description="Null: it belongs to no event.")
    status: JobStatus = Field(description="`due`: it is tried again at `run_at`. `failed`: it gave up.")
    attempts: int = Field(description="How often it was tried.")
    last_error: str | None = Field(description="Why the last attempt failed; null: it did not.")
    created_at: Moment = Field(description="In UTC.")
    run_at: Moment = Field(description="When it is due, in UTC.")
    finished_at: Moment | None = Field(description="When it was done or gave up, in UTC; null: not yet.")


def _choice(
    kind: Annotated[JobKind | None, Query(description="Of this kind only.")] = None,
    status: Annotated[JobStatus | None, Query(description="In this status only.")] = None,
) -> Choice:
    return Choice(kind, status)


Chosen = Annotated[Choice, Depends(_choice)]


@router.get("/jobs")
def list_jobs(caller: callers.Reports, asked: Asked, choice: Chosen) -> Page[Job]:
    """List the jobs that gave up or are tried again, newest first. Admins only."""
    return page(troubles.listing(deps.backends(), asked, choice, by=caller.account), Job.model_validate)


@router.get("/events/{event_id}/jobs")
def list_event_jobs(caller: callers.Reports, event_id: EventId, asked: Asked, choice: Chosen) -> Page[Job]:
    """List the jobs of an event that gave up or are tried again, newest first."""
    found = troubles.of_event(deps.backends(), event_id, asked, choice, by=caller.account)
    return page(found, Job.model_validate)


@router.post("/jobs/{job_id}/retry", status_code=202)
def retry_job(caller: callers.WritesPhotos, job_id: JobId) -> Job:
    """Try a job that gave up again, with all its attempts; any other is left as it is."""
    job = jobs.retry(deps.backends(), job_id, by=caller.account)
    return Job.model_validate(troubles.readable(deps.backends(), job, by=caller.account))
