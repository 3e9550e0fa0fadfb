"""Money that goes back: refunds and their parts, disputes, and the numbered papers about money."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class RefundStatus(StrEnum):
    """How far a refund is. `pending`: the gateway has it; the buyer's bank may take days."""

    REQUESTED = "requested"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Refund(SQLModel, table=True):
    """Money of an order given back: whole or by line."""

    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)  # also the idempotency key at the gateway
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    gateway_id: str | None = Field(default=None, unique=True, max_length=255)
    status: RefundStatus = Field(default=RefundStatus.REQUESTED, sa_type=choice(RefundStatus))
    amount: int  # minor units
    currency: str = Field(max_length=3)
    reason: str = Field(default="", max_length=500)
    is_foreign: bool = False  # made at the gateway itself: shared out over the lines, nothing withdrawn
    by_account_id: int | None = Field(default=None, foreign_key="account.id")  # None: the buyer, or foreign
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    finished_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    last_error: str | None = Field(default=None, max_length=2000)


class RefundLine(SQLModel, table=True):
    """What of a line goes back."""

    __tablename__ = "refund_line"

    refund_id: UUID = Field(foreign_key="refund.id", primary_key=True)
    line_item_id: UUID = Field(foreign_key="line_item.id", primary_key=True, index=True)
    amount: int  # minor units


class DisputeStatus(StrEnum):
    """Where a dispute stands: whose money it is."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Dispute(SQLModel, table=True):
    """A buyer's bank wants a payment back. While it is open, nobody is paid of it."""

    id: str = Field(primary_key=True, max_length=255)  # the gateway's
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    status: DisputeStatus = Field(default=DisputeStatus.OPEN, sa_type=choice(DisputeStatus))
    amount: int  # minor units
    currency: str = Field(max_length=3)
    opened_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    closed_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class ReceiptKind(StrEnum):
    """A paper about money taken, or given back."""

    RECEIPT = "receipt"
    CREDIT_NOTE = "credit_note"


class ReceiptSeries(SQLModel, table=True):
    """The last number given out of a year's papers of a kind: its row is their lock."""

    __tablename__ = "receipt_series"

    kind: ReceiptKind = Field(primary_key=True, sa_type=choice(ReceiptKind))
    year: int = Field(primary_key=True)
    last_number: int = 0


class Receipt(SQLModel, table=True):
    """A numbered paper, written in the transaction of its money: numbers have no gaps."""

    __table_args__ = (UniqueConstraint("kind", "year", "number"),)

    id: int = Field(default=None, primary_key=True)  # set by the database
    kind: ReceiptKind = Field(sa_type=choice(ReceiptKind))
    year: int
    number: int
    order_id: UUID = Field(foreign_key="purchase.id", index=True)
    refund_id: UUID | None = Field(default=None, foreign_key="refund.id", unique=True)
    amount: int  # minor units, tax included
    tax_amount: int
    currency: str = Field(max_length=3)
    seller: str = Field(max_length=1000)  # name, address, tax number, as they were
    issued_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)

    @property
    def code(self) -> str:
        """The number as it is written: R2026-000042, C2026-000003."""
        letter = "R" if self.kind is ReceiptKind.RECEIPT else "C"
        return f"{letter}{self.year}-{self.number:06}"
