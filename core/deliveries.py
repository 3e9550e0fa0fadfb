"""What webhooks are told, message by message, until they have heard it: the worker's part.

Messages are signed as standardwebhooks.com says, so that receivers need no library of ours.
"""

from http import HTTPStatus
from uuid import UUID

from standardwebhooks import Webhook

from core import audit, jobs, webhooks
from core.backends import Backends
from core.errors import PlatformError, Unavailable
from models.job import JobKind
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint


def send(backends: Backends, subject: str) -> None:
    """Tell a webhook what waits for it. Raises Unavailable until it has heard, InvalidInput to give up."""
    begun = _begin(backends, UUID(subject))
    if begun is None:
        return
    endpoint, delivery = begun
    try:
        status = backends.hooks.post(endpoint.url, delivery.body.encode(), _headers(backends, *begun))
    except PlatformError as refusal:
        is_over = not isinstance(refusal, Unavailable)
        _note(backends, delivery, str(refusal), DeliveryStatus.FAILED if is_over else None)
        raise
    _hear(backends, endpoint, delivery, status)


def _begin(backends: Backends, delivery_id: UUID) -> tuple[WebhookEndpoint, WebhookDelivery] | None:
    """Count the attempt, and return what is to be sent, None for nothing.

    The last attempt counts as failed until it has succeeded: it has no next one to say so.
    """
    with backends.transaction() as session:
        delivery = session.get(WebhookDelivery, delivery_id)
        if delivery is None or delivery.status is DeliveryStatus.DELIVERED:
            return None
        endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id)
        if not endpoint.is_active:
            delivery.status = DeliveryStatus.FAILED
            delivery.last_answer = delivery.last_answer or "The webhook was switched off."
            return None
        is_last = jobs.is_last_attempt(session, JobKind.DELIVER_WEBHOOK, delivery_id)
        delivery.status = DeliveryStatus.FAILED if is_last else DeliveryStatus.WAITING
        delivery.attempts += 1
    return endpoint, delivery


def _headers(backends: Backends, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> dict[str, str]:
    at = backends.now()
    return {
        "content-type": "application/json",
        "user-agent": "Encore-Webhooks",
        "webhook-id": str(delivery.id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(webhooks.secret(backends, endpoint)).sign(
            str(delivery.id), at, delivery.body
        ),
    }


def _hear(backends: Backends, endpoint: WebhookEndpoint, delivery: WebhookDelivery, status: int) -> None:
    """Write down what the receiver answered. Raises Unavailable unless that was a yes, or an end."""
    answer = _in_words(status)
    if status == HTTPStatus.GONE:
        _switch_off(backends, endpoint.id)
        _note(backends, delivery, f"{answer}. The webhook is switched off.", DeliveryStatus.FAILED)
    elif 200 <= status < 300:
        _note(backends, delivery, answer, DeliveryStatus.DELIVERED)
    else:
        _note(backends, delivery, answer, None)
        raise Unavailable("The webhook's server answered: {answer}", answer=answer)


def _in_words(status: int) -> str:
    known = status in set(HTTPStatus)
    words = f"{status} {HTTPStatus(status).phrase}" if known else str(status)
    return f"{words}. Nobody is followed to another address." if 300 <= status < 400 else words


def _switch_off(backends: Backends, endpoint_id: int) -> None:
    with backends.transaction() as session:
        endpoint = session.get_one(WebhookEndpoint, endpoint_id)
        endpoint.is_active = False
        audit.record(session, "webhook.gone", endpoint_id, by=None, event=endpoint.event_id)


def _note(backends: Backends, delivery: WebhookDelivery, answer: str, status: DeliveryStatus | None) -> None:
    """Write down an answer, and where the delivery stands now, if that is another place."""
    with backends.transaction() as session:
        row = session.get_one(WebhookDelivery, delivery.id)
        row.last_answer = answer[:300]
        if status is not None:
            row.status = status
        if status is DeliveryStatus.DELIVERED:
            row.delivered_at = backends.now()
