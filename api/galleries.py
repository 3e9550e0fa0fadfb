"""The sets of an event's photos, such as Start and Finish."""

from typing import Annotated

from pydantic import StringConstraints

from api import callers, deps, routing
from api.schemas import Answer, Id, Page, Request, Text, page
from core import galleries, paging

router = routing.router("galleries")


class Gallery(Answer):
    """A set of an event's photos."""

    id: int
    event_id: int
    name: str
    position: int


class GalleryName(Request):
    """What a gallery is called. Two galleries of one event have two names."""

    name: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


@router.get("/events/{event_id}/galleries", openapi_extra=callers.OPEN)
def list_galleries(caller: callers.SeesEvents, event_id: Id) -> Page[Gallery]:
    """List the galleries of an event that one sees, in their order."""
    found = galleries.seen(deps.backends(), event_id, by=caller.viewer)
    return page(paging.whole(found), Gallery.model_validate)


@router.post("/events/{event_id}/galleries", status_code=201, dependencies=routing.ONCE)
def create_gallery(caller: callers.WritesEvents, event_id: Id, sent: GalleryName) -> Gallery:
    """Add a gallery after the others."""
    return Gallery.model_validate(galleries.add(deps.backends(), event_id, sent.name, by=caller.account))


@router.patch("/galleries/{gallery_id}")
def rename_gallery(caller: callers.WritesEvents, gallery_id: Id, sent: GalleryName) -> Gallery:
    """Give a gallery another name."""
    return Gallery.model_validate(galleries.rename(deps.backends(), gallery_id, sent.name, by=caller.account))


@router.delete("/galleries/{gallery_id}", status_code=204)
def delete_gallery(caller: callers.WritesEvents, gallery_id: Id) -> None:
    """Remove an empty gallery and the share links to it. An event keeps at least one."""
    galleries.remove(deps.backends(), gallery_id, by=caller.account)
