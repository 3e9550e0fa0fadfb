"""Money that goes back: asked for by buyers themselves, and given by organisers."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import ConfigDict, Field

from api import callers, deps, routing
from api.events import EventId
from api.orders import OrderId, Refund, Token
from api.sales import EventRefund
from api.schemas import Page, Request, Text, page
from core import paging, purchases, refunds, sales
from core.orders import NoSuchOrder
from models import refund as rows

router = routing.router("refunds")

MOST = 1_000  # lines of one request; a cart holds fewer
_ID = "5f3ba9a6-0c55-4b53-9a3f-7f2f2d0f6f0b"

RefundId = Annotated[UUID, Path(description="The refund's id.")]
LineIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class WantedBack(Request):
    """What a buyer gives back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"line_ids": [_ID]}]})

    line_ids: LineIds | None = Field(None, description="Of the order's lines; null: all that are left.")


class GivenBack(Request):
    """What an organiser gives back, and why. How much that is, is ours to say."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"line_ids": [_ID], "reason": "Bought twice by mistake."}]}
    )

    line_ids: LineIds | None = Field(
        None, description="Of the order's lines in this event; null: all that are left of them."
    )
    reason: Annotated[Text, Field(min_length=1, max_length=500, description="For the organisers.")]


@router.get("/orders/{order_id}/refunds", openapi_extra=callers.OPEN)
def list_order_refunds(caller: callers.Shops, order_id: OrderId, token: Token = "") -> Page[Refund]:
    """List what went back of an order, or is on its way, oldest first, on one page."""
    found = purchases.find(deps.backends(), order_id, token, by=caller.viewer).refunds
    return page(paging.whole(found), Refund.model_validate)


@router.post(
    "/orders/{order_id}/refunds", status_code=201, dependencies=routing.ONCE, openapi_extra=callers.OPEN
)
def ask_for_refund(caller: callers.Shops, order_id: OrderId, sent: WantedBack, token: Token = "") -> Refund:
    """Give back what was not fetched yet, within the time of the event's rule: its links end at once."""
    refund = purchases.ask_back(deps.backends(), order_id, sent.line_ids, token, by=caller.viewer)
    return Refund.model_validate(refund)


@router.post("/events/{event_id}/orders/{order_id}/refunds", status_code=201, dependencies=routing.ONCE)
def refund_event_order(
    caller: callers.Sells, event_id: EventId, order_id: OrderId, sent: GivenBack
) -> EventRefund:
    """Give lines of an order in this event back to its buyer: their links end at once."""
    backends, by = deps.backends(), caller.account
    sale = sales.find(backends, event_id, order_id, by=by).sale
    line_ids = _of_event({line.id for line in sale.lines}, sent.line_ids)
    return _shown(refunds.give_back(backends, order_id, line_ids, sent.reason, by=by))


@router.post("/refunds/{refund_id}/retry", status_code=201, dependencies=routing.ONCE)
def retry_refund(caller: callers.Sells, refund_id: RefundId) -> EventRefund:
    """Give back anew what a refund that failed was to give back."""
    return _shown(refunds.retry(deps.backends(), refund_id, by=caller.account))


def _of_event(own: Collection[UUID], line_ids: Collection[UUID] | None) -> Collection[UUID]:
    if line_ids is None:
        return own
    if not set(line_ids) <= set(own):
        raise NoSuchOrder
    return line_ids


def _shown(refund: rows.Refund) -> EventRefund:
    return EventRefund(
        **refund.model_dump(), is_by_buyer=refund.by_account_id is None and not refund.is_foreign
    )
