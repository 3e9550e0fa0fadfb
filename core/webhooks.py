"""Webhooks: the servers of others that are told what happens in an event. `deliveries` does the telling."""

import base64
import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from core import access, audit, jobs, limits, notices, paging
from core.access import Action, NoSuchEvent
from core.backends import Backends
from core.errors import Conflict, InvalidInput, NotFound
from core.ports import Bucket
from models.account import Account
from models.event import Event
from models.job import JobKind, JobStatus
from models.notice import NoticeKind
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint

MOST = 10  # of an event
LONGEST_URL = 2048  # characters
PING = "ping"  # the kind of a test message
BY_HAND = Bucket("webhook_by_hand", 30, timedelta(minutes=1))  # tests and repeats, by webhook

NEWEST_FIRST = paging.Order[WebhookDelivery](
    "deliveries", (col(WebhookDelivery.created_at), col(WebhookDelivery.id)), is_descending=True
)


class NoSuchWebhook(NotFound):
    """It was removed, never was, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such webhook. It may have been removed.")


class BeingSent(Conflict):
    """A worker is at the delivery, and what it writes down in the end would be about another attempt."""

    def __init__(self) -> None:
        super().__init__("It is being sent at this moment. Look again in a minute.")


class SwitchedOff(Conflict):
    """The webhook is told nothing now."""

    def __init__(self) -> None:
        super().__init__("This webhook is switched off. Switch it on first.")


def create(
    backends: Backends, event_id: int, url: str, kinds: Collection[NoticeKind], *, by: Account | None
) -> WebhookEndpoint:
    """Tell an address of these kinds of notices from now on; none means every kind. Raises InvalidInput."""
    with backends.reading() as session:
        access.require(session, by, Action.EDIT, event_id)  # before a stranger has us look up names
    endpoint = WebhookEndpoint(
        event_id=event_id,
        url=_checked(backends, url),
        kinds=_known(kinds),
        nonce=secrets.token_hex(16),
        created_by=access.signed_in(by).id,
    )
    with backends.transaction() as session:
        access.require(session, by, Action.EDIT, event_id)
        _refuse_too_many(session, event_id)
        session.add(endpoint)
        session.flush()
        audit.record(session, "webhook.create", endpoint.id, by=by, event=event_id, host=_host(endpoint))
    return endpoint


def edit(
    backends: Backends,
    endpoint_id: int,
    *,
    by: Account | None,
    url: str | None = None,
    kinds: Collection[NoticeKind] | None = None,
    is_active: bool | None = None,
) -> WebhookEndpoint:
    """Change where a webhook goes, what it tells, or whether it does; None leaves a thing as it is."""
    get(backends, endpoint_id, by=by)
    changes: dict[str, object] = {}
    if url is not None:
        changes["url"] = _checked(backends, url)
    if kinds is not None:
        changes["kinds"] = _known(kinds)
    if is_active is not None:
        changes["is_active"] = is_active
    with backends.transaction() as session:
        endpoint = _find(session, endpoint_id, by)
        endpoint.sqlmodel_update(changes)
        audit.record(
            session, "webhook.edit", endpoint_id, by=by, event=endpoint.event_id, host=_host(endpoint)
        )
    return endpoint


def secret(backends: Backends, endpoint: WebhookEndpoint) -> str:
    """Return what the receiver checks messages with. Made from our own secret: the table holds none."""
    token = backends.signer.sign("webhook", endpoint.id, endpoint.nonce)
    return f"whsec_{base64.b64encode(sha256(token.encode()).digest()).decode()}"


def rotate(backends: Backends, endpoint_id: int, *, by: Account | None) -> WebhookEndpoint:
    """Give a webhook a new secret: whatever is sent from now on is signed with it."""
    with backends.transaction() as session:
        endpoint = _find(session, endpoint_id, by)
        endpoint.nonce = secrets.token_hex(16)
        audit.record(session, "webhook.rotate", endpoint_id, by=by, event=endpoint.event_id)
    return endpoint


def remove(backends: Backends, endpoint_id: int, *, by: Account | None) -> None:
    """End a webhook: it is told nothing more, not even what waits."""
    with backends.transaction() as session:
        endpoint = _find(session, endpoint_id, by)
        endpoint.is_active, endpoint.removed_at = False, backends.now()
        waiting = update(WebhookDelivery).where(
            col(WebhookDelivery.endpoint_id) == endpoint_id,
            col(WebhookDelivery.status) == DeliveryStatus.WAITING,
        )
        session.execute(waiting.values(status=DeliveryStatus.FAILED))
        audit.record(session, "webhook.remove", endpoint_id, by=by, event=endpoint.event_id)


def get(backends: Backends, endpoint_id: int, *, by: Account | None) -> WebhookEndpoint:
    """Return a webhook. Raises NoSuchWebhook to those without a part in its event, Forbidden to others."""
    with backends.reading() as session:
        return _find(session, endpoint_id, by)


def of_event(backends: Backends, event_id: int, *, by: Account | None) -> Sequence[WebhookEndpoint]:
    """Return the webhooks of an event, newest first."""
    with backends.reading() as session:
        access.require(session, by, Action.EDIT, event_id)
        query = select(WebhookEndpoint).where(
            WebhookEndpoint.event_id == event_id, col(WebhookEndpoint.removed_at).is_(None)
        )
        return session.exec(query.order_by(col(WebhookEndpoint.id).desc())).all()


def deliveries(
    backends: Backends,
    endpoint_id: int,
    *,
    by: Account | None,
    status: DeliveryStatus | None = None,
    asked: paging.Asked = paging.Asked(),  # noqa: B008 (frozen)
) -> paging.Page[WebhookDelivery]:
    """Return what a webhook was told or is to be told, newest first."""
    with backends.reading() as session:
        _find(session, endpoint_id, by)
        query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
        if status is not None:
            query = query.where(WebhookDelivery.status == status)
        return paging.read(backends, session, query, NEWEST_FIRST, asked)


def resend(backends: Backends, delivery_id: UUID, *, by: Account | None) -> WebhookDelivery:
    """Send a delivery once more, or at once if it waits, with the same id.

    Raises BeingSent, SwitchedOff, TooOften.
    """
    with backends.transaction() as session:
        delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
        if delivery is None:
            raise NoSuchWebhook
        endpoint = _find_active(backends, session, delivery.endpoint_id, by)
        delivery.status = DeliveryStatus.WAITING
        living = jobs.hurry(backends, session, JobKind.DELIVER_WEBHOOK, delivery_id)
        if JobStatus.RUNNING in living:
            raise BeingSent
        if not living:
            jobs.enqueue(session, JobKind.DELIVER_WEBHOOK, delivery_id, event_id=endpoint.event_id)
        audit.record(session, "webhook.resend", delivery_id, by=by, event=endpoint.event_id)
    return delivery


def ping(backends: Backends, endpoint_id: int, *, by: Account | None) -> WebhookDelivery:
    """Send a test message, so that people can try their receiver. Raises SwitchedOff, TooOften."""
    with backends.transaction() as session:
        endpoint = _find_active(backends, session, endpoint_id, by)
        body = notices.told(0, PING, endpoint.event_id, backends.now(), {})  # of nothing that happened
        delivery = WebhookDelivery(endpoint_id=endpoint_id, kind=PING, body=body)
        session.add(delivery)
        jobs.enqueue(session, JobKind.DELIVER_WEBHOOK, delivery.id, event_id=endpoint.event_id)
        audit.record(session, "webhook.ping", endpoint_id, by=by, event=endpoint.event_id)
    return delivery


def _find(session: Session, endpoint_id: int, by: Account | None) -> WebhookEndpoint:
    endpoint = session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.removed_at is not None:
        raise NoSuchWebhook
    try:
        access.require(session, by, Action.EDIT, endpoint.event_id)
    except NoSuchEvent as error:
        raise NoSuchWebhook from error
    return endpoint


def _find_active(
    backends: Backends, session: Session, endpoint_id: int, by: Account | None
) -> WebhookEndpoint:
    endpoint = _find(session, endpoint_id, by)
    if not endpoint.is_active:
        raise SwitchedOff
    limits.take(backends, BY_HAND, endpoint_id)
    return endpoint


def _checked(backends: Backends, url: str) -> str:
    url = url.strip()
    if len(url) > LONGEST_URL:
        raise InvalidInput("This address is too long: {most} characters at most.", most=LONGEST_URL)
    backends.hooks.check(url)
    return url


def _host(endpoint: WebhookEndpoint) -> str:
    """Return what the audit log may keep of an address: the rest of some opens doors."""
    return urlsplit(endpoint.url).hostname or ""


def _known(kinds: Collection[NoticeKind]) -> list[str]:
    unknown = sorted(set(kinds) - set(NoticeKind))
    if unknown:
        raise InvalidInput('Nobody is told of "{kind}".', kind=unknown[0])
    return [kind.value for kind in NoticeKind if kind in kinds]


def _refuse_too_many(session: Session, event_id: int) -> None:
    """Raises Conflict. The event's row is held: of two at once, the second one counts the first.

    The lock leaves the event to those who only refer to it: they may hold the audit log, which comes next.
    """
    session.get(Event, event_id, with_for_update={"key_share": True})
    living = select(func.count()).where(
        WebhookEndpoint.event_id == event_id, col(WebhookEndpoint.removed_at).is_(None)
    )
    if session.exec(living).one() >= MOST:
        raise Conflict("An event has {most} webhooks at most. Remove one first.", most=MOST)
