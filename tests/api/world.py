"""Two events of two organisers, with one of everything in each, and everybody who may come to them."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from core import carts, consent, keys, notices, orders, programs, sharing, webhooks
from core.access import Viewer
from core.backends import Backends
from core.gateway import PaymentState
from core.ports import Bucket
from core.signing import token_hash
from models.account import Account, ApiScope, Role
from models.consent import Purpose
from models.event import Event, MemberRole, Visibility
from models.job import Job, JobKind, JobStatus
from models.notice import NoticeKind
from models.webhook import WebhookDelivery
from tests.makers import PASSWORD, add_member, gallery_of, make_account, make_event, make_photo

MISSING_NUMBER, MISSING_ID = 999_999, UUID(int=0xDEAD)


class Unlimited:
    """A limiter that lets everything through: limits have tests of their own."""

    def take(self, bucket: Bucket, key: str) -> timedelta:
        return timedelta(0)

    def check(self) -> None:
        """They are well."""


@dataclass(frozen=True)
class Things:
    """What an event, or a buyer of its photos, has: the values of path parameters by their names."""

    path: dict[str, object]
    share_token: str = ""
    buyer: str = ""  # the secret of the visitor whose cart, consent and orders these are


@dataclass
class World:
    """The events, and the headers of everybody by who they are to event `own`."""

    backends: Backends
    own: Things
    other: Things
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    def path(self, which: str) -> dict[str, object]:
        """The path parameters of one's own, another's or a missing thing."""
        if which == "missing":
            return {
                name: MISSING_ID if isinstance(value, UUID) else _missing(name, value)
                for name, value in self.own.path.items()
            }
        return self.own.path if which == "own" else self.other.path


def _missing(name: str, value: object) -> object:
    if name == "name":  # of a rendition: one that there is
        return value
    return MISSING_NUMBER if isinstance(value, int) else "nothing"


def build(backends: Backends) -> World:
    """Make it all. The `own` event is by link; its members are named by their parts in it."""
    backends.limiter = Unlimited()
    owner, stranger = (make_account(backends, Role.ORGANISER) for _ in range(2))
    events = [make_event(backends, one, visibility=Visibility.BY_LINK) for one in (owner, stranger)]
    accounts = {
        "admin": make_account(backends, Role.ADMIN),
        "organiser": owner,
        "stranger": stranger,  # the organiser of the other event
        "guest": make_account(backends),
        "photographer": make_account(backends, Role.PHOTOGRAPHER),
        "analyst": make_account(backends, Role.ANALYST),
        "door": make_account(backends),
    }
    for name in ("photographer", "analyst", "door"):
        add_member(backends, events[0], accounts[name], MemberRole(name))
    own, other = (
        _things(backends, event, accounts, secret * 43) for event, secret in zip(events, "vw", strict=True)
    )
    world = World(backends, own, other, accounts=accounts)
    world.headers = {name: _bearer(backends, account) for name, account in accounts.items()}
    world.headers |= {"nobody": {}, "visitor": {"X-Visitor": own.buyer}, "passer-by": {"X-Visitor": "p" * 43}}
    return world


def _bearer(backends: Backends, account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {programs.sign_in(backends, account.email, PASSWORD).access_token}"}


def _things(backends: Backends, event: Event, accounts: dict[str, Account], secret: str) -> Things:
    owner = _owner(backends, event)
    buyer = Viewer(token_hash(secret))
    photos = [make_photo(backends, event) for _ in range(3)]
    link = sharing.create(backends, event.id, by=owner, label="Poster")
    token = sharing.address(backends, link).partition("share=")[2]
    sharing.open_link(backends, token, by=buyer)
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=buyer)
    order = _paid_order(backends, buyer, photos[0].id)
    carts.add(backends, buyer, [photos[1].id])
    member = make_account(backends)
    add_member(backends, event, member, MemberRole.PHOTOGRAPHER)
    path: dict[str, object] = {
        "event_id": event.id,
        "gallery_id": gallery_of(backends, event).id,
        "photo_id": photos[2].id,
        "link_id": link.id,
        "consent_id": receipt.id,
        "order_id": order.id,
        "account_id": member.id,
        "key_id": keys.create(backends, "Booth", [ApiScope.SEARCH], by=owner)[0].id,
        "job_id": _failed_job(backends, event),
        "checkout_id": order.checkout_id or "",
        "name": "300",
        **_webhook(backends, event, owner),
    }
    return Things(path, token, secret)


def _owner(backends: Backends, event: Event) -> Account:
    with backends.reading() as session:
        return session.get_one(Account, event.created_by)


def _paid_order(backends: Backends, buyer: Viewer, photo_id: UUID):
    from core import payments

    carts.add(backends, buyer, [photo_id])
    order = orders.place(backends, buyer, "buyer@example.org")
    payments.play(backends, order.checkout_id, PaymentState.PAID)
    orders.settle(backends, str(order.id))
    return order


def _failed_job(backends: Backends, event: Event) -> int:
    job = Job(kind=JobKind.RENDER_PHOTO, subject=str(MISSING_ID), event_id=event.id, status=JobStatus.FAILED)
    with backends.transaction() as session:
        session.add(job)
    return job.id


def _webhook(backends: Backends, event: Event, owner: Account) -> dict[str, object]:
    endpoint = webhooks.create(backends, event.id, "https://books.example/hook", [], by=owner)
    with backends.transaction() as session:
        notices.note(session, NoticeKind.PHOTO_UPLOADED, event.id, photo_ids=[str(MISSING_ID)])
    with backends.reading() as session:
        delivery = session.exec(
            select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
        ).first()
    return {"webhook_id": endpoint.id, "delivery_id": delivery.id}
