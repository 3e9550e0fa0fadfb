"""Answers kept for a while, so that a request sent twice is carried out once."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, utc_now


class KeptAnswer(SQLModel, table=True):
    """The answer to a request with an Idempotency-Key; without a status it is still being worked on."""

    __tablename__ = "kept_answer"

    key_sha256: str = Field(primary_key=True, max_length=64)  # of who asks, the address and the key
    request_sha256: str = Field(max_length=64)  # of the body
    status_code: int | None = None
    body: str = ""  # JSON
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME, index=True)
