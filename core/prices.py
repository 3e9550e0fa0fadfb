"""What an event's photos are sold for: set by those who sell, shown to those who buy."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from core import access, audit, coupons, galleries, photos, price_lists, pricing
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.buyers import Buyer
from core.errors import InvalidInput
from core.offers import PASS, Offer, early_amount, list_amount
from core.pricing import Item, Quote
from core.stock import NoPass, SizeNotSold
from core.terms import LARGEST_COUNT, Terms, check_amount
from models.account import Account
from models.cart import Size
from models.event import Gallery
from models.photo import Photo


@dataclass(frozen=True)
class Shown:
    """What a visitor may know of an event's prices. Amounts are minor units; None: not offered."""

    currency: str
    price_amount: int  # of a photo in full size, where nothing else is said of it
    from_amount: int  # of the cheapest photo that they see, now
    web_amount: int | None
    tiers: tuple[tuple[int, int], ...]  # from so many photos, percent off
    bundle_amount: int | None
    pass_amount: int | None
    free_left: int  # photos that this guest still gets for nothing
    early_percent: int  # 0 once it is over
    early_until: datetime | None
    tax_basis_points: int
    is_tax_included: bool
    refund_days: int


# --- for those who sell --------------------------------------------------------------------


def terms(backends: Backends, event_id: int, *, by: Account | None) -> Terms:
    """Return what is said of an event's prices."""
    with backends.reading() as session:
        event = access.require(session, by, Action.SELL, event_id)
        return price_lists.terms(session, event)


def save(backends: Backends, event_id: int, terms: Terms, *, by: Account | None) -> Terms:
    """Set an event's prices; orders that are placed keep theirs. Raises InvalidInput."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.SELL, event_id)
        terms.check()
        session.refresh(event, with_for_update={"key_share": True})  # its list's row may have to be made
        before = asdict(price_lists.terms(session, event))
        price_lists.write(session, event, terms)
        changed = {name: value for name, value in asdict(terms).items() if before[name] != value}
        if changed:
            was = {name: before[name] for name in changed}
            audit.record(session, "prices.edit", event_id, by=by, before=_plain(was), after=_plain(changed))
    return terms


def of_gallery(backends: Backends, gallery_id: int, *, by: Account | None) -> Gallery:
    """Return a gallery, whose own prices go before the event's."""
    with backends.reading() as session:
        return _gallery(session, gallery_id, by)


def save_gallery(
    backends: Backends,
    gallery_id: int,
    price_amount: int | None,
    web_amount: int | None,
    *,
    by: Account | None,
) -> Gallery:
    """Give a gallery prices of its own, None: the event's. Raises InvalidInput."""
    with backends.transaction() as session:
        gallery = _gallery(session, gallery_id, by)
        check_amount(price_amount)
        check_amount(web_amount)
        gallery.price_amount, gallery.web_amount = price_amount, web_amount
        said = {"price_amount": price_amount, "web_amount": web_amount}
        audit.record(session, "prices.gallery", gallery.event_id, by=by, gallery=gallery.name, **said)
    return gallery


def save_photo(backends: Backends, photo_id: UUID, price_amount: int | None, *, by: Account | None) -> Photo:
    """Give a photo a price of its own, None: its gallery's. Raises InvalidInput."""
    with backends.transaction() as session:
        photo = session.get(Photo, photo_id)
        is_there = photo is not None and photo.removed_at is None
        if photo is None or not is_there or access.member_role(session, by, photo.event_id) is None:
            raise photos.NoSuchPhoto
        access.require(session, by, Action.SELL, photo.event_id)
        check_amount(price_amount)
        photo.price_amount = price_amount
        said = {"photo": str(photo_id), "price_amount": price_amount}
        audit.record(session, "prices.photo", photo.event_id, by=by, **said)
    return photo


def preview(
    backends: Backends,
    event_id: int,
    terms: Terms,
    photo_count: int,
    *,
    size: Size = Size.FULL,
    is_bundle: bool = False,
    coupon_code: str = "",
    is_pass: bool = False,
    by: Account | None,
) -> Quote:
    """Return what a new guest would pay by terms that need not be saved.

    Raises InvalidInput, SizeNotSold, NoPass, and what `coupons` says of a code that is not good now.
    """
    with backends.reading() as session:
        event = access.require(session, by, Action.SELL, event_id)
        terms.check()
        if not 0 <= photo_count <= LARGEST_COUNT:
            raise InvalidInput("Try it with 0 to {most} photos.", most=LARGEST_COUNT)
        offer = price_lists.offer(event, terms)
        items = (
            [_pass(event_id, offer)] if is_pass else _examples(event_id, offer, photo_count, size, is_bundle)
        )
        coupon = None
        if coupon_code.strip():
            found = coupons.find(session, [event_id], coupon_code)
            coupons.require_valid(found, backends.now())
            coupon = coupons.terms(found)
        return pricing.quote(items, {event_id: offer}, coupon, {event_id: offer.free_count}, backends.now())


def _pass(event_id: int, offer: Offer) -> Item:
    if offer.pass_amount is None:
        raise NoPass
    return Item(None, event_id, offer.name, offer.pass_amount, kind=PASS)


def _examples(event_id: int, offer: Offer, count: int, size: Size, is_bundle: bool) -> list[Item]:
    amount = list_amount(offer, size)
    if amount is None:
        raise SizeNotSold
    bundle_key = "preview" if is_bundle else None
    return [
        Item(UUID(int=number), event_id, offer.name, amount, size=size, bundle_key=bundle_key)
        for number in range(count)
    ]


# --- for those who buy ---------------------------------------------------------------------


def shown(backends: Backends, event_id: int, *, by: Viewer) -> Shown:
    """Return what a visitor may know of an event's prices. Raises NoSuchEvent."""
    now = backends.now()
    with backends.reading() as session:
        scope = access.view(session, by, event_id)
        terms = price_lists.terms(session, scope.event)
        offer = price_lists.offer(scope.event, terms)
        cheapest = _cheapest(session, scope, offer)
        free = price_lists.free_left(session, {event_id: offer}, Buyer(by))
    is_early = offer.is_early(now)
    return Shown(
        currency=offer.currency,
        price_amount=offer.price_amount,
        from_amount=early_amount(offer, cheapest, now),
        web_amount=list_amount(offer, Size.WEB),
        tiers=offer.tiers,
        bundle_amount=offer.bundle_amount,
        pass_amount=offer.pass_amount if scope.gallery_ids is None else None,
        free_left=free.get(event_id, 0),
        early_percent=offer.early_percent if is_early else 0,
        early_until=offer.early_until if is_early else None,
        tax_basis_points=offer.tax_basis_points,
        is_tax_included=offer.is_tax_included,
        refund_days=terms.refund_days,
    )


def of_photos(backends: Backends, event_id: int, shown: Iterable[Photo], *, by: Viewer) -> Mapping[UUID, int]:
    """Return what each of some photos of an event costs by itself now, in full size."""
    with backends.reading() as session:
        event = access.view(session, by, event_id).event
        offer = price_lists.offers(session, [event])[event_id]
        own = price_lists.of_galleries(session, [event_id])
    now = backends.now()
    return {
        photo.id: early_amount(offer, price_lists.amount_of(photo, offer, own, Size.FULL) or 0, now)
        for photo in shown
        if photo.event_id == event_id
    }


def _cheapest(session: Session, scope: Scope, offer: Offer) -> int:
    """Return the least list price of what a visitor of this scope sees."""
    within = [one for one in galleries.of_event(session, scope.event.id) if scope.covers(one.id)]
    prices = [
        list_amount(offer, size, gallery=(one.price_amount, one.web_amount))
        for one in within
        for size in Size
    ]
    single = photos.public_query(scope).where(col(Photo.price_amount).is_not(None)).subquery()
    prices.append(session.exec(select(func.min(single.c.price_amount))).one())
    return min((price for price in prices if price is not None), default=offer.price_amount)


def _gallery(session: Session, gallery_id: int, by: Account | None) -> Gallery:
    gallery = session.get(Gallery, gallery_id)
    if gallery is None or access.member_role(session, by, gallery.event_id) is None:
        raise galleries.NoSuchGallery
    access.require(session, by, Action.SELL, gallery.event_id)
    return gallery


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}
