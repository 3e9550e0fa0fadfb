"""Events: found by everyone, made and changed by organisers."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from pydantic import ConfigDict, Field, StringConstraints, computed_field
from pydantic.config import JsonDict

from api import callers, deps, routing
from api.schemas import Answer, Asked, Id, Moment, Money, Page, Text, page
from api.schemas import Request as Sent
from core import covers, events
from core.events import LARGEST_PRICE, Details, EventSort
from models.event import EventStatus, Visibility

router = routing.router("events")

EventId = Annotated[Id, Path(description="The event's id.")]
Name = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Place = Annotated[Text, Field(max_length=120)]
Description = Annotated[Text, Field(max_length=2000)]
TimeZone = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        examples=["Asia/Bangkok"],
        description="By its IANA name. The cameras' clocks are read in it, and days are counted in it.",
    ),
]
Price = Annotated[
    int, Field(ge=0, le=LARGEST_PRICE, description="Of a photo, in minor units of the currency; 0 is free.")
]
End = Annotated[Moment | None, Field(description="Visitors see the event until then; null: without end.")]


STATUS = (
    "In order: `draft`, seen by members only; `shooting`; `uploaded`; `on_sale`, when photos can be bought; "
    "`closed`, hidden from visitors again."
)
VISIBILITY = "`listed`: everybody finds it. `by_link`: one comes by a share link only."
_EXAMPLE: JsonDict = {
    "id": 12,
    "slug": "bangkok-night-run",
    "name": "Bangkok Night Run",
    "held_on": "2026-11-01",
    "time_zone": "Asia/Bangkok",
    "place": "Lumphini Park",
    "description": "Ten kilometres in the cool of the night.",
    "price_amount": 12000,
    "currency": "THB",
    "status": "on_sale",
    "visibility": "listed",
    "expires_at": "2027-01-31T17:00:00Z",
    "created_at": "2026-10-20T04:00:00Z",
    "page_url": "https://photos.example.org/gallery?event=bangkok-night-run",
}


class Event(Answer):
    """An occasion whose photos are found and sold."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: int
    slug: str = Field(description="Names the event in addresses of pages.")
    name: str
    held_on: date = Field(description="The day there.")
    time_zone: str = Field(description="Its IANA name.")
    place: str = Field(description="May be empty.")
    description: str = Field(description="Plain text; may be empty.")
    price_amount: Money = Field(description="Of one photo, in minor units of the currency; 0 is free.")
    currency: str = Field(description="By ISO 4217.")
    status: EventStatus = Field(description=STATUS)
    visibility: Visibility = Field(description=VISIBILITY)
    expires_at: Moment | None = Field(
        description="Visitors see the event until then, in UTC; null: without end."
    )
    created_at: Moment = Field(description="In UTC.")

    @computed_field(description="The event's page for visitors.")  # type: ignore[prop-decorator]
    @property
    def page_url(self) -> str:
        """The full address of its gallery page."""
        return deps.backends().settings.url(f"/gallery?event={self.slug}")


class NewEvent(Sent):
    """What a new event needs. It begins as a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Bangkok Night Run",
                    "held_on": "2026-11-01",
                    "place": "Lumphini Park",
                    "price_amount": 12000,
                    "visibility": "listed",
                }
            ]
        }
    )

    name: Name
    held_on: date = Field(description="The day there.")
    time_zone: TimeZone = Details.time_zone
    place: Place = Details.place
    description: Description = Details.description
    price_amount: Price = Details.price_amount
    visibility: Visibility = Field(Details.visibility, description=VISIBILITY)
    expires_at: End = Details.expires_at


class EventChange(Sent):
    """What is changed of an event. What is left out, or null, stays; only `expires_at` may become null."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"price_amount": 15000, "expires_at": "2027-01-31T17:00:00Z"}]}
    )

    name: Name | None = None
    held_on: date | None = None
    time_zone: TimeZone | None = None
    place: Place | None = None
    description: Description | None = None
    price_amount: Price | None = None
    visibility: Visibility | None = Field(None, description=VISIBILITY)
    expires_at: End = None


class NewStatus(Sent):
    """How far an event has come, or is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "on_sale"}]})

    status: EventStatus = Field(description=STATUS)


class NewCover(Sent):
    """Which of the event's photos stands for it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"photo_id": "0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"}]}
    )

    photo_id: UUID


class Cover(Answer):
    """The photo that stands for an event: the chosen one, or the first that can be seen."""

    photo_id: UUID


class EventCounts(Answer):
    """How far the photos of an event have come."""

    uploaded: int = Field(description="All photos.")
    indexed: int = Field(description="Their faces were looked for.")
    pending: int = Field(description="To be seen already, and without a verdict.")
    approved: int
    rejected: int
    faces: int = Field(description="That a search can find.")


@router.get("/events", openapi_extra=callers.OPEN)
def list_events(
    caller: callers.SeesEvents,
    asked: Asked,
    mine: Annotated[bool, Query(description="Those one has a part in, in any status; admins: all.")] = False,
    text: Annotated[Text, Query(max_length=80, description="In the name or the place.")] = "",
    status: Annotated[EventStatus | None, Query(description="In this status only.")] = None,
    sort: Annotated[
        EventSort, Query(description="By the day it was held; `-held_on`: the latest first.")
    ] = EventSort.NEWEST,
) -> Page[Event]:
    """List the open events that everyone may find, or one's own."""
    found = events.browse(
        deps.backends(), asked, by=caller.viewer, is_mine=mine, text=text, status=status, sort=sort
    )
    return page(found, Event.model_validate)


@router.post("/events", status_code=201, dependencies=routing.ONCE)
def create_event(caller: callers.WritesEvents, sent: NewEvent) -> Event:
    """Make a draft with one gallery; who makes it is its co-organiser. Organisers and admins only."""
    made = events.create(deps.backends(), Details(**sent.model_dump()), by=caller.account)
    return Event.model_validate(made)


@router.get("/events/{event_id}", openapi_extra=callers.OPEN)
@routing.quick
def get_event(caller: callers.SeesEvents, event_id: EventId) -> Event:
    """Return an event: to its members in any status, to visitors while it is open to them."""
    return Event.model_validate(events.seen(deps.backends(), event_id, by=caller.viewer))


@router.patch("/events/{event_id}")
def change_event(caller: callers.WritesEvents, event_id: EventId, sent: EventChange) -> Event:
    """Change what is written about an event. Its slug stays."""
    changed = events.change(deps.backends(), event_id, _changes(sent), by=caller.account)
    return Event.model_validate(changed)


def _changes(sent: EventChange) -> Mapping[str, object]:
    given = sent.model_dump(exclude_unset=True)
    return {name: value for name, value in given.items() if value is not None or name == "expires_at"}


@router.put("/events/{event_id}/status")
def set_event_status(caller: callers.WritesEvents, event_id: EventId, sent: NewStatus) -> Event:
    """Move an event on, or back."""
    moved = events.set_status(deps.backends(), event_id, sent.status, by=caller.account)
    return Event.model_validate(moved)


@router.get("/events/{event_id}/cover", openapi_extra=callers.OPEN)
def get_event_cover(caller: callers.SeesEvents, event_id: EventId) -> Cover:
    """Return which of the photos one sees of an event stands for it."""
    return Cover(photo_id=covers.seen(deps.backends(), event_id, by=caller.viewer))


@router.put("/events/{event_id}/cover", status_code=204)
def set_event_cover(caller: callers.WritesEvents, event_id: EventId, sent: NewCover) -> None:
    """Let one of its photos stand for an event, as long as visitors may see it."""
    covers.choose(deps.backends(), event_id, sent.photo_id, by=caller.account)


@router.get("/events/{event_id}/counts")
def count_event_photos(caller: callers.ReadsEvents, event_id: EventId) -> EventCounts:
    """Count an event's photos by how far they have come. Members only."""
    return EventCounts.model_validate(events.counts(deps.backends(), event_id, by=caller.account))
