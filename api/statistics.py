"""What events sold. Nothing here tells who bought."""

from datetime import date
from uuid import UUID

from pydantic import Field

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Asked, Money, Page, page
from core import analytics

router = routing.router("statistics")


class DaySales(Answer):
    """One day on the event's own calendar."""

    day: date
    revenue_amount: Money
    photo_count: int = Field(description="How many photos were sold.")


class BestPhoto(Answer):
    """A photo and how often it was sold."""

    photo_id: UUID
    filename: str
    sold_count: int


class EventSales(Answer):
    """What one event sold, from its paid orders in its own currency."""

    event_id: int
    event_name: str
    currency: str = Field(description="By ISO 4217.")
    revenue_amount: Money
    order_count: int = Field(description="Paid ones.")
    photo_count: int = Field(description="How many photos were sold.")


class Sales(EventSales):
    """What one event sold, day by day."""

    average_amount: Money = Field(description="Per order, rounded down to a minor unit.")
    days: list[DaySales] = Field(description="From the first to the last sale, days without one included.")
    best: list[BestPhoto] = Field(description="The photos sold most often.")


@router.get("/events/{event_id}/sales")
def get_sales(caller: callers.Reports, event_id: EventId) -> Sales:
    """Return what an event sold, its days and its best photos."""
    sales = analytics.sales(deps.backends(), event_id, by=caller.account)
    return Sales(
        **_line(sales).model_dump(),
        average_amount=sales.average_amount,
        days=[DaySales.model_validate(day) for day in sales.days],
        best=[_best(best) for best in sales.best],
    )


@router.get("/sales")
def list_sales(caller: callers.Reports, asked: Asked) -> Page[EventSales]:
    """List what each event sold whose sales one may see, latest event first."""
    return page(analytics.listing(deps.backends(), asked, by=caller.account), _line)


def _line(sales: analytics.EventSales | analytics.Sales) -> EventSales:
    return EventSales(
        event_id=sales.event.id,
        event_name=sales.event.name,
        currency=sales.event.currency,
        revenue_amount=sales.revenue_amount,
        order_count=sales.order_count,
        photo_count=sales.photo_count,
    )


def _best(best: analytics.BestPhoto) -> BestPhoto:
    return BestPhoto(photo_id=best.photo.id, filename=best.photo.filename, sold_count=best.sold_count)
