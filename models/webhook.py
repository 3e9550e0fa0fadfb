"""Who wants to be told of an event by HTTP, and what they were told."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class WebhookEndpoint(SQLModel, table=True):
    """An address that is told of an event. Its secret is made from id and nonce: the table opens nothing."""

    __tablename__ = "webhook_endpoint"

    id: int = Field(default=None, primary_key=True)  # set by the database
    event_id: int = Field(foreign_key="event.id", index=True)
    url: str = Field(max_length=2048)
    kinds: list[str] = Field(default_factory=list, sa_type=JSON)  # of NoticeKind; none: every kind
    nonce: str = Field(max_length=32)
    is_active: bool = True
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    removed_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(SQLModel, table=True):
    """One notice on its way to one address; it keeps what was told, for it may be sent again."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (UniqueConstraint("endpoint_id", "notice_id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)  # the receiver knows a repeat by it
    endpoint_id: int = Field(foreign_key="webhook_endpoint.id", index=True)
    notice_id: int | None = None  # none: a test; no foreign key: notices are forgotten sooner
    kind: str = Field(max_length=24)
    body: str  # JSON, as it is sent and signed
    status: DeliveryStatus = Field(default=DeliveryStatus.WAITING, sa_type=choice(DeliveryStatus))
    attempts: int = 0
    last_answer: str | None = Field(default=None, max_length=300)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME, index=True)
    delivered_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
