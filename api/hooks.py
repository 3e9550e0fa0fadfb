"""Webhooks of an event, and what they were told."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Asked, Id, Moment, Page, Request, Text, page
from core import paging, webhooks
from core.webhooks import LONGEST_URL
from models.notice import NoticeKind
from models.webhook import DeliveryStatus, WebhookEndpoint

router = routing.router("webhooks")

WebhookId = Annotated[Id, Path(description="The webhook's id.")]
InStatus = Annotated[DeliveryStatus | None, Query(description="In this status only.")]
DeliveryId = Annotated[UUID, Path(description="The delivery's id.")]

Url = Annotated[
    Text, Field(min_length=1, max_length=LONGEST_URL, description="Where messages are sent to: https.")
]
Kinds = Annotated[
    list[NoticeKind],
    Field(max_length=len(NoticeKind), description="What it is told of; none: of everything."),
]


_NEW: JsonDict = {"url": "https://booth.example.org/encore", "kinds": ["photo.reviewed", "order.paid"]}
_EXAMPLE: JsonDict = {
    "id": 3,
    "event_id": 12,
    **_NEW,
    "is_active": True,
    "created_at": "2026-10-20T04:00:00Z",
}


class Webhook(Answer):
    """An address that is told what happens in an event."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: int
    event_id: int
    url: str = Field(description="Where messages are sent to.")
    kinds: Kinds
    is_active: bool = Field(description="False: it was switched off, and is told nothing.")
    created_at: Moment = Field(description="In UTC.")


class WebhookWithSecret(Webhook):
    """A webhook with its new secret. Lists do not show it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_EXAMPLE, "secret": "whsec_c2V2ZW4gZ3JlZW4gbGFudGVybnMgYW5kIG9uZSBtb3JlIQ=="}]
        }
    )

    secret: str = Field(description="Messages are signed with it, as the webhook `notice` says.")


class NewWebhook(Request):
    """Where to, and of what."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NEW]})

    url: Url
    kinds: Kinds = Field(default_factory=list)


class WebhookChange(Request):
    """What changes of a webhook; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_active": False}]})

    url: Url | None = None
    kinds: Kinds | None = None
    is_active: bool | None = Field(None, description="False switches it off, true on again.")


class Delivery(Answer):
    """One message on its way to a webhook."""

    id: UUID = Field(description="Sent as `webhook-id`: the receiver knows a repeat by it.")
    webhook_id: int = Field(validation_alias="endpoint_id")
    kind: NoticeKind | Literal["ping"] = Field(description="`ping` is a test.")
    status: DeliveryStatus = Field(
        description="`waiting`: it is tried, or tried again. `failed`: it gave up."
    )
    attempts: int = Field(description="How often it was tried.")
    last_answer: str | None = Field(description="What came of the last attempt; null: there was none yet.")
    created_at: Moment = Field(description="In UTC.")
    delivered_at: Moment | None = Field(description="When it was heard, in UTC; null: it was not.")


@router.get("/events/{event_id}/webhooks")
def list_webhooks(caller: callers.Hooks, event_id: EventId) -> Page[Webhook]:
    """List the webhooks of an event, newest first."""
    found = webhooks.of_event(deps.backends(), event_id, by=caller.account)
    return page(paging.whole(found), Webhook.model_validate)


@router.post("/events/{event_id}/webhooks", status_code=201, dependencies=routing.ONCE)
def create_webhook(
    caller: callers.Hooks, response: Response, event_id: EventId, sent: NewWebhook
) -> WebhookWithSecret:
    """Have an address told what happens in an event: by the webhook `notice`. An event has 10 at most.

    The secret is in this answer. Later, the event's page of webhooks shows it to those who may edit the
    event; here it can only be made anew.
    """
    made = webhooks.create(deps.backends(), event_id, sent.url, sent.kinds, by=caller.account)
    return _with_secret(made, response)


@router.patch("/webhooks/{webhook_id}")
def change_webhook(caller: callers.Hooks, webhook_id: WebhookId, sent: WebhookChange) -> Webhook:
    """Change where a webhook goes or what it is told, or switch it off or on."""
    changed = webhooks.edit(
        deps.backends(),
        webhook_id,
        by=caller.account,
        url=sent.url,
        kinds=sent.kinds,
        is_active=sent.is_active,
    )
    return Webhook.model_validate(changed)


@router.delete("/webhooks/{webhook_id}", status_code=204)
def delete_webhook(caller: callers.Hooks, webhook_id: WebhookId) -> None:
    """End a webhook: it is told nothing more, not even what waits."""
    webhooks.remove(deps.backends(), webhook_id, by=caller.account)


@router.post("/webhooks/{webhook_id}/rotate", dependencies=routing.ONCE)
def rotate_webhook_secret(
    caller: callers.Hooks, response: Response, webhook_id: WebhookId
) -> WebhookWithSecret:
    """Give a webhook a new secret, and return it: whatever is sent from now on is signed with that one."""
    return _with_secret(webhooks.rotate(deps.backends(), webhook_id, by=caller.account), response)


@router.post("/webhooks/{webhook_id}/ping", status_code=202, dependencies=routing.ONCE)
def ping_webhook(caller: callers.Hooks, webhook_id: WebhookId) -> Delivery:
    """Send a test message, to try a receiver."""
    return Delivery.model_validate(webhooks.ping(deps.backends(), webhook_id, by=caller.account))


@router.get("/webhooks/{webhook_id}/deliveries")
def list_deliveries(
    caller: callers.Hooks, webhook_id: WebhookId, asked: Asked, status: InStatus = None
) -> Page[Delivery]:
    """List what a webhook was told or is to be told, newest first."""
    found = webhooks.deliveries(deps.backends(), webhook_id, by=caller.account, status=status, asked=asked)
    return page(found, Delivery.model_validate)


@router.post("/deliveries/{delivery_id}/resend", status_code=202)
def resend_delivery(caller: callers.Hooks, delivery_id: DeliveryId) -> Delivery:
    """Send a message once more, or at once if it waits. It keeps its id."""
    return Delivery.model_validate(webhooks.resend(deps.backends(), delivery_id, by=caller.account))


def _with_secret(webhook: WebhookEndpoint, response: Response) -> WebhookWithSecret:
    response.headers["Cache-Control"] = "no-store"
    secret = webhooks.secret(deps.backends(), webhook)
    return WebhookWithSecret(secret=secret, **Webhook.model_validate(webhook).model_dump())
