"""Photos: looking at them, judging and deleting them. No route here gives an original."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Asked, Id, Moment, Money, Page, page
from api.schemas import Request as Sent
from core import photo_lists, photos, prices, renditions
from core.access import Scope, Viewer
from core.photo_lists import PhotoSort, RenditionName, Span, Wanted
from models.photo import Photo as Row
from models.photo import Review, Stage

MOST = 500  # photos of one request

router = routing.router("photos")

PhotoId = Annotated[UUID, Path(description="The photo's id.")]
InGallery = Annotated[Id | None, Query(description="In this gallery only.")]
STAGE = "How far it has come by itself: `uploaded`; `rendered`, to be looked at; `indexed`, its faces known."
REVIEW = "A human's verdict. Visitors see what is `approved` and `indexed`."
_ID = "0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"
EXAMPLE: JsonDict = {
    "id": _ID,
    "event_id": 12,
    "gallery_id": 31,
    "filename": "IMG_0412.jpg",
    "width": 6000,
    "height": 4000,
    "taken_at": "2026-11-01T13:05:41Z",
    "created_at": "2026-11-01T15:20:02.518000Z",
    "stage": "indexed",
    "review": "approved",
    "face_count": 3,
    "price_amount": 12000,
    "currency": "THB",
    "uploaded_by": 3,
    "renditions": [
        {
            "name": "300",
            "url": f"https://photos.example.org/api/v1/photos/{_ID}/renditions/300",
            "longest_side": 300,
        }
    ],
}


class Rendition(Answer):
    """A marked JPEG of a photo."""

    name: RenditionName = Field(description="Its longest side in pixels, unless the original is smaller.")
    url: str = Field(description="Visitors: open to all, for hours. Members: send the token there, too.")
    longest_side: int = Field(description="Pixels.")


class Photo(Answer):
    """A photo, as far as its reader may know of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    event_id: int
    gallery_id: int
    filename: str = Field(description="As it was uploaded.")
    width: int = Field(description="Pixels of the original, upright.")
    height: int = Field(description="Pixels of the original, upright.")
    taken_at: Moment | None = Field(
        description="In UTC, by the camera's clock in the event's time zone; null: the camera told none."
    )
    created_at: Moment = Field(description="When it was uploaded, in UTC.")
    stage: Stage = Field(description=STAGE)
    review: Review = Field(description=REVIEW)
    face_count: int | None = Field(description="Faces a search can find; null until they were looked for.")
    price_amount: Money = Field(description="What it costs by itself now, in full size.")
    currency: str = Field(description="By ISO 4217.")
    uploaded_by: int | None = Field(description="An account; null for visitors.")
    renditions: list[Rendition] = Field(description="None while they are being made.")


_OF_ROW = set(Row.model_fields) & set(Photo.model_fields)


class PhotoVerdict(Sent):
    """What a human says of a photo."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"review": "approved"}]})

    review: Review = Field(description="`pending`: it waits for a verdict again.")


PhotoIds = Annotated[
    list[UUID], Field(min_length=1, max_length=MOST, description="Of one event, 500 at most.")
]


class PhotosVerdict(PhotoVerdict):
    """One verdict on several photos of one event."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"photo_ids": [_ID], "review": "approved"}]})

    photo_ids: PhotoIds


class PhotosNamed(Sent):
    """Several photos of one event."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"photo_ids": [_ID]}]})

    photo_ids: PhotoIds


class Reviewed(Answer):
    """A verdict that was given, and the one before, to take it back."""

    photo_id: UUID
    review: Review = Field(description="The verdict now.")
    before: Review = Field(description="The verdict before.")


class ReviewedPhotos(Answer):
    """Verdicts that were given."""

    items: list[Reviewed]


# Not by a class of answer: refusals are no pictures.
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JPEG.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def shown(several: Sequence[Row], scope: Scope, viewer: Viewer) -> dict[UUID, Photo]:
    """Return photos of an event as their reader may see them, by id."""
    amounts = prices.of_photos(deps.backends(), scope.event.id, several, by=viewer)
    return {photo.id: _shown(photo, scope, viewer, amounts[photo.id]) for photo in several}


def _shown(photo: Row, scope: Scope, viewer: Viewer, price_amount: int) -> Photo:
    event, of_row = scope.event, photo.model_dump(include=_OF_ROW - {"price_amount"})
    of_row["uploaded_by"] = photo.uploaded_by if scope.is_member else None
    return Photo(
        **of_row,
        price_amount=price_amount,
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
    event_id: EventId,
    asked: Asked,
    gallery_id: InGallery = None,
    taken_from: Annotated[Moment | None, Query(description="Taken at this time or later.")] = None,
    taken_until: Annotated[Moment | None, Query(description="Taken before this time.")] = None,
    sort: Annotated[
        PhotoSort, Query(description="`-taken_at`: the latest first. Without a time, that of its upload.")
    ] = PhotoSort.OLDEST,
) -> Page[Photo]:
    """List the photos that visitors may see, by the time they were taken."""
    span = Span(taken_from, taken_until)
    found = photo_lists.public(
        deps.backends(), event_id, asked, by=caller.viewer, span=span, gallery_id=gallery_id, sort=sort
    )
    known = shown(found.photos.items, found.scope, caller.viewer)
    return page(found.photos, lambda photo: known[photo.id])


@router.get("/events/{event_id}/uploads")
def list_uploads(
    caller: callers.ReadsPhotos,
    event_id: EventId,
    asked: Asked,
    review: Annotated[Review | None, Query(description="With this verdict only.")] = None,
    stage: Annotated[Stage | None, Query(description="At this stage only.")] = None,
    gallery_id: InGallery = None,
    uploaded_by: Annotated[Id | None, Query(description="By this account only.")] = None,
) -> Page[Photo]:
    """List photos of any stage, the latest first: one's own, everybody's for those who review them."""
    wanted = Wanted(review, stage, gallery_id, uploaded_by)
    found = photo_lists.uploads(deps.backends(), event_id, asked, wanted, by=caller.account)
    known = shown(found.photos.items, found.scope, caller.viewer)
    return page(found.photos, lambda photo: known[photo.id])


@router.get("/photos/{photo_id}", openapi_extra=callers.OPEN)
@routing.quick
def get_photo(caller: callers.SeesPhotos, photo_id: PhotoId) -> Photo:
    """Return a photo: a public one to all who see the event, any to its reviewers and its photographer."""
    sight = photo_lists.get(deps.backends(), photo_id, by=caller.viewer)
    return shown([sight.photo], sight.scope, caller.viewer)[photo_id]


@router.get(
    "/photos/{photo_id}/renditions/{name}",
    response_class=Response,
    responses=_JPEG,
    openapi_extra=callers.OPEN,
)
def get_rendition(
    request: Request,
    caller: callers.SeesPhotos,
    photo_id: PhotoId,
    name: Annotated[RenditionName, Path(description="The longest side in pixels.")],
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
def review_photo(caller: callers.WritesPhotos, photo_id: PhotoId, sent: PhotoVerdict) -> Reviewed:
    """Approve or reject a photo, or have it wait again."""
    before = photos.review(deps.backends(), [photo_id], sent.review, by=caller.account)
    return Reviewed(photo_id=photo_id, review=sent.review, before=before[photo_id])


@router.post("/photos/review")
def review_photos(caller: callers.WritesPhotos, sent: PhotosVerdict) -> ReviewedPhotos:
    """Give one verdict to several photos of one event, 500 at most: to all that are named, or to none."""
    before = photos.review(deps.backends(), sent.photo_ids, sent.review, by=caller.account)
    given = [Reviewed(photo_id=known, review=sent.review, before=was) for known, was in before.items()]
    return ReviewedPhotos(items=given)


@router.delete("/photos/{photo_id}", status_code=204)
def delete_photo(caller: callers.WritesPhotos, photo_id: PhotoId) -> None:
    """Delete a photo: it is hidden at once, and taken apart within minutes. One that was sold stays."""
    photos.delete(deps.backends(), [photo_id], by=caller.account)


@router.post("/photos/delete", status_code=204)
def delete_photos(caller: callers.WritesPhotos, sent: PhotosNamed) -> None:
    """Delete several photos of one event, 500 at most: all that are named, or none."""
    photos.delete(deps.backends(), sent.photo_ids, by=caller.account)
