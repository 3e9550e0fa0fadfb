"""What a visitor wishes to buy: shown at today's price, ordered only while it may be seen and sold."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, false, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from core import access, activity, pricing
from core.access import Scope, Viewer
from core.backends import Backends
from core.errors import Conflict, Forbidden, NotFound
from core.pricing import Line, Quote
from models.activity import ActivityKind
from models.cart import CartItem
from models.event import Event
from models.order import LineItem, Order, OrderStatus
from models.photo import Photo

LIMIT = 500  # photos; a marathon's keenest runner bought about a tenth of it
LARGEST_TOTAL = 2**31 - 1  # minor units: what an order's column holds, and more than gateways take
TRIES = 3  # at adding what others add at the same moment


@dataclass(frozen=True)
class Wanted:
    """A photo in the cart that can be bought now."""

    photo: Photo
    scope: Scope  # by what right the visitor sees it
    is_bought: bool  # this visitor has paid for it before

    @property
    def event(self) -> Event:
        """The event it belongs to."""
        return self.scope.event

    @property
    def line(self) -> Line:
        """The photo as something that has a price."""
        label = f"{self.event.name} · {self.photo.filename}"[:255]
        return Line(self.photo.id, self.photo.event_id, label, self.event.price_amount, self.event.currency)


@dataclass(frozen=True)
class Cart:
    """What a visitor wishes to buy, in the order of wishing."""

    items: tuple[Wanted, ...]
    quote: Quote
    unavailable: tuple[Photo, ...]  # withdrawn, off sale or no longer visible: never ordered


class CartFull(Conflict):
    """A cart holds a limited number of photos."""

    def __init__(self) -> None:
        super().__init__("A cart holds {limit} photos. Pay for these first, then add more.", limit=LIMIT)


class TooDear(Conflict):
    """It comes to more than one payment can be."""

    def __init__(self) -> None:
        super().__init__("This is more than one payment can be. Take some photos out and pay for them later.")


def add(backends: Backends, viewer: Viewer, photo_ids: Iterable[UUID]) -> int:
    """Put photos into the cart and return how many are new there.

    Raises NotFound when one of them is not public, not visible to the viewer or not on sale; CartFull;
    MixedCurrencies.
    """
    wanted = set(photo_ids)
    if not viewer.visitor_key:
        raise Forbidden("Your browser refuses cookies, and the cart needs one. Allow it and reload the page.")
    if len(wanted) > LIMIT:
        raise CartFull
    for _ in range(TRIES):
        with suppress(IntegrityError):  # another tab put one of them in meanwhile: look again
            return _add(backends, viewer, wanted)
    raise Conflict("Your cart changes in several places at once. Try again.")


def _add(backends: Backends, viewer: Viewer, wanted: set[UUID]) -> int:
    with backends.transaction() as session:
        before = {item.photo_id for item in _items(session, viewer)}
        offers = _offers(session, viewer, before | wanted, backends.now())
        if not wanted <= offers.keys():
            raise NotFound("One of these photos is no longer for sale. Reload the page and choose again.")
        new = wanted - before
        if len(before | new) > LIMIT:
            raise CartFull
        pricing.quote(offer.line for offer in offers.values())
        session.add_all(CartItem(visitor_key=viewer.visitor_key, photo_id=photo_id) for photo_id in new)
        _record(session, viewer, [offers[photo_id].photo for photo_id in new])
    return len(new)


def _record(session: Session, viewer: Viewer, photos: Iterable[Photo]) -> None:
    for event_id, group in groupby(sorted(photos, key=_event_id), key=_event_id):
        activity.record(session, ActivityKind.CART, by=viewer, event_id=event_id, count=len(list(group)))


def _event_id(photo: Photo) -> int:
    return photo.event_id


def remove(backends: Backends, viewer: Viewer, photo_ids: Collection[UUID]) -> None:
    """Take photos out of the cart; what is not there is no error."""
    with backends.transaction() as session:
        take_out(session, viewer.visitor_key, photo_ids)


def take_out(session: Session, visitor_key: str, photo_ids: Collection[UUID]) -> None:
    """Take photos out of a visitor's cart in the caller's transaction."""
    mine = and_(col(CartItem.visitor_key) == visitor_key, col(CartItem.photo_id).in_(photo_ids))
    session.execute(delete(CartItem).where(mine))


def clear(backends: Backends, viewer: Viewer) -> None:
    """Empty the cart."""
    with backends.transaction() as session:
        session.execute(delete(CartItem).where(col(CartItem.visitor_key) == viewer.visitor_key))


def count(backends: Backends, viewer: Viewer) -> int:
    """Return how many photos lie in the cart."""
    with backends.reading() as session:
        query = select(func.count()).select_from(CartItem).where(CartItem.visitor_key == viewer.visitor_key)
        return session.exec(query).one()


def photo_ids(backends: Backends, viewer: Viewer) -> set[UUID]:
    """Return what is in the cart, for marking photos."""
    with backends.reading() as session:
        return {item.photo_id for item in _items(session, viewer)}


def contents(backends: Backends, viewer: Viewer) -> Cart:
    """Return the cart at today's prices, with what can no longer be bought apart."""
    with backends.reading() as session:
        return read(session, viewer, backends.now())


def read(session: Session, viewer: Viewer, now: datetime, *, is_ordering: bool = False) -> Cart:
    """Return the cart in the caller's transaction; ordering locks it until that ends. Raises TooDear."""
    ids = [item.photo_id for item in _items(session, viewer, is_locked=is_ordering)]
    offers = _offers(session, viewer, ids, now)
    items = [offers[photo_id] for photo_id in ids if photo_id in offers]
    # An organiser may change a currency later: the first one in the cart decides what can be paid now.
    payable = tuple(item for item in items if item.event.currency == items[0].event.currency)
    gone = set(ids) - {item.photo.id for item in payable}
    rows = session.exec(select(Photo).where(col(Photo.id).in_(gone)).order_by(col(Photo.filename))).all()
    quote = pricing.quote(item.line for item in payable)
    if is_ordering and quote.total_amount > LARGEST_TOTAL:
        raise TooDear
    return Cart(payable, quote, tuple(rows))


def ordered_by(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition on orders that are the viewer's: by the account, or by this browser without one.

    What was bought while signed in stays with the account, not with a browser that others may use.
    """
    by_account = false() if viewer.account_id is None else col(Order.account_id) == viewer.account_id
    without = and_(col(Order.account_id).is_(None), col(Order.visitor_key) == viewer.visitor_key)
    return or_(by_account, without) if viewer.visitor_key else by_account


def _items(session: Session, viewer: Viewer, *, is_locked: bool = False) -> Sequence[CartItem]:
    query = select(CartItem).where(CartItem.visitor_key == viewer.visitor_key)
    query = query.order_by(col(CartItem.added_at), col(CartItem.photo_id))
    return session.exec(query.with_for_update() if is_locked else query).all()


def _offers(
    session: Session, viewer: Viewer, photo_ids: Collection[UUID], now: datetime
) -> dict[UUID, Wanted]:
    """Return what of these photos the viewer may see and buy."""
    photos = session.exec(select(Photo).where(col(Photo.id).in_(photo_ids))).all()
    scopes = {
        event_id: _scope(session, viewer, event_id) for event_id in {photo.event_id for photo in photos}
    }
    bought = _bought(session, viewer, photo_ids)
    return {
        photo.id: Wanted(photo, scope, photo.id in bought)
        for photo in photos
        if (scope := scopes[photo.event_id]) is not None and _is_for_sale(photo, scope, now)
    }


def _scope(session: Session, viewer: Viewer, event_id: int) -> Scope | None:
    try:
        return access.view(session, viewer, event_id)
    except NotFound:
        return None


def _is_for_sale(photo: Photo, scope: Scope, now: datetime) -> bool:
    is_visible = scope.covers(photo.gallery_id)
    return photo.is_public and is_visible and scope.event.is_on_sale(now)


def _bought(session: Session, viewer: Viewer, photo_ids: Collection[UUID]) -> set[UUID]:
    query = (
        select(LineItem.photo_id)
        .join(Order, col(Order.id) == col(LineItem.order_id))
        .where(ordered_by(viewer), Order.status == OrderStatus.PAID, col(LineItem.photo_id).in_(photo_ids))
    )
    return set(session.exec(query))
