"""Photos: looking at them, judging and deleting them. No route here gives an original."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field

from api import callers, deps, routing
from api.schemas import Answer, Asked, Id, Moment, Money, Page, page
from api.schemas import Request as Sent
from core import photo_lists, photos, renditions
from core.access import Scope, Viewer
from core.photo_lists import PhotoSort, RenditionName, Span, Wanted
from models.photo import Photo as Row
from models.photo import Review, Stage

MOST = 500  # photos of one request

router = routing.router("photos")


class Rendition(Answer):
    """A marked JPEG of a photo."""

    name: RenditionName
    url: str = Field(description="Visitors: open to all, for hours. Members: send the token there, too.")
    longest_side: int = Field(description="Pixels.")


class Photo(Answer):
    """A photo, as far as its reader may know of it."""

    id: UUID
    event_id: int
    gallery_id: int
    filename: str
    width: int = Field(description="Pixels of the original, upright.")
    height: int
    taken_at: Moment | None
    created_at: Moment = Field(description="When it was uploaded.")
    stage: Stage
    review: Review
    face_count: int | None = Field(description="Faces a search can find; null until they were looked for.")
    price_amount: Money
    currency: str
    uploaded_by: int | None = Field(description="An account; null for visitors.")
    renditions: list[Rendition] = Field(description="None while they are being made.")


_OF_ROW = set(Row.model_fields) & set(Photo.model_fields)


class PhotoVerdict(Sent):
    """What a human says of a photo."""

    review: Review


PhotoIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class PhotosVerdict(PhotoVerdict):
    """One verdict on several photos of one event."""

    photo_ids: PhotoIds


class PhotosNamed(Sent):
    """Several photos of one event."""

    photo_ids: PhotoIds


class Reviewed(Answer):
    """A verdict that was given, and the one before, to take it back."""

    photo_id: UUID
    review: Review
    before: Review


class ReviewedPhotos(Answer):
    """Verdicts that were given."""

    items: list[Reviewed]


# Not by a class of answer: refusals are no pictures.
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JPEG",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def shown(photo: Row, scope: Scope, viewer: Viewer) -> Photo:
    """Return a photo as its reader may see it."""
    event, of_row = scope.event, photo.model_dump(include=_OF_ROW)
    of_row["uploaded_by"] = photo.uploaded_by if scope.is_member else None
    return Photo(
        **of_row,
        price_amount=event.price_amount,
        currency=event.currency,
        renditions=_renditions(photo, scope, viewer),
    )


def _renditions(photo: Row, scope: Scope, viewer: Viewer) -> list[Rendition]:
    if photo.stage is Stage.UPLOADED:
        return []
    longest = max(photo.width, photo.height)
    return [
        Rendition(
            name=name, url=address(photo, name, scope, viewer), longest_side=min(int(name.value), longest)
        )
        for name in RenditionName
    ]


def address(photo: Row, name: RenditionName, scope: Scope, viewer: Viewer) -> str:
    """Return the address for programs: a signed one of a member asks for the cookies of a browser."""
    backends = deps.backends()
    if scope.is_member:
        return backends.settings.url(f"/api/v1/photos/{photo.id}/renditions/{name.value}")
    grant = renditions.grant_for(scope, viewer, photo)
    return backends.settings.url(renditions.url(backends, photo.id, name.value, grant))


@router.get("/events/{event_id}/photos", openapi_extra=callers.OPEN)
def list_photos(
    caller: callers.SeesPhotos,
    event_id: Id,
    asked: Asked,
    gallery_id: Id | None = None,
    taken_from: Moment | None = None,
    taken_until: Moment | None = None,
    sort: PhotoSort = PhotoSort.OLDEST,
) -> Page[Photo]:
    """List the photos that visitors may see, by the time they were taken."""
    span = Span(taken_from, taken_until)
    found = photo_lists.public(
        deps.backends(), event_id, asked, by=caller.viewer, span=span, gallery_id=gallery_id, sort=sort
    )
    return page(found.photos, lambda photo: shown(photo, found.scope, caller.viewer))


@router.get("/events/{event_id}/uploads")
def list_uploads(
    caller: callers.ReadsPhotos,
    event_id: Id,
    asked: Asked,
    review: Review | None = None,
    stage: Stage | None = None,
    gallery_id: Id | None = None,
    uploaded_by: Id | None = None,
) -> Page[Photo]:
    """List photos of any stage, the latest first: one's own, everybody's for those who review them."""
    wanted = Wanted(review, stage, gallery_id, uploaded_by)
    found = photo_lists.uploads(deps.backends(), event_id, asked, wanted, by=caller.account)
    return page(found.photos, lambda photo: shown(photo, found.scope, caller.viewer))


@router.get("/photos/{photo_id}", openapi_extra=callers.OPEN)
@routing.quick
def get_photo(caller: callers.SeesPhotos, photo_id: UUID) -> Photo:
    """Return a photo: a public one to visitors, any of their event to members."""
    sight = photo_lists.get(deps.backends(), photo_id, by=caller.viewer)
    return shown(sight.photo, sight.scope, caller.viewer)


@router.get(
    "/photos/{photo_id}/renditions/{name}",
    response_class=Response,
    responses=_JPEG,
    openapi_extra=callers.OPEN,
)
def get_rendition(
    request: Request, caller: callers.SeesPhotos, photo_id: UUID, name: RenditionName
) -> Response:
    """Send a marked JPEG of a photo, whose longest side has at most so many pixels."""
    picture = photo_lists.rendition(deps.backends(), photo_id, name, by=caller.viewer)
    headers = routing.PRIVATE | {"ETag": picture.tag}
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    with picture.content as content:
        if picture.tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(content.read(), headers=headers, media_type="image/jpeg")


# --- judging them --------------------------------------------------------------------------


@router.put("/photos/{photo_id}/review")
def review_photo(caller: callers.WritesPhotos, photo_id: UUID, sent: PhotoVerdict) -> Reviewed:
    """Approve or reject a photo, or have it wait again."""
    before = photos.review(deps.backends(), [photo_id], sent.review, by=caller.account)
    return Reviewed(photo_id=photo_id, review=sent.review, before=before[photo_id])


@router.post("/photos/review")
def review_photos(caller: callers.WritesPhotos, sent: PhotosVerdict) -> ReviewedPhotos:
    """Give one verdict to several photos of one event: to all that are named, or to none."""
    before = photos.review(deps.backends(), sent.photo_ids, sent.review, by=caller.account)
    given = [Reviewed(photo_id=known, review=sent.review, before=was) for known, was in before.items()]
    return ReviewedPhotos(items=given)


@router.delete("/photos/{photo_id}", status_code=204)
def delete_photo(caller: callers.WritesPhotos, photo_id: UUID) -> None:
    """Delete a photo: it is hidden at once, and taken apart within minutes. One that was sold stays."""
    photos.delete(deps.backends(), [photo_id], by=caller.account)


@router.post("/photos/delete", status_code=204)
def delete_photos(caller: callers.WritesPhotos, sent: PhotosNamed) -> None:
    """Delete several photos of one event: all that are named, or none."""
    photos.delete(deps.backends(), sent.photo_ids, by=caller.account)
