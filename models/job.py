"""Background work as rows: the row is the queue and the record."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class JobKind(StrEnum):
    """Every kind of background work."""

    RENDER_PHOTO = "render_photo"
    INDEX_FACES = "index_faces"
    REINDEX_PHOTO = "reindex_photo"
    DROP_INDEX = "drop_index"
    DELETE_PHOTO = "delete_photo"
    SWEEP_UPLOAD = "sweep_upload"
    SETTLE_ORDER = "settle_order"
    EXPIRE_ORDER = "expire_order"
    TRACE_EVENT = "trace_event"
    GIVE_BACK = "give_back"
    RECONCILE = "reconcile"
    SEND_MAIL = "send_mail"
    SUM_UP_DAY = "sum_up_day"
    DELIVER_WEBHOOK = "deliver_webhook"
    SWEEP_OLD = "sweep_old"


class JobStatus(StrEnum):
    """A running job whose lease has passed is due again."""

    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(SQLModel, table=True):
    """One piece of background work."""

    __table_args__ = (Index("ix_job_status_run_at", "status", "run_at"),)

    id: int = Field(default=None, primary_key=True)  # set by the database
    kind: JobKind = Field(sa_type=choice(JobKind))
    subject: str = Field(max_length=64, index=True)  # the id of what it works on
    event_id: int | None = Field(default=None, foreign_key="event.id", index=True)
    status: JobStatus = Field(default=JobStatus.DUE, sa_type=choice(JobStatus))
    run_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    attempts: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=UTC_TIME)
    fence: str | None = Field(default=None, max_length=32)  # only its holder may finish the job
    last_error: str | None = Field(default=None, max_length=2000)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    finished_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
