"""A cart at today's prices: what of it can be bought, what it comes to, and why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, and_, col, or_, select

from core import buyers, coupons, price_lists, pricing, stock
from core.access import Scope, Viewer
from core.buyers import Buyer
from core.errors import Conflict, PlatformError
from core.offers import PASS
from core.pricing import Item, Line, Quote, RowKind
from core.stock import Stock
from models.cart import CartCoupon, CartItem, CartPass, Size
from models.event import Event
from models.order import LineItem, LineKind, Order, OrderStatus
from models.photo import Photo
from models.price import Coupon

LARGEST_TOTAL = 2**31 - 1  # minor units: what an order's column holds, and more than gateways take


@dataclass(frozen=True)
class Wanted:
    """A photo in the cart that can be bought now."""

    photo: Photo
    scope: Scope  # by what right the visitor sees it
    line: Line  # what it costs here, after all that is taken off
    is_found: bool  # by a search: it is one of "all my photos"
    is_bought: bool  # this visitor has paid for it before

    @property
    def event(self) -> Event:
        """The event it belongs to."""
        return self.scope.event

    @property
    def size(self) -> Size:
        """In which size it is wanted."""
        return Size(self.line.size)


@dataclass(frozen=True)
class WantedPass:
    """A pass in the cart that can be bought now."""

    event: Event
    line: Line
    is_bought: bool


@dataclass(frozen=True)
class Cart:
    """What a visitor wishes to buy, in the order of wishing."""

    items: tuple[Wanted, ...]
    quote: Quote  # its lines: those of the items, then those of the passes
    unavailable: tuple[Photo, ...]  # withdrawn, off sale or no longer visible: never ordered
    passes: tuple[WantedPass, ...] = ()
    gone_passes: tuple[Event, ...] = ()  # no longer sold: never ordered
    coupon: Coupon | None = None  # that was entered
    refusal: PlatformError | None = None  # why the coupon takes nothing off now

    @property
    def is_empty(self) -> bool:
        """Nothing in it can be bought now."""
        return not self.items and not self.passes

    @property
    def coupon_used(self) -> Coupon | None:
        """The coupon, if it takes something off."""
        is_used = any(row.kind is RowKind.COUPON for row in self.quote.rows)
        return self.coupon if is_used else None


class TooDear(Conflict):
    """It comes to more than one payment can be."""

    def __init__(self) -> None:
        super().__init__("This is more than one payment can be. Take some photos out and pay for them later.")


class NotForThese(Conflict):
    """A coupon is of an event of which nothing is in the cart."""

    def __init__(self) -> None:
        super().__init__("This coupon is for photos of another event than those in your cart.")


def items_of(session: Session, viewer: Viewer, *, is_locked: bool = False) -> Sequence[CartItem]:
    """Return the photos of a cart in the order of wishing."""
    query = select(CartItem).where(CartItem.visitor_key == viewer.visitor_key)
    query = query.order_by(col(CartItem.added_at), col(CartItem.photo_id))
    return session.exec(query.with_for_update() if is_locked else query).all()


def passes_of(session: Session, viewer: Viewer, *, is_locked: bool = False) -> Sequence[CartPass]:
    """Return the passes of a cart in the order of wishing."""
    query = select(CartPass).where(CartPass.visitor_key == viewer.visitor_key)
    query = query.order_by(col(CartPass.added_at), col(CartPass.event_id))
    return session.exec(query.with_for_update() if is_locked else query).all()


@dataclass(frozen=True)
class _Wishes:
    """The rows of a cart, and what is sold of them."""

    items: Sequence[CartItem]
    passes: Sequence[CartPass]
    stock: Stock

    def sold(self) -> list[Item]:
        """Return what can be bought in one payment: the first one decides on the currency."""
        every = [*self._photos(), *self._passes()]
        offers = self.stock.offers
        return [
            item for item in every if offers[item.event_id].currency == offers[every[0].event_id].currency
        ]

    def _photos(self) -> Iterator[Item]:
        for wish in self.items:
            amount = self.stock.amount(wish.photo_id, wish.size)
            if amount is None:
                continue
            photo = self.stock.photos[wish.photo_id]
            label = f"{self.stock.offers[photo.event_id].name} · {photo.filename}"[:255]
            yield Item(photo.id, photo.event_id, label, amount, size=wish.size, bundle_key=wish.bundle_key)

    def _passes(self) -> Iterator[Item]:
        for wish in self.passes:
            amount = self.stock.pass_amount(wish.event_id)
            if amount is not None:
                yield Item(None, wish.event_id, self.stock.offers[wish.event_id].name, amount, kind=PASS)


def read(session: Session, buyer: Buyer, now: datetime, *, is_ordering: bool = False) -> Cart:
    """Return the cart in the caller's transaction.

    Ordering locks it, and its coupon, until that ends. It raises TooDear, and what `coupons` says of a
    coupon that can no longer be used.
    """
    wishes = _wishes(session, buyer.viewer, now, is_locked=is_ordering)
    sold, offers = wishes.sold(), wishes.stock.offers
    coupon = _coupon(session, buyer.viewer, is_locked=is_ordering)
    refusal = _refusal(session, coupon, buyer, {item.event_id for item in sold}, now)
    if is_ordering and refusal is not None and not isinstance(refusal, NotForThese):
        raise refusal
    terms = coupons.terms(coupon) if coupon is not None and refusal is None else None
    quote = pricing.quote(sold, offers, terms, price_lists.free_left(session, offers, buyer), now)
    if is_ordering and quote.total_amount > LARGEST_TOTAL:
        raise TooDear
    return replace(_priced(session, buyer.viewer, wishes, quote), coupon=coupon, refusal=refusal)


def _wishes(session: Session, viewer: Viewer, now: datetime, *, is_locked: bool) -> _Wishes:
    items = items_of(session, viewer, is_locked=is_locked)
    passes = passes_of(session, viewer, is_locked=is_locked)
    photo_ids, event_ids = [item.photo_id for item in items], [row.event_id for row in passes]
    return _Wishes(items, passes, stock.read(session, viewer, photo_ids, event_ids, now))


def _coupon(session: Session, viewer: Viewer, *, is_locked: bool) -> Coupon | None:
    entered = select(Coupon).join(CartCoupon).where(CartCoupon.visitor_key == viewer.visitor_key)
    return session.exec(entered.with_for_update(of=Coupon) if is_locked else entered).first()


def _refusal(
    session: Session, coupon: Coupon | None, buyer: Buyer, event_ids: Collection[int], now: datetime
) -> PlatformError | None:
    """Return why a coupon takes nothing off now."""
    if coupon is None:
        return None
    if coupon.event_id not in event_ids:
        return NotForThese()
    try:
        coupons.require_usable(session, coupon, buyer, now)
    except PlatformError as refusal:
        return refusal
    return None


def _priced(session: Session, viewer: Viewer, wishes: _Wishes, quote: Quote) -> Cart:
    """Return the cart with its lines beside what they are of, and what cannot be bought apart."""
    held = wishes.stock
    photos, events = _bought(session, viewer, held)
    found = {item.photo_id for item in wishes.items if item.bundle_key is not None}
    items = tuple(
        Wanted(
            photo=held.photos[line.photo_id],
            scope=held.scopes[line.event_id],
            line=line,
            is_found=line.photo_id in found,
            is_bought=line.photo_id in photos or line.event_id in events,
        )
        for line in quote.lines
        if line.photo_id is not None
    )
    passes = tuple(
        WantedPass(held.scopes[line.event_id].event, line, line.event_id in events)
        for line in quote.lines
        if line.photo_id is None
    )
    gone = [
        photo for photo_id, photo in held.photos.items() if photo_id not in {one.photo.id for one in items}
    ]
    lost = {row.event_id for row in wishes.passes} - {one.event.id for one in passes}
    lost_events = session.exec(select(Event).where(col(Event.id).in_(lost)).order_by(col(Event.name))).all()
    return Cart(
        items, quote, tuple(sorted(gone, key=lambda photo: photo.filename)), passes, tuple(lost_events)
    )


def _bought(session: Session, viewer: Viewer, held: Stock) -> tuple[set[UUID | None], set[int]]:
    """Return which of the photos the viewer has paid for, and to which of the events they have a pass."""
    is_there = or_(col(LineItem.amount) == 0, col(LineItem.refunded_amount) < col(LineItem.amount))
    lines = (
        select(LineItem.photo_id, LineItem.event_id, LineItem.kind)
        .join(Order, col(Order.id) == col(LineItem.order_id))
        .where(buyers.ordered_by(viewer), Order.status == OrderStatus.PAID, is_there)
    )
    mine = or_(
        col(LineItem.photo_id).in_(held.photos),
        and_(LineItem.kind == LineKind.PASS, col(LineItem.event_id).in_(held.scopes)),
    )
    rows = session.exec(lines.where(mine)).all()
    photos = {photo_id for photo_id, _, kind in rows if kind is LineKind.PHOTO}
    return photos, {event_id for _, event_id, kind in rows if kind is LineKind.PASS}
