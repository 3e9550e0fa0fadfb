"""What people earn: one's own, posting by posting, so that it can be computed again."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from api import callers, deps, routing
from api.bills import CURRENCY
from api.payouts import Currency, Payout
from api.sales import CSV, table
from api.schemas import Answer, Id, Moment, Money
from core import earnings, statements
from models.ledger import Book, EntryKind

router = routing.router("earnings")

BOOK = "`owed`: it may be paid out. `frozen`: a dispute is not decided."


class Funds(Answer):
    """What one has in a currency."""

    currency: str = Field(description=CURRENCY)
    owed_amount: Money = Field(validation_alias="owed", description="Below zero: more went back than that.")
    frozen_amount: Money = Field(validation_alias="frozen", description="While disputes are not decided.")
    due_amount: Money = Field(validation_alias="due", description="Of what is owed: drawn up, on its way.")
    paid_amount: Money = Field(validation_alias="paid", description="So far.")


class FrozenShare(Answer):
    """A share that waits for the end of a dispute."""

    order_id: UUID
    event: str = Field(description="Its name.")
    currency: str = Field(description=CURRENCY)
    amount: Money


class Month(Answer):
    """What a month, in UTC, brought and took."""

    first: date = Field(description="Its first day.")
    currency: str = Field(description=CURRENCY)
    sold_amount: Money = Field(validation_alias="sold", description="Shares of sales.")
    back_amount: Money = Field(validation_alias="back", description="Of refunds and disputes; below zero.")
    paid_amount: Money = Field(validation_alias="paid", description="Paid out.")


class EventEarnings(Answer):
    """What an event brought, less what went back."""

    event_id: int
    name: str
    currency: str = Field(description=CURRENCY)
    earned_amount: Money = Field(validation_alias="earned")
    sale_count: int = Field(description="Photos and passes sold.")


class Earnings(Answer):
    """What somebody earns."""

    funds: list[Funds] = Field(description="By currency.")
    frozen: list[FrozenShare] = Field(description="Shares that wait for the end of a dispute.")
    months: list[Month] = Field(description="Of the last twelve those in which something moved.")
    events: list[EventEarnings] = Field(description="The latest event first.")
    payouts: list[Payout] = Field(description="The last twenty, newest first.")


class Balance(Answer):
    """What somebody is owed."""

    owed_amount: Money = Field(validation_alias="owed", description="Below zero: more went back than that.")
    frozen_amount: Money = Field(validation_alias="frozen", description="While disputes are not decided.")


class StatementRow(Answer):
    """One movement of what somebody is owed. `amount` is `percent` of `base_amount`, rounded half up."""

    at: Moment = Field(description="In UTC.")
    kind: EntryKind = Field(description="What moved it. Kinds may be added.")
    book: Book = Field(description=BOOK)
    event: str = Field(description="Its name.")
    order_id: UUID | None = Field(description="Null: it is of no order.")
    label: str = Field(description="The photo's file name, the pass, or a payout's reference.")
    paid_amount: Money = Field(description="What the buyer paid; below zero: what went back.")
    tax_amount: Money = Field(description="Of what the buyer paid.")
    platform_amount: Money = Field(description="The platform's share.")
    others_amount: Money = Field(description="Shares of other people.")
    base_amount: Money | None = Field(description="Null: the amount is what was left, or changed its book.")
    percent: int | None = Field(description="Of the base; null as above.")
    amount: Money = Field(description="Below zero: it went back, or was paid out.")
    before_amount: Money = Field(validation_alias="before", description="What stood in its book.")
    after_amount: Money = Field(validation_alias="after", description="What stands there.")


class Statement(Answer):
    """All that moved in a period, and what stood before and after it."""

    account_id: int
    name: str
    currency: str = Field(description=CURRENCY)
    period_start: date = Field(description="The first day, in UTC.")
    period_end: date = Field(description="The day after the last.")
    opening: Balance
    rows: list[StatementRow] = Field(description="Oldest first.")
    closing: Balance


def _asked(
    currency: Annotated[Currency, Query(description=CURRENCY)],
    period_start: Annotated[date, Query(description="The first day, in UTC.")],
    period_end: Annotated[date, Query(description="The day after the last.")],
    account_id: Annotated[Id | None, Query(description="For admins: whose. Null: one's own.")] = None,
) -> tuple[int | None, str, date, date]:
    return account_id, currency, period_start, period_end


Period = Annotated[tuple[int | None, str, date, date], Depends(_asked)]


@router.get("/earnings")
def get_earnings(caller: callers.Sells) -> Earnings:
    """Return what one earns: what is owed, what is frozen and why, what was paid."""
    return Earnings.model_validate(earnings.of_account(deps.backends(), by=caller.account))


@router.get("/earnings/statement")
def get_statement(caller: callers.Sells, period: Period) -> Statement:
    """Return what moved of one's earnings in a period, and how each share was computed."""
    return Statement.model_validate(_statement(caller, period))


@router.get("/earnings/statement.csv", response_class=Response, responses=CSV)
def export_statement(caller: callers.Sells, period: Period) -> StreamingResponse:
    """Send what moved of one's earnings in a period, and how each share was computed."""
    found = _statement(caller, period)
    name = f"statement-{found.account_id}-{found.currency}-{found.period_start}.csv"
    return table(statements.statement_csv(found), name)


def _statement(caller: callers.Caller, period: Period) -> statements.Statement:
    account_id, currency, start, end = period
    by = caller.account
    return statements.statement(deps.backends(), account_id or by.id, currency, start, end, by=by)
