"""Webhooks of an event, and what they were told."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from api import callers, deps, routing
from api.schemas import Answer, Asked, Id, Moment, Page, Request, Text, page
from core import paging, webhooks
from core.webhooks import LONGEST_URL
from models.notice import NoticeKind
from models.webhook import DeliveryStatus, WebhookEndpoint

router = routing.router("webhooks")

Url = Annotated[
    Text, Field(min_length=1, max_length=LONGEST_URL, description="Where messages are sent to: https.")
]
Kinds = Annotated[
    list[NoticeKind],
    Field(max_length=len(NoticeKind), description="What it is told of; none: of everything."),
]


class Webhook(Answer):
    """An address that is told what happens in an event."""

    id: int
    event_id: int
    url: str
    kinds: Kinds
    is_active: bool
    created_at: Moment


class WebhookWithSecret(Webhook):
    """A webhook with its new secret, which is shown this once."""

    secret: str = Field(description="Messages are signed with it.")


class NewWebhook(Request):
    """Where to, and of what."""

    url: Url
    kinds: Kinds = Field(default_factory=list)


class WebhookChange(Request):
    """What changes of a webhook; what is left out stays."""

    url: Url | None = None
    kinds: Kinds | None = None
    is_active: bool | None = None


class Delivery(Answer):
    """One message on its way to a webhook."""

    id: UUID = Field(description="The receiver knows a repeat by it.")
    webhook_id: int = Field(validation_alias="endpoint_id")
    kind: NoticeKind | Literal["ping"]
    status: DeliveryStatus
    attempts: int
    last_answer: str | None
    created_at: Moment
    delivered_at: Moment | None


@router.get("/events/{event_id}/webhooks")
def list_webhooks(caller: callers.Hooks, event_id: Id) -> Page[Webhook]:
    """List the webhooks of an event, newest first."""
    found = webhooks.of_event(deps.backends(), event_id, by=caller.account)
    return page(paging.whole(found), Webhook.model_validate)


@router.post("/events/{event_id}/webhooks", status_code=201, dependencies=routing.ONCE)
def create_webhook(
    caller: callers.Hooks, response: Response, event_id: Id, sent: NewWebhook
) -> WebhookWithSecret:
    """Have an address told what happens in an event. Its secret is in this answer and nowhere else."""
    made = webhooks.create(deps.backends(), event_id, sent.url, sent.kinds, by=caller.account)
    return _with_secret(made, response)


@router.patch("/webhooks/{webhook_id}")
def change_webhook(caller: callers.Hooks, webhook_id: Id, sent: WebhookChange) -> Webhook:
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
def delete_webhook(caller: callers.Hooks, webhook_id: Id) -> None:
    """End a webhook: it is told nothing more, not even what waits."""
    webhooks.remove(deps.backends(), webhook_id, by=caller.account)


@router.post("/webhooks/{webhook_id}/rotate", dependencies=routing.ONCE)
def rotate_webhook_secret(caller: callers.Hooks, response: Response, webhook_id: Id) -> WebhookWithSecret:
    """Give a webhook a new secret, with which whatever is sent from now on is signed."""
    return _with_secret(webhooks.rotate(deps.backends(), webhook_id, by=caller.account), response)


@router.post("/webhooks/{webhook_id}/ping", status_code=202, dependencies=routing.ONCE)
def ping_webhook(caller: callers.Hooks, webhook_id: Id) -> Delivery:
    """Send a test message, to try a receiver."""
    return Delivery.model_validate(webhooks.ping(deps.backends(), webhook_id, by=caller.account))


@router.get("/webhooks/{webhook_id}/deliveries")
def list_deliveries(
    caller: callers.Hooks, webhook_id: Id, asked: Asked, status: DeliveryStatus | None = None
) -> Page[Delivery]:
    """List what a webhook was told or is to be told, newest first."""
    found = webhooks.deliveries(deps.backends(), webhook_id, by=caller.account, status=status, asked=asked)
    return page(found, Delivery.model_validate)


@router.post("/deliveries/{delivery_id}/resend", status_code=202)
def resend_delivery(caller: callers.Hooks, delivery_id: UUID) -> Delivery:
    """Send a message once more, or at once if it waits. It keeps its id."""
    return Delivery.model_validate(webhooks.resend(deps.backends(), delivery_id, by=caller.account))


def _with_secret(webhook: WebhookEndpoint, response: Response) -> WebhookWithSecret:
    response.headers["Cache-Control"] = "no-store"
    secret = webhooks.secret(deps.backends(), webhook)
    return WebhookWithSecret(secret=secret, **Webhook.model_validate(webhook).model_dump())
