"""One event that sells photos by a price list drawn at random, with those who take, sell and buy them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from benchmarks.money_world import World
from core import deliverables, result_tokens
from core.access import Viewer
from core.results import Found, Hit
from models.account import Account, Role
from models.event import Event, EventMember, EventStatus, Gallery, MemberRole, Visibility
from models.face import Face, FaceIndex, IndexStatus
from models.photo import Photo, Review, Stage
from models.price import Coupon, PriceList

AMOUNTS = (0, 1, 999, 2_500, 9_990, 12_000, 33_333, 100_000)  # minor units
PERCENTS = (0, 1, 7, 10, 33, 50, 67, 100)
CODE = "RUN"
CONTENT = b"a photo"  # of every original and every copy


@dataclass(frozen=True)
class Buyer:
    """Somebody with a browser, perhaps signed in."""

    viewer: Viewer
    email: str


@dataclass
class Shop:
    """What a history is about."""

    event: Event
    organiser: Account
    photographers: Sequence[Account]
    photos: list[Photo]
    buyers: Sequence[Buyer]
    coupon: Coupon | None
    prices: PriceList
    index_id: int
    rates: dict[int, int] = field(default_factory=dict)  # account: commission in percent

    def found(self, world: World, buyer: Buyer, photos: Sequence[Photo]) -> str:
        """Return the token of a search of this buyer's that was sure of these photos."""
        hits = [Hit(photo, face_of(photo), 0.999) for photo in photos]
        found = Found(hits, (), len(self.photos), self.index_id)
        return result_tokens.write(world.backends, self.event.id, found, by=buyer.viewer)


def face_of(photo: Photo) -> UUID:
    """Return the face in a photo."""
    return UUID(int=photo.id.int ^ 1)


def open_shop(world: World, dice: Random, number: int) -> Shop:
    """Write an event with its people, photos and prices."""
    people = [_person(number, name, role) for name, role in _cast(dice)]
    organiser, *others = people
    photographers = [one for one in others if one.role is Role.PHOTOGRAPHER]
    guests = [one for one in others if one.role is Role.GUEST]
    with world.backends.transaction() as session:
        session.add_all(people)
        session.flush()
        event = _event(dice, number, organiser)
        session.add(event)
        session.flush()
        gallery = Gallery(event_id=event.id, name="All photos", **_own_prices(dice))
        index = FaceIndex(event_id=event.id, status=IndexStatus.SERVING, **_engine())
        rates = {one.id: dice.choice(PERCENTS) for one in photographers}
        prices, coupon = _prices(dice, world, event), _coupon(dice, world, event)
        session.add_all([gallery, index, prices, *([coupon] if coupon else [])])
        session.add(EventMember(event_id=event.id, account_id=organiser.id, role=MemberRole.CO_ORGANISER))
        for who, percent in rates.items():
            part = {"role": MemberRole.PHOTOGRAPHER, "commission_percent": percent}
            session.add(EventMember(event_id=event.id, account_id=who, **part))
        session.flush()
        takers = [*photographers, organiser]
        photos = [
            _photo(dice, event, gallery, dice.choice(takers), rank) for rank in range(dice.randint(3, 7))
        ]
        session.add_all(photos)
        session.flush()
        session.add_all(_face(index, photo) for photo in photos)
    for key in (key for photo in photos for key in (photo.original_key, deliverables.web_key(photo.id))):
        world.backends.objects.put(key, io.BytesIO(CONTENT), len(CONTENT), "image/jpeg")
    buyers = [_buyer(dice, number, rank, guests) for rank in range(dice.randint(1, 3))]
    return Shop(event, organiser, photographers, photos, buyers, coupon, prices, index.id, rates)


def _cast(dice: Random) -> list[tuple[str, Role]]:
    photographers = [(f"photographer{rank}", Role.PHOTOGRAPHER) for rank in range(dice.randint(1, 3))]
    return [("organiser", Role.ORGANISER), *photographers, ("guest", Role.GUEST)]


def _person(number: int, name: str, role: Role) -> Account:
    return Account(email=f"{name}.{number}@example.org", name=name, password_hash="", role=role)


def _event(dice: Random, number: int, organiser: Account) -> Event:
    return Event(
        slug=f"run-{number}",
        name=f"Run {number}",
        held_on=date(2026, 10, 17),
        price_amount=dice.choice(AMOUNTS[2:] if dice.random() < 0.95 else AMOUNTS),
        currency=dice.choice(("THB", "THB", "THB", "THB", "USD", "EUR")),
        status=EventStatus.ON_SALE,
        visibility=Visibility.LISTED,
        created_by=organiser.id,
    )


def _own_prices(dice: Random) -> dict[str, int]:
    return {"price_amount": dice.choice(AMOUNTS)} if dice.random() < 0.15 else {}


def _engine() -> dict[str, Any]:
    facts = {"weights_sha256": "0" * 64, "alignment": "none", "dimension": 16, "metric": "cosine"}
    return {"engine": "bundled", "collection": "none", **facts}


def _prices(dice: Random, world: World, event: Event) -> PriceList:
    def some(chance: float, value: Any, otherwise: Any = None) -> Any:
        return value if dice.random() < chance else otherwise

    is_early = dice.random() < 0.2
    return PriceList(
        event_id=event.id,
        web_amount=some(0.4, dice.choice(AMOUNTS)),
        tiers=some(0.5, dice.choice(([[2, 10]], [[2, 5], [5, 33]], [[3, 50]])), []),
        bundle_amount=some(0.4, dice.choice(AMOUNTS[1:])),
        pass_amount=some(0.4, dice.choice(AMOUNTS[1:])),
        free_count=some(0.25, dice.randint(1, 2), 0),
        early_percent=dice.choice((5, 33)) if is_early else 0,
        early_until=world.clock() + timedelta(minutes=20) if is_early else None,
        tax_basis_points=some(0.6, dice.choice((700, 725, 1900)), 0),
        is_tax_included=dice.random() < 0.5,
        refund_days=some(0.6, 14, 0),
    )


def _coupon(dice: Random, world: World, event: Event) -> Coupon | None:
    if dice.random() < 0.3:
        return None
    takes = {"percent": dice.choice((10, 33, 100))} if dice.random() < 0.6 else {"amount": 5_000}
    return Coupon(
        event_id=event.id,
        code=CODE,
        limit=dice.choice((1, 1, 2, None)),
        limit_per_buyer=dice.choice((1, None, None)),
        valid_until=world.clock() + timedelta(days=2),
        **takes,
    )


def _photo(dice: Random, event: Event, gallery: Gallery, taker: Account, rank: int) -> Photo:
    return Photo(
        id=uuid5(NAMESPACE_OID, f"{event.slug} {rank}"),
        event_id=event.id,
        gallery_id=gallery.id,
        uploaded_by=taker.id,
        filename=f"IMG_{rank:04}.jpg",
        sha256=f"{rank:064}",
        byte_size=len(CONTENT),
        media_type="image/jpeg",
        width=320,
        height=240,
        stage=Stage.INDEXED,
        review=Review.APPROVED,
        delivered_sha256=f"{rank:064}",
        delivered_size=len(CONTENT),
        price_amount=dice.choice(AMOUNTS) if dice.random() < 0.1 else None,
        face_count=1,
    )


def _face(index: FaceIndex, photo: Photo) -> Face:
    place = {"left": 0.4, "top": 0.3, "right": 0.6, "bottom": 0.7}
    looks = {"confidence": 0.99, "size": 120.0, "sharpness": 90.0, "is_searchable": True}
    return Face(index_id=index.id, id=face_of(photo), photo_id=photo.id, **place, **looks)


def _buyer(dice: Random, number: int, rank: int, guests: Sequence[Account]) -> Buyer:
    account = guests[0] if rank == 0 and dice.random() < 0.3 else None
    email = account.email if account else f"buyer{rank}.{number}@example.org"
    return Buyer(Viewer(sha256(email.encode()).hexdigest(), account), email)
