"""Double entry: every movement of money adds up to zero. Append only, hash-chained; and what was paid out."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DDL, BigInteger, CheckConstraint, UniqueConstraint, event
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class EntryKind(StrEnum):
    """What moved the money."""

    SALE = "sale"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"  # the money came back: the refund is undone
    HELD = "held"  # money that fits no order
    HELD_RETURNED = "held_returned"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    PAYOUT = "payout"


class Book(StrEnum):
    """The accounts. What is owed has an `account_id`; debits are positive, credits negative."""

    GATEWAY = "gateway"  # money at the payment gateway
    HELD = "held"  # owed to whoever paid what fits no order
    TAX = "tax"  # owed to the state
    PLATFORM = "platform"  # the platform's share
    OWED = "owed"  # to organisers and photographers
    FROZEN = "frozen"  # owed to them, while a dispute is open
    PAID_OUT = "paid_out"  # left the gateway for them


class LedgerEntry(SQLModel, table=True):
    """One movement of money. Its postings add up to zero."""

    __tablename__ = "ledger_entry"
    __table_args__ = (UniqueConstraint("kind", "subject"), {"sqlite_autoincrement": True})

    id: int = Field(default=None, primary_key=True)  # set by the database
    at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME, index=True)
    kind: EntryKind = Field(sa_type=choice(EntryKind))
    subject: str = Field(max_length=255)  # the id of what caused it: written once
    order_id: UUID | None = Field(default=None, foreign_key="purchase.id", index=True)
    currency: str = Field(max_length=3)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class LedgerPosting(SQLModel, table=True):
    """What an entry does to one account."""

    __tablename__ = "ledger_posting"

    id: int = Field(default=None, primary_key=True)  # set by the database
    entry_id: int = Field(default=None, foreign_key="ledger_entry.id", index=True)  # set by `ledger.post`
    book: Book = Field(sa_type=choice(Book))
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    event_id: int | None = Field(default=None, foreign_key="event.id", index=True)
    line_item_id: UUID | None = Field(default=None, foreign_key="line_item.id", index=True)
    amount: int  # minor units; debits are positive
    # How a share was computed, so that its owner can: `percent` of `base_amount`. None: it is what was left.
    base_amount: int | None = None
    percent: int | None = None


class PayoutStatus(StrEnum):
    """Whether the money has left."""

    DUE = "due"
    PAID = "paid"
    CANCELLED = "cancelled"


class Payout(SQLModel, table=True):
    """What an account is paid for a period: all that it was owed at its end and not paid before."""

    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    id: int = Field(default=None, primary_key=True)  # set by the database
    account_id: int = Field(foreign_key="account.id", index=True)
    currency: str = Field(max_length=3)
    period_start: date  # first day, in UTC
    period_end: date  # the day after the last
    amount: int = Field(sa_type=BigInteger)  # minor units
    status: PayoutStatus = Field(default=PayoutStatus.DUE, sa_type=choice(PayoutStatus))
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    paid_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    reference: str = Field(default="", max_length=120)  # of the bank transfer


# The database itself refuses to change what was written. Migration 0004 has the same words.
_REFUSE_LITE = (
    "CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END"
)
_REFUSE_POSTGRESQL = (
    "CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the ledger is append only'; END $$",
    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
)
for _name in ("ledger_entry", "ledger_posting"):
    _lite = [DDL(_REFUSE_LITE.format(table=_name, what=what)) for what in ("update", "delete")]  # type: ignore[no-untyped-call]
    _postgresql = [DDL(text.format(table=_name)) for text in _REFUSE_POSTGRESQL]  # type: ignore[no-untyped-call]
    for _dialect, _orders in (("sqlite", _lite), ("postgresql", _postgresql)):
        for _order in _orders:
            event.listen(SQLModel.metadata.tables[_name], "after_create", _order.execute_if(dialect=_dialect))
