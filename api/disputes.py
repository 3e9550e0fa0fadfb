"""Payments that a buyer's bank wants back."""

from uuid import UUID

from pydantic import Field

from api import callers, deps, routing
from api.bills import CURRENCY
from api.schemas import Answer, Asked, Moment, Money, Page, page
from core import disputes
from models.refund import DisputeStatus

router = routing.router("disputes")


class Dispute(Answer):
    """A payment that a bank wants back: what people are owed of it is frozen."""

    id: str = Field(description="The payment service's: it is answered there.")
    order_id: UUID
    status: DisputeStatus = Field(description="Whose money it is: `won` is ours.")
    amount: Money
    currency: str = Field(description=CURRENCY)
    opened_at: Moment = Field(description="In UTC.")
    closed_at: Moment | None = Field(description="In UTC; null: it is not decided.")


@router.get("/admin/disputes")
def list_disputes(caller: callers.Sells, asked: Asked) -> Page[Dispute]:
    """List the disputes that are not decided, newest first. Admins only."""
    return page(disputes.open_ones(deps.backends(), asked, by=caller.account), Dispute.model_validate)
