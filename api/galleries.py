"""The sets of an event's photos, such as Start and Finish."""

from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Id, Page, Request, Text, page
from core import galleries, paging

router = routing.router("galleries")

GalleryId = Annotated[Id, Path(description="The gallery's id.")]


class Gallery(Answer):
    """A set of an event's photos."""

    id: int
    event_id: int
    name: str
    position: int = Field(description="Where it stands among the event's galleries, the lowest first.")


class GalleryName(Request):
    """What a gallery is called. Two galleries of one event have two names."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Finish"}]})

    name: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


@router.get("/events/{event_id}/galleries", openapi_extra=callers.OPEN)
def list_galleries(caller: callers.SeesEvents, event_id: EventId) -> Page[Gallery]:
    """List the galleries of an event that one sees, in their order."""
    found = galleries.seen(deps.backends(), event_id, by=caller.viewer)
    return page(paging.whole(found), Gallery.model_validate)


@router.post("/events/{event_id}/galleries", status_code=201, dependencies=routing.ONCE)
def create_gallery(caller: callers.WritesEvents, event_id: EventId, sent: GalleryName) -> Gallery:
    """Add a gallery after the others."""
    return Gallery.model_validate(galleries.add(deps.backends(), event_id, sent.name, by=caller.account))


@router.patch("/galleries/{gallery_id}")
def rename_gallery(caller: callers.WritesEvents, gallery_id: GalleryId, sent: GalleryName) -> Gallery:
    """Give a gallery another name."""
    return Gallery.model_validate(galleries.rename(deps.backends(), gallery_id, sent.name, by=caller.account))


@router.delete("/galleries/{gallery_id}", status_code=204)
def delete_gallery(caller: callers.WritesEvents, gallery_id: GalleryId) -> None:
    """Remove an empty gallery and the share links to it. An event keeps at least one."""
    galleries.remove(deps.backends(), gallery_id, by=caller.account)
