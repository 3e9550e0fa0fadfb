"""One original and how far it has come."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class Stage(StrEnum):
    """Pipeline progress; it only moves forward."""

    UPLOADED = "uploaded"
    RENDERED = "rendered"
    INDEXED = "indexed"


class Review(StrEnum):
    """A human's verdict."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Photo(SQLModel, table=True):
    """One original, kept as it came."""

    __table_args__ = (
        UniqueConstraint("event_id", "sha256"),
        Index("ix_photo_event_id_stage_review", "event_id", "stage", "review"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    event_id: int = Field(foreign_key="event.id")
    gallery_id: int = Field(foreign_key="gallery.id", index=True)
    uploaded_by: int = Field(foreign_key="account.id")
    filename: str = Field(max_length=255)  # as shown; storage keys are made from the id
    sha256: str = Field(max_length=64)
    byte_size: int
    media_type: str = Field(max_length=32)
    width: int  # pixels, upright
    height: int
    taken_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    camera: str | None = Field(default=None, max_length=120)
    has_gps: bool = False
    stage: Stage = Field(default=Stage.UPLOADED, sa_type=choice(Stage))
    review: Review = Field(default=Review.PENDING, sa_type=choice(Review))
    reviewed_by: int | None = Field(default=None, foreign_key="account.id")
    reviewed_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    delivered_sha256: str | None = Field(default=None, max_length=64)  # of what a buyer receives
    delivered_size: int | None = None  # bytes
    price_amount: int | None = None  # minor units, in full size; None: its gallery's
    face_count: int | None = None  # searchable ones; None until indexed
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    removed_at: datetime | None = Field(default=None, sa_type=UTC_TIME)  # hidden; a job takes it apart

    @property
    def is_public(self) -> bool:
        """A visitor may see it: the pipeline is done and a human agreed."""
        return self.stage is Stage.INDEXED and self.review is Review.APPROVED and self.removed_at is None

    @property
    def original_key(self) -> str:
        """Where the untouched upload lies."""
        return f"originals/{self.id}"

    @property
    def delivered_key(self) -> str:
        """Where the bytes lie that a buyer receives: the original, or its copy without GPS data."""
        return f"delivered/{self.id}" if self.has_gps else self.original_key

    def rendition_key(self, name: str) -> str:
        """Where the rendition of that name lies."""
        return f"renditions/{self.id}/{name}"
