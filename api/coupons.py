"""Codes that make an event's photos cheaper."""

from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Asked, Id, Moment, Money, Page, Request, Text, page
from core import coupons
from core.coupons import LARGEST_LIMIT, Counted, Draft
from core.events import LARGEST_PRICE

router = routing.router("coupons")

CouponId = Annotated[Id, Path(description="The coupon's id.")]
Code = Annotated[Text, Field(max_length=64)]
Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]


class Coupon(Answer):
    """A code, and what it takes off the event's part of a cart: a percentage or an amount."""

    id: int
    event_id: int
    code: str = Field(description="In upper case.")
    percent: int | None = Field(description="Null: it takes an amount off.")
    amount: Money | None = Field(description="Minor units of the event's currency; null: a percentage.")
    limit: int | None = Field(description="How many orders it is good for; null: as many as come.")
    limit_per_buyer: int | None = Field(description="How many of one buyer; null: as many as come.")
    valid_from: Moment | None = Field(description="In UTC; null: at once.")
    valid_until: Moment | None = Field(description="In UTC; null: without end.")
    created_at: Moment = Field(description="In UTC.")
    ended_at: Moment | None = Field(description="When it was taken back, in UTC; null: it was not.")
    use_count: int = Field(description="Orders that are paid with it, or may be any minute.")


class NewCoupon(Request):
    """What a coupon takes off: either `percent` or `amount`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "RUNNER10", "percent": 10, "limit": 100}]}
    )

    code: Annotated[Code, Field(description="3 to 32 letters, digits and hyphens; case does not matter.")]
    percent: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="Off the event's sum.")
    amount: Annotated[int, Field(ge=1, le=LARGEST_PRICE)] | None = Field(
        None, description="Off the event's sum, in minor units of its currency."
    )
    limit: Limit | None = Field(None, description="How many orders it is good for; null: no limit.")
    limit_per_buyer: Limit | None = Field(None, description="How many of one buyer; null: no limit.")
    valid_from: Moment | None = Field(None, description="Null: at once.")
    valid_until: Moment | None = Field(None, description="Null: without end.")


@router.get("/events/{event_id}/coupons")
def list_coupons(caller: callers.ReadsEvents, event_id: EventId, asked: Asked) -> Page[Coupon]:
    """List an event's coupons, newest first, with how often each is used. For those who sell at it."""
    return page(coupons.listing(deps.backends(), event_id, asked, by=caller.account), _shown)


@router.post("/events/{event_id}/coupons", status_code=201, dependencies=routing.ONCE)
def create_coupon(caller: callers.WritesEvents, event_id: EventId, sent: NewCoupon) -> Coupon:
    """Make a coupon. An event has each code once, also after its coupon has ended."""
    made = coupons.create(deps.backends(), event_id, Draft(**sent.model_dump()), by=caller.account)
    return _shown(Counted(made, 0))


@router.delete("/events/{event_id}/coupons/{coupon_id}", status_code=204)
def end_coupon(caller: callers.WritesEvents, event_id: EventId, coupon_id: CouponId) -> None:
    """Take a coupon back: no new order uses it. It stays in the list, and its code stays taken."""
    coupons.end(deps.backends(), event_id, coupon_id, by=caller.account)


def _shown(counted: Counted) -> Coupon:
    return Coupon(**counted.coupon.model_dump(), use_count=counted.uses)
