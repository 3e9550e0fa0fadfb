"""Who did what, hash-chained: a changed, removed or moved row shows (but not the newest ones cut off)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, utc_now


class AuditEntry(SQLModel, table=True):
    """One act that someone may be asked about."""

    __tablename__ = "audit_entry"

    id: int = Field(default=None, primary_key=True)  # set by the database
    at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    account_id: int | None = None
    action: str = Field(max_length=64)
    subject: str = Field(max_length=128)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    previous_hash: str = Field(max_length=64, unique=True)  # unique: the chain cannot fork
    hash: str = Field(max_length=64)
