"""What people are paid of what they are owed: drawn up for a period by admins, paid by bank."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import ConfigDict, Field, StringConstraints

from api import callers, deps, routing
from api.bills import CURRENCY
from api.schemas import Answer, Asked, Id, Moment, Money, Page, Request, Text, page
from core import payouts
from core.payouts import LONGEST_REFERENCE, Drawn
from models.ledger import PayoutStatus

router = routing.router("payouts")

PayoutId = Annotated[Id, Path(description="The payout's id.")]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]


class Payout(Answer):
    """What an account is paid for a period: all that it was owed at its end and not paid before."""

    id: int
    account_id: int
    currency: str = Field(description=CURRENCY)
    period_start: date = Field(description="The first day, in UTC.")
    period_end: date = Field(description="The day after the last.")
    amount: Money
    status: PayoutStatus = Field(description="`due`: the money has not left.")
    created_at: Moment = Field(description="When it was drawn up, in UTC.")
    paid_at: Moment | None = Field(description="In UTC; null: it was not.")
    reference: str = Field(description="Of the bank transfer.")


class PersonsPayout(Payout):
    """A payout, and whose it is."""

    name: str
    email: str


class DrawnPayouts(Answer):
    """Payouts that were drawn up."""

    items: list[Payout]


class PayoutPeriod(Request):
    """For when, and in which currency, people are paid."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"period_start": "2026-10-01", "period_end": "2026-11-01", "currency": "THB"}]
        }
    )

    period_start: date = Field(description="The first day, in UTC.")
    period_end: date = Field(description="The day after the last, in UTC: today at the latest.")
    currency: Currency = Field(description=CURRENCY)


class PaidPayout(Request):
    """How a payout was paid. How much it is was said when it was drawn up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reference": "SCB 20261103-1187"}]})

    reference: Annotated[
        Text, Field(min_length=1, max_length=LONGEST_REFERENCE, description="Of the bank transfer.")
    ]


@router.get("/payouts")
def list_payouts(
    caller: callers.Sells,
    asked: Asked,
    status: Annotated[PayoutStatus | None, Query(description="In this status only.")] = None,
) -> Page[PersonsPayout]:
    """List everybody's payouts, newest first. Admins only: one's own are in one's earnings."""
    return page(payouts.listing(deps.backends(), asked, status=status, by=caller.account), _shown)


@router.post("/payouts", status_code=201, dependencies=routing.ONCE)
def draw_up_payouts(caller: callers.Owns, sent: PayoutPeriod) -> DrawnPayouts:
    """Draw up a payout for everybody who is owed something: nothing twice. Admins only."""
    period = (sent.period_start, sent.period_end)
    drawn = payouts.draw_up(deps.backends(), *period, sent.currency, by=caller.account)
    return DrawnPayouts(items=[Payout.model_validate(payout) for payout in drawn])


@router.post("/payouts/{payout_id}/paid", dependencies=routing.ONCE)
def mark_payout_paid(caller: callers.Owns, payout_id: PayoutId, sent: PaidPayout) -> Payout:
    """Write down that a payout has left the bank, and mail its owner. Admins only."""
    return Payout.model_validate(
        payouts.mark_paid(deps.backends(), payout_id, sent.reference, by=caller.account)
    )


@router.post("/payouts/{payout_id}/cancel", dependencies=routing.ONCE)
def cancel_payout(caller: callers.Owns, payout_id: PayoutId) -> Payout:
    """Give up a payout that was not paid: its money is owed as before. Admins only."""
    return Payout.model_validate(payouts.cancel(deps.backends(), payout_id, by=caller.account))


def _shown(drawn: Drawn) -> PersonsPayout:
    whose = {"name": drawn.name, "email": drawn.email}
    return PersonsPayout(**Payout.model_validate(drawn.payout).model_dump(), **whose)
