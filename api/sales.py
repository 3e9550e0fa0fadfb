"""Orders as an event's organiser sees them: what is of the event, and nothing of any other."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from api import callers, deps, routing
from api.bills import CURRENCY
from api.events import EventId
from api.orders import STATUS, InStatus, OrderId, OrderLine, Refund
from api.schemas import Answer, Asked, Moment, Money, Page, Text, page
from core import sales
from core.sales import Details
from models.order import OrderStatus
from models.refund import DisputeStatus

router = routing.router("sales")

# Not by a class of answer: refusals are no tables.
CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "A table in UTF-8.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class EventOrder(Answer):
    """An order, as much of it as belongs to the event."""

    id: UUID
    status: OrderStatus = Field(description=STATUS)
    email: str = Field(description="The buyer's.")
    created_at: Moment = Field(description="In UTC.")
    paid_at: Moment | None = Field(description="In UTC; null: it is not paid.")
    amount: Money = Field(description="What these lines cost, tax included.")
    refunded_amount: Money = Field(description="Of the amount; given back, or on its way.")
    currency: str = Field(description=CURRENCY)
    lines: list[OrderLine] = Field(description="What was ordered of this event.")


class Fetched(Answer):
    """A line whose file was fetched."""

    line_id: UUID
    fetched_at: Moment = Field(description="For the first time, in UTC.")


class EventRefund(Refund):
    """Money that goes back, as much of it as is of the event."""

    reason: str = Field(description="What the organiser said of it.")
    is_by_buyer: bool = Field(description="The buyer asked for it here, within the event's rule.")
    is_foreign: bool = Field(description="It was made at the payment service itself.")
    last_error: str | None = Field(description="Why it failed; null: it did not.")


class EventOrderDetails(EventOrder):
    """An order, as much of it as belongs to the event, and what became of that."""

    fetched: list[Fetched] = Field(description="Lines whose file was fetched; of a pass: any of its files.")
    refunds: list[EventRefund] = Field(description="Oldest first.")
    is_disputed: bool = Field(description="The buyer's bank wants the money back; that is not decided.")
    receipts: list[str] = Field(description="The numbers of its papers.")


@router.get("/events/{event_id}/orders")
def list_sold(
    caller: callers.Sells,
    event_id: EventId,
    asked: Asked,
    text: Annotated[
        Text,
        Query(
            max_length=200,
            description="What names them: an address, how an id begins, a photo's name, a receipt's number.",
        ),
    ] = "",
    status: InStatus = None,
) -> Page[EventOrder]:
    """List the orders with photos of an event, newest first. For those who sell at it."""
    found = sales.listing(deps.backends(), event_id, asked, text=text, status=status, by=caller.account)
    return page(found, EventOrder.model_validate)


@router.get("/events/{event_id}/orders.csv", response_class=Response, responses=CSV)
def export_sold(caller: callers.Sells, event_id: EventId) -> StreamingResponse:
    """Send every line that was sold at an event, newest first. For those who sell at it."""
    lines = sales.export(deps.backends(), event_id, by=caller.account)
    return table(lines, f"orders-{event_id}.csv")


@router.get("/events/{event_id}/orders/{order_id}")
def get_event_order(caller: callers.Sells, event_id: EventId, order_id: OrderId) -> EventOrderDetails:
    """Return an order with photos of an event, and what became of it. For those who sell at it."""
    return _shown(sales.find(deps.backends(), event_id, order_id, by=caller.account))


@router.post(
    "/events/{event_id}/orders/{order_id}/links",
    status_code=202,
    response_class=Response,
    dependencies=routing.ONCE,
)
def resend_order_links(caller: callers.Sells, event_id: EventId, order_id: OrderId) -> Response:
    """Mail fresh links to the buyer of an order: the ones before end at once."""
    sales.resend(deps.backends(), event_id, order_id, by=caller.account)
    return Response(status_code=202)


def table(lines: Iterator[str], filename: str) -> StreamingResponse:
    """Return a table as it is sent: piece by piece, to be kept as a file."""
    headers = routing.PRIVATE | {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(lines, headers=headers, media_type="text/csv")


def _shown(found: Details) -> EventOrderDetails:
    currency = found.sale.currency
    return EventOrderDetails(
        **EventOrder.model_validate(found.sale).model_dump(),
        fetched=[Fetched(line_id=line_id, fetched_at=at) for line_id, at in found.fetched.items()],
        refunds=[EventRefund(**asdict(refund), currency=currency) for refund in found.refunds],
        is_disputed=any(dispute.status is DisputeStatus.OPEN for dispute in found.disputes),
        receipts=list(found.receipts),
    )
