"""Share links, and the visitors who come by them."""

import secrets
from typing import Annotated

from fastapi import Path, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import callers, deps, routing
from api.events import Event, EventId
from api.galleries import Gallery
from api.schemas import Answer, Asked, Id, Moment, Page, Request, Text, page
from core import galleries, limits, sharing
from models.sharing import ShareLink as Row

router = routing.router("share links")

LinkId = Annotated[Id, Path(description="The share link's id.")]
_EXAMPLE: JsonDict = {
    "id": 7,
    "event_id": 12,
    "gallery_id": 31,
    "label": "Poster at the finish",
    "url": "https://photos.example.org/gallery?share=eyJsIjo3fQ.c2lnbmF0dXJl",
    "is_open": True,
    "created_at": "2026-10-31T02:00:00Z",
    "expires_at": "2026-12-01T17:00:00Z",
    "revoked_at": None,
}


class ShareLink(Answer):
    """An address that lets visitors into an event, or into one of its galleries."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: int
    event_id: int
    gallery_id: int | None = Field(description="The only gallery it opens; null: the whole event.")
    label: str = Field(description="Where it hangs or who has it; may be empty.")
    url: str = Field(description="The address to hand out.")
    is_open: bool = Field(description="It works: neither revoked nor expired.")
    created_at: Moment = Field(description="In UTC.")
    expires_at: Moment | None = Field(description="It works until then, in UTC; null: without end.")
    revoked_at: Moment | None = Field(description="When it was ended, in UTC; null: it was not.")


class NewShareLink(Request):
    """What a link opens, and until when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"label": "Poster at the finish", "expires_at": "2026-12-01T17:00:00Z"}]
        }
    )

    label: Annotated[Text, Field(max_length=80, description="Where it hangs or who has it.")] = ""
    gallery_id: Id | None = Field(None, description="The only gallery it shall open; null: the whole event.")
    expires_at: Moment | None = Field(None, description="Until when it works; null: without end.")


class NewVisitor(Answer):
    """Somebody without an account."""

    visitor: str = Field(
        description="Their secret, sent as X-Visitor: it keeps their cart and the links they opened.",
        min_length=43,
        max_length=43,
    )


class OpenedLink(Request):
    """The link that somebody came by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"link": "https://photos.example.org/gallery?share=eyJsIjo3fQ.c2lnbmF0dXJl"}]
        }
    )

    link: Annotated[Text, Field(max_length=1000, description="The address, or the token in it.")]


class Visit(Answer):
    """What a link led to."""

    event: Event
    galleries: list[Gallery] = Field(description="All that the visitor sees of the event now.")


class Png(Response):
    """A picture."""

    media_type = "image/png"


@router.get("/events/{event_id}/links")
def list_links(caller: callers.ReadsEvents, event_id: EventId, asked: Asked) -> Page[ShareLink]:
    """List the share links of an event, newest first. For those who may share it."""
    return page(sharing.listing(deps.backends(), event_id, asked, by=caller.account), _shown)


@router.post("/events/{event_id}/links", status_code=201, dependencies=routing.ONCE)
def create_link(caller: callers.WritesEvents, event_id: EventId, sent: NewShareLink) -> ShareLink:
    """Make a link to an event, or to one of its galleries."""
    return _shown(sharing.create(deps.backends(), event_id, by=caller.account, **sent.model_dump()))


@router.delete("/links/{link_id}", status_code=204)
def revoke_link(caller: callers.WritesEvents, link_id: LinkId) -> None:
    """End a link: it opens nothing from now on, and who came by it sees nothing more."""
    sharing.revoke(deps.backends(), link_id, by=caller.account)


@router.get("/links/{link_id}/qr", response_class=Png)
def get_link_qr(caller: callers.ReadsEvents, link_id: LinkId) -> Png:
    """Return the QR code of a link that works, about 600 pixels wide."""
    return Png(sharing.qr(deps.backends(), link_id, by=caller.account), headers=routing.PRIVATE)


@router.post("/visitors", status_code=201)
def create_visitor(response: Response) -> NewVisitor:
    """Make a secret for somebody without an account. Nothing is kept until they do something with it."""
    response.headers["Cache-Control"] = "no-store"
    return NewVisitor(visitor=secrets.token_urlsafe(32))


@router.post("/visits")
def open_link(caller: callers.SeesEvents, sent: OpenedLink) -> Visit:
    """Open a share link for a visitor or an account: they see what it opens as long as it works."""
    backends = deps.backends()
    limits.take(backends, limits.LINK, caller.address)
    event = sharing.open_link(backends, sharing.token_of(sent.link), by=caller.visitor)
    seen = galleries.seen(backends, event.id, by=caller.visitor)
    return Visit(
        event=Event.model_validate(event), galleries=[Gallery.model_validate(gallery) for gallery in seen]
    )


def _shown(link: Row) -> ShareLink:
    backends = deps.backends()
    return ShareLink(
        id=link.id,
        event_id=link.event_id,
        gallery_id=link.gallery_id,
        label=link.label,
        url=sharing.address(backends, link),
        is_open=link.is_open(backends.now()),
        created_at=link.created_at,
        expires_at=link.expires_at,
        revoked_at=link.revoked_at,
    )
