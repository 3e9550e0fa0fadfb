"""Two events of two organisers, with one of everything in each, and everybody who may come to them."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlmodel import select

from core import (
    carts,
    checkouts,
    consent,
    coupons,
    keys,
    notices,
    outbox,
    payments,
    played,
    prices,
    programs,
    refund_answers,
    refunds,
    sharing,
    webhooks,
)
from core.access import Viewer
from core.backends import Backends
from core.gateway import PaymentState
from core.ports import Bucket
from core.signing import token_hash
from core.terms import Terms
from models.account import Account, ApiScope, Role
from models.consent import Purpose
from models.event import Event, MemberRole, Visibility
from models.job import Job, JobKind, JobStatus
from models.ledger import Payout
from models.mail import MailKind, OutboxMail
from models.notice import NoticeKind
from models.order import Order
from models.refund import Refund
from models.webhook import WebhookDelivery
from tests.makers import PASSWORD, add_member, gallery_of, make_account, make_event, make_photo

MISSING_NUMBER, MISSING_ID = 999_999, UUID(int=0xDEAD)
TERMS = Terms(price_amount=12_000, web_amount=6_000, pass_amount=90_000, refund_days=7)


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
    prices.save(backends, event.id, TERMS, by=owner)
    link = sharing.create(backends, event.id, by=owner, label="Poster")
    token = sharing.address(backends, link).partition("share=")[2]
    sharing.open_link(backends, token, by=buyer)
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=buyer)
    order = _paid_order(backends, buyer, photos[0].id)
    carts.add(backends, buyer, [photo.id for photo in photos[1:]])
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
        "coupon_id": coupons.create(backends, event.id, coupons.Draft(code_of(event.id), 10), by=owner).id,
        "refund_id": _failed_refund(backends, order, owner),
        "payout_id": _payout(backends, member, accounts["admin"]),
        "mail_id": _mail(backends, order),
        **_webhook(backends, event, owner),
    }
    return Things(path, token, secret)


def _owner(backends: Backends, event: Event) -> Account:
    with backends.reading() as session:
        return session.get_one(Account, event.created_by)


def code_of(event_id: object) -> str:
    """The code of the event's coupon."""
    return f"RUN-{event_id}"


def _paid_order(backends: Backends, buyer: Viewer, photo_id: UUID) -> Order:
    carts.add(backends, buyer, [photo_id])
    order = checkouts.place(backends, buyer, "buyer@example.org")
    played.play(backends, order.checkout_id or "", PaymentState.PAID)
    payments.settle(backends, str(order.id))
    return order


def _failed_refund(backends: Backends, order: Order, owner: Account) -> UUID:
    refund = refunds.give_back(backends, order.id, None, "Blurred.", by=owner)
    with backends.transaction() as session:
        refund_answers.end(backends, session, session.get_one(Refund, refund.id), "Refused.")
    return refund.id


def _payout(backends: Backends, payee: Account, admin: Account) -> int:
    """A payout that is due and, for the books know nothing of it, cannot be paid."""
    period = {"period_start": date(2026, 9, 1), "period_end": date(2026, 10, 1)}
    payout = Payout(account_id=payee.id, currency="THB", amount=500, created_by=admin.id, **period)
    with backends.transaction() as session:
        session.add(payout)
    return payout.id


def _mail(backends: Backends, order: Order) -> UUID:
    with backends.transaction() as session:
        outbox.put(session, MailKind.ORDER_LINKS, f"{order.id}:0", order.email, order_id=str(order.id))
    with backends.reading() as session:
        query = select(OutboxMail.id).where(OutboxMail.subject == f"{order.id}:0")
        return session.exec(query).one()


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
