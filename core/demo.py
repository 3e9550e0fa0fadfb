"""The demo event: synthetic people, members, approvals, a share link and some days of sales."""

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import bcrypt
from sqlmodel import Session, select

from core import (
    bookings,
    covers,
    downloads,
    events,
    galleries,
    journey,
    members,
    photos,
    prices,
    sharing,
    worker,
)
from core.backends import Backends
from core.gateway import CheckoutLine, CheckoutRequest, PaymentState, PlayableGateway
from core.settings import ROOT
from core.terms import Terms
from models.account import Account, Role
from models.activity import Activity, ActivityKind
from models.event import Event, EventStatus, MemberRole, Visibility
from models.order import LineItem, Order, OrderStatus
from models.photo import Photo, Review
from models.sharing import ShareLink

FOLDER = ROOT / "data" / "demo"
# Public on purpose: demo accounts sign in on this machine only (`core.accounts`).
PASSWORD = "encore-demo-2026"  # noqa: S105
PEOPLE = {
    "admin@demo.example": ("Ada Admin", Role.ADMIN),
    "organiser@demo.example": ("Olive Organiser", Role.ORGANISER),
    "photographer@demo.example": ("Phil Photographer", Role.PHOTOGRAPHER),
    "analyst@demo.example": ("Anna Analyst", Role.ANALYST),
    "guest@demo.example": ("Gus Guest", Role.GUEST),
}
HELD_ON = date(2026, 10, 17)
NAME = "Riverside Summer Party"
COMMISSION_PERCENT = 60
DAYS_OF_SALES = 14
BUYERS_A_DAY = (9, 14, 7, 5, 4, 2, 3, 2, 1, 2, 1, 0, 1, 1)

Progress = Callable[[str, int, int], None]


def is_wanted(backends: Backends) -> bool:
    """A first look deserves something to look at: there is no event, or a demo event that was interrupted."""
    with backends.reading() as session:
        others = session.exec(select(Event.id).where(Event.name != NAME).limit(1)).first()
        finished = session.exec(select(ShareLink.id).limit(1)).first()
    return others is None and finished is None


def load(backends: Backends, progress: Progress) -> str:
    """Load the demo event, or what an interrupted loading left to do, and return its share address.

    Raises Unavailable when the face engine is not installed.
    """
    backends.pixels.identity(backends.settings.face_engine)  # before anything is uploaded
    people = _people(backends)
    organiser = people["organiser@demo.example"]
    existing = [event for event in events.mine(backends, by=organiser) if event.name == NAME]
    event = existing[0] if existing else _event(backends, organiser)
    links = sharing.of_event(backends, event.id, by=organiser)
    if links:
        return sharing.address(backends, links[-1])
    kept = _upload(backends, event, people["photographer@demo.example"], progress)
    worker.drain(backends, lambda left: progress("faces", max(len(kept) - left, 0), len(kept)))
    _approve(backends, event, organiser)
    if not _is_selling(backends, event):
        _sell(backends, event)
    link = sharing.create(backends, event.id, by=organiser, label="Poster at the entrance")
    return sharing.address(backends, link)


def _people(backends: Backends) -> dict[str, Account]:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt()).decode()
    people = {}
    with backends.transaction() as session:
        for email, (name, role) in PEOPLE.items():
            account = session.exec(select(Account).where(Account.email == email)).first()
            if account is None:
                account = Account(email=email, name=name, role=role, password_hash=hashed, is_demo=True)
                session.add(account)
            people[email] = account
    return people


def _event(backends: Backends, organiser: Account) -> Event:
    details = events.Details(
        name=NAME,
        held_on=HELD_ON,
        place="Riverside Park, Bangkok",
        description="An afternoon by the river: lawn games, live music and dinner under the lights.",
        price_amount=12_000,
        visibility=Visibility.LISTED,
    )
    event = events.create(backends, details, by=organiser)
    event_id = event.id
    photographer, commission = "photographer@demo.example", COMMISSION_PERCENT
    members.put(backends, event_id, photographer, MemberRole.PHOTOGRAPHER, commission, by=organiser)
    members.put(backends, event_id, "analyst@demo.example", MemberRole.ANALYST, by=organiser)
    first = galleries.listing(backends, event_id, by=organiser)[0]
    galleries.rename(backends, first.id, "Afternoon", by=organiser)
    galleries.add(backends, event_id, "Evening", by=organiser)
    terms = Terms(
        price_amount=12_000, web_amount=6_000, bundle_amount=49_000, pass_amount=199_000, refund_days=7
    )
    prices.save(backends, event_id, terms, by=organiser)
    return event


def _upload(backends: Backends, event: Event, photographer: Account, progress: Progress) -> Sequence[UUID]:
    afternoon, evening = galleries.listing(backends, event.id, by=photographer)
    files = sorted((FOLDER / "photos").iterdir(), key=lambda path: path.name)
    kept = []
    for number, path in enumerate(files, start=1):
        gallery = evening if number > len(files) * 2 // 3 else afternoon
        with suppress(photos.AlreadyUploaded):
            kept.append(journey.upload_file(backends, gallery.id, path, by=photographer))
        progress("upload", number, len(files))
    return kept


def _approve(backends: Backends, event: Event, organiser: Account) -> None:
    """Approve all but the two blurred pictures, which wait for a verdict; the best group is the cover."""
    blurred = {Path(name).name for name in json.loads((FOLDER / "truth.json").read_text())["blurred"]}
    event_id = event.id
    found = photos.for_review(backends, event_id, None, by=organiser, limit=500).photos
    good = [photo for photo in found if photo.filename not in blurred]
    photos.review(backends, [photo.id for photo in good], Review.APPROVED, by=organiser)
    covers.choose(backends, event_id, max(good, key=lambda photo: photo.face_count or 0).id, by=organiser)
    events.set_status(backends, event_id, EventStatus.ON_SALE, by=organiser)


def _is_selling(backends: Backends, event: Event) -> bool:
    with backends.reading() as session:
        return (
            session.exec(select(LineItem.id).where(LineItem.event_id == event.id).limit(1)).first()
            is not None
        )


def _sell(backends: Backends, event: Event) -> None:
    """Write two weeks of paid orders, most of them in the first 48 hours, the same at every load."""
    chance = random.Random(7)  # noqa: S311  sample data, no secret
    with backends.transaction() as session:
        pool = session.exec(
            select(Photo).where(Photo.event_id == event.id, Photo.review == Review.APPROVED)
        ).all()
        for paid_at in _moments(chance):
            chosen = chance.sample(pool, k=min(len(pool), chance.choice((1, 1, 2, 3, 3, 5, 8))))
            _sale(backends, session, event, chosen, paid_at)


def _sale(
    backends: Backends, session: Session, event: Event, chosen: Sequence[Photo], paid_at: datetime
) -> None:
    """Write one paid order with its files, its money and what is counted of it, as of its day."""
    order = _order(event, chosen, paid_at)
    order.checkout_id = order.intent_id = _played(backends, order)
    session.add(order)
    session.flush()
    items = [_line(order, event, photo) for photo in chosen]
    for item in items:
        item.platform_percent = backends.settings.platform_percent
    session.add_all(items)
    session.flush()
    downloads.grant(backends, session, items)
    bookings.sale(replace(backends, now=lambda: paid_at), session, order, items)
    session.add(_paid(event, order, paid_at, len(chosen)))


def _played(backends: Backends, order: Order) -> str | None:
    """Pay an order where payments are played, so that its money can go back; return the checkout's id."""
    if not hasattr(backends.payments, "decide"):
        return None
    gateway = cast(PlayableGateway, backends.payments)
    request = CheckoutRequest(
        order_id=order.id,
        attempt=order.attempt,
        lines=[CheckoutLine(NAME, order.total_amount, 1)],
        amount=order.total_amount,
        currency=order.currency,
        email=order.email,
        return_url=backends.settings.url("/orders"),
        cancel_url=backends.settings.url("/cart"),
        expires_at=backends.now() + backends.settings.order_ttl,
    )
    checkout = gateway.start_checkout(request)
    gateway.decide(checkout.id, PaymentState.PAID)
    return checkout.id


def _moments(chance: random.Random) -> list[datetime]:
    """Return when each order was paid, oldest first: the books are written day after day."""
    days = (day for day in range(DAYS_OF_SALES) for _ in range(BUYERS_A_DAY[day]))
    return sorted(_moment(day, chance) for day in days)


def _moment(day: int, chance: random.Random) -> datetime:
    noon = datetime.combine(HELD_ON, time(5), tzinfo=UTC)
    return noon + timedelta(days=day, minutes=chance.randrange(60 if day else 360, 720))


def _order(event: Event, chosen: Sequence[Photo], paid_at: datetime) -> Order:
    return Order(
        visitor_key=uuid4().hex * 2,
        email="buyer@demo.example",
        status=OrderStatus.PAID,
        total_amount=event.price_amount * len(chosen),
        currency=event.currency,
        gateway="demo",
        created_at=paid_at - timedelta(minutes=2),
        expires_at=paid_at + timedelta(minutes=28),
        paid_at=paid_at,
    )


def _line(order: Order, event: Event, photo: Photo) -> LineItem:
    return LineItem(
        order_id=order.id,
        event_id=event.id,
        photo_id=photo.id,
        label=photo.filename,
        list_amount=event.price_amount,
        amount=event.price_amount,
        currency=event.currency,
        photographer_id=photo.uploaded_by,
        commission_percent=COMMISSION_PERCENT,
    )


def _paid(event: Event, order: Order, at: datetime, count: int) -> Activity:
    return Activity(
        kind=ActivityKind.PAID,
        at=at,
        event_id=event.id,
        visitor_key=order.visitor_key,
        subject=str(order.id),
        numbers={"amount": order.total_amount, "count": count},
    )
