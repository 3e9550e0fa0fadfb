"""What is told of an event, for the document: to webhooks, and on live lines. Nothing here tells anybody."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import FastAPI, Header
from pydantic import ConfigDict, Field, RootModel
from pydantic.config import JsonDict

from api.schemas import Answer, Moment, Money
from models.notice import NoticeKind
from models.photo import Review

_EXAMPLE: JsonDict = {
    "id": 4711,
    "kind": "photo.reviewed",
    "event_id": 12,
    "at": "2026-11-01T02:31:07.250000Z",
    "data": {"photo_ids": ["0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"], "review": "approved"},
}


class ToldPhotos(Answer):
    """Photos that something happened to."""

    photo_ids: list[UUID] = Field(description="500 at most: more of them are told in several notices.")


class ToldUpload(ToldPhotos):
    """Photos that came in."""

    gallery_id: int = Field(description="The gallery they came into.")


class ToldIndexing(ToldPhotos):
    """Photos whose faces were looked for."""

    faces: int = Field(description="How many of them a search can find.")


class ToldReview(ToldPhotos):
    """Photos that were given a verdict."""

    review: Review = Field(description="The verdict; `pending`: it was taken back.")


class ToldSearch(Answer):
    """What a search showed. Nobody is told who searched, nor for whom."""

    sure: int = Field(description="How many photos it showed as sure.")
    maybe: int = Field(description="How many it showed as perhaps theirs.")


class ToldSale(Answer):
    """What was paid for in this event. An order over several events is told in each of them."""

    order_id: UUID
    amount: Money
    currency: str = Field(description="By ISO 4217, such as THB.")
    count: int = Field(description="How many photos.")


class ToldMoney(Answer):
    """Money of an order, as much of it as belongs to this event."""

    order_id: UUID
    amount: Money
    currency: str = Field(description="By ISO 4217, such as THB.")


class ToldNothing(Answer):
    """No data."""


class _Told(Answer):
    id: int = Field(
        description="Grows within an event: a live line goes on after it with `?after=`. 0 for `ping`."
    )
    event_id: int
    at: Moment = Field(description="When it happened, in UTC.")


class PhotoUploaded(_Told):
    """A photo came in."""

    kind: Literal[NoticeKind.PHOTO_UPLOADED]
    data: ToldUpload


class PhotoRendered(_Told):
    """A photo has its renditions."""

    kind: Literal[NoticeKind.PHOTO_RENDERED]
    data: ToldPhotos


class PhotoIndexed(_Told):
    """A photo's faces were looked for: once it is approved, a search finds it."""

    kind: Literal[NoticeKind.PHOTO_INDEXED]
    data: ToldIndexing


class PhotoReviewed(_Told):
    """Photos were approved or rejected, or wait again."""

    kind: Literal[NoticeKind.PHOTO_REVIEWED]
    data: ToldReview


class PhotoDeleted(_Told):
    """Photos were deleted: forget them."""

    kind: Literal[NoticeKind.PHOTO_DELETED]
    data: ToldPhotos


class SearchMade(_Told):
    """Somebody searched by selfie."""

    kind: Literal[NoticeKind.SEARCH_MADE]
    data: ToldSearch


class OrderPaid(_Told):
    """An order was paid."""

    kind: Literal[NoticeKind.ORDER_PAID]
    data: ToldSale


class OrderRefunded(_Told):
    """Money of an order goes back to its buyer."""

    kind: Literal[NoticeKind.ORDER_REFUNDED]
    data: ToldMoney


class OrderDisputed(_Told):
    """A buyer's bank wants a payment back: what people are owed of it is frozen until that is decided."""

    kind: Literal[NoticeKind.ORDER_DISPUTED]
    data: ToldMoney


class Ping(_Told):
    """A test message, for one webhook only: nothing happened."""

    kind: Literal["ping"]
    data: ToldNothing


_Any = (
    PhotoUploaded
    | PhotoRendered
    | PhotoIndexed
    | PhotoReviewed
    | PhotoDeleted
    | SearchMade
    | OrderPaid
    | OrderRefunded
    | OrderDisputed
    | Ping
)


class Notice(RootModel[Annotated[_Any, Field(discriminator="kind")]]):
    """One thing that happened in an event, by its kind. Kinds and fields may be added: skip unknown ones."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


MessageId = Annotated[str, Header(description="The delivery's id. A repeat has the same one.")]
Timestamp = Annotated[int, Header(description="When this attempt was made: seconds since 1970, UTC.")]
Signature = Annotated[
    str,
    Header(description="`v1,` and a signature in Base64; should there be several, spaces lie between them."),
]


def notice(
    webhook_id: MessageId, webhook_timestamp: Timestamp, webhook_signature: Signature, sent: Notice
) -> None:
    """Hear what happened in an event: sent to each of its webhooks that wants this kind.

    **Is it ours?** Messages are signed as [Standard Webhooks](https://www.standardwebhooks.com) says: check
    them with its libraries, or by hand. Decode the part of the secret after `whsec_` from Base64. With it,
    make the HMAC-SHA256 of `webhook-id`, `webhook-timestamp` and the body's bytes as they came, with a full
    stop between them. The signature is `v1,` and this in Base64. Refuse a timestamp that is more than five
    minutes off.

    **What to answer.** Any 2xx, within ten seconds: note the message down, and work on it afterwards. Nobody
    is followed to another address. Anything else, and silence, is tried again: after 30 seconds, then after
    twice as long each time, up to 6 hours; 18 times in all, which takes about 50 hours. 410 switches the
    webhook off.

    **What may come twice, or late.** A repeat has the same `webhook-id`: carry nothing out twice. A message
    that was tried again comes after later ones: `id` tells the order.
    """


def document(app: FastAPI) -> None:
    """Add to the API's document what webhooks are sent."""
    app.webhooks.add_api_route(
        "notice",
        notice,
        methods=["POST"],
        operation_id="notice",
        summary="Hear what happened in an event",
        tags=["webhooks"],
        status_code=204,
        response_description="Heard; any other 2xx says the same.",
        responses={
            410: {"description": "No more of this: the webhook is switched off."},
            "default": {"description": "Not heard: it is tried again."},
        },
    )
