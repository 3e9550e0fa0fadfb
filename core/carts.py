"""What a visitor wishes to buy: photos, passes and a coupon. What it costs is decided here, never by them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from core import access, activity, coupons, limits, matching, quotes, result_tokens, stock
from core.access import Viewer
from core.backends import Backends
from core.buyers import Buyer
from core.buyers import ordered_by as ordered_by
from core.errors import Conflict, Forbidden
from core.quotes import Cart as Cart
from core.quotes import Wanted as Wanted
from core.quotes import WantedPass as WantedPass
from core.signing import token_hash
from core.stock import NoPass, NotForSale, Stock
from models.activity import ActivityKind
from models.cart import CartCoupon, CartItem, CartPass, Size
from models.face import Face
from models.order import LineItem, LineKind, Order
from models.photo import Photo
from models.price import Coupon

LIMIT = 500  # photos; a marathon's keenest runner bought about a tenth of it
TRIES = 3  # at adding what others add at the same moment

T = TypeVar("T")
_Table = type[CartItem] | type[CartPass] | type[CartCoupon]


class CartFull(Conflict):
    """A cart holds a limited number of photos."""

    def __init__(self) -> None:
        super().__init__("A cart holds {limit} photos. Pay for these first, then add more.", limit=LIMIT)


class PassCovers(Conflict):
    """Nobody pays for a photo beside a pass to it."""

    def __init__(self) -> None:
        super().__init__("The pass in your cart is for every photo of this event, this one too.")


def add(backends: Backends, viewer: Viewer, photo_ids: Iterable[UUID], size: Size = Size.FULL) -> int:
    """Put photos into the cart and return how many are new there; the others keep their size.

    Raises NotForSale when one of them is not public, not visible to the viewer or not on sale; SizeNotSold;
    CartFull; PassCovers; MixedCurrencies.
    """
    wanted = set(photo_ids)
    _require_browser(viewer)
    if len(wanted) > LIMIT:
        raise CartFull
    return _tried(lambda: _add(backends, viewer, wanted, size))


def _add(backends: Backends, viewer: Viewer, wanted: set[UUID], size: Size) -> int:
    with backends.transaction() as session:
        held = _held(backends, session, viewer, wanted)
        held.stock.require(wanted, size)
        return _put(session, viewer, held, wanted, size)


def add_found(backends: Backends, viewer: Viewer, event_id: int, token: str) -> int:
    """Put all sure photos of a search into the cart, together, and return how many are new there.

    `token`: the search's result, as `result_tokens` signed it for this visitor. Raises ResultUnknown,
    NotForSale when none of them can be bought, and what `add` raises.
    """
    _require_browser(viewer)
    found = result_tokens.read(backends, event_id, token, by=viewer)
    sure = [hit.face_id for hit in found.hits if hit.certainty >= matching.SURE]
    return _tried(lambda: _add_found(backends, viewer, event_id, sure, token_hash(token)))


def _add_found(
    backends: Backends, viewer: Viewer, event_id: int, face_ids: Collection[UUID], bundle_key: str
) -> int:
    faces = select(Face.photo_id).where(col(Face.id).in_(face_ids), col(Face.is_searchable))
    with backends.transaction() as session:
        query = select(Photo.id).where(Photo.event_id == event_id, col(Photo.id).in_(faces))
        found = set(session.exec(query))
        held = _held(backends, session, viewer, found)
        wanted = {photo_id for photo_id in found if held.stock.amount(photo_id, Size.FULL) is not None}
        if not wanted:
            raise NotForSale
        return _put(session, viewer, held, wanted, Size.FULL, bundle_key)


@dataclass(frozen=True)
class _Held:
    """What lies in a cart, and what the viewer may buy of that and of some others."""

    items: Mapping[UUID, CartItem]
    pass_event_ids: Set[int]
    stock: Stock

    def require_room(self, wanted: Set[UUID]) -> None:
        """Raises PassCovers, CartFull, MixedCurrencies unless these photos can be put to the others."""
        passes = {
            event_id for event_id in self.pass_event_ids if self.stock.pass_amount(event_id) is not None
        }
        if passes & {self.stock.photos[photo_id].event_id for photo_id in wanted}:
            raise PassCovers
        if len(self.items.keys() | wanted) > LIMIT:
            raise CartFull
        self.stock.require_one_currency(self.pass_event_ids)


def _held(
    backends: Backends,
    session: Session,
    viewer: Viewer,
    photo_ids: Iterable[UUID],
    event_ids: Iterable[int] = (),
) -> _Held:
    items = {item.photo_id: item for item in quotes.items_of(session, viewer)}
    passes = {*event_ids, *(row.event_id for row in quotes.passes_of(session, viewer))}
    return _Held(items, passes, stock.read(session, viewer, {*items, *photo_ids}, passes, backends.now()))


def _put(
    session: Session,
    viewer: Viewer,
    held: _Held,
    wanted: Set[UUID],
    size: Size,
    bundle_key: str | None = None,
) -> int:
    held.require_room(wanted)
    for photo_id in wanted & held.items.keys():
        item = held.items[photo_id]
        item.bundle_key = bundle_key or item.bundle_key
        if held.stock.amount(photo_id, item.size) is None:  # that size is not sold any more
            item.size = size
    new = wanted - held.items.keys()
    session.add_all(
        CartItem(visitor_key=viewer.visitor_key, photo_id=photo_id, size=size, bundle_key=bundle_key)
        for photo_id in new
    )
    _record(session, viewer, [held.stock.photos[photo_id].event_id for photo_id in new])
    return len(new)


def _record(session: Session, viewer: Viewer, event_ids: Iterable[int]) -> None:
    for event_id, group in groupby(sorted(event_ids)):
        activity.record(session, ActivityKind.CART, by=viewer, event_id=event_id, count=len(list(group)))


def set_size(backends: Backends, viewer: Viewer, photo_id: UUID, size: Size) -> None:
    """Want a photo of the cart in another size. Raises NotForSale, SizeNotSold."""
    with backends.transaction() as session:
        held = _held(backends, session, viewer, [])
        if photo_id not in held.items:
            raise NotForSale
        held.stock.require([photo_id], size)
        held.items[photo_id].size = size


def remove(backends: Backends, viewer: Viewer, photo_ids: Collection[UUID]) -> None:
    """Take photos out of the cart; what is not there is no error."""
    with backends.transaction() as session:
        _take_out(session, viewer.visitor_key, photo_ids)


def add_pass(backends: Backends, viewer: Viewer, event_id: int) -> None:
    """Put a pass to all photos of an event into the cart, in place of the event's photos there.

    Raises NoSuchEvent, NoPass, MixedCurrencies.
    """
    _require_browser(viewer)
    _tried(lambda: _add_pass(backends, viewer, event_id))


def _add_pass(backends: Backends, viewer: Viewer, event_id: int) -> None:
    with backends.transaction() as session:
        access.view(session, viewer, event_id)
        held = _held(backends, session, viewer, [], [event_id])
        if held.stock.pass_amount(event_id) is None:
            raise NoPass
        held.stock.require_one_currency(held.pass_event_ids)
        covered = [photo.id for photo in held.stock.photos.values() if photo.event_id == event_id]
        _take_out(session, viewer.visitor_key, covered)
        if session.get(CartPass, (viewer.visitor_key, event_id)) is None:
            session.add(CartPass(visitor_key=viewer.visitor_key, event_id=event_id))
            _record(session, viewer, [event_id])


def remove_pass(backends: Backends, viewer: Viewer, event_id: int) -> None:
    """Take a pass out of the cart; one that is not there is no error."""
    with backends.transaction() as session:
        _take_out_passes(session, viewer.visitor_key, [event_id])


def enter_coupon(backends: Backends, viewer: Viewer, code: str) -> Coupon:
    """Use a coupon for what is in the cart, in place of the one before.

    Raises NoSuchCoupon, what `coupons` says of one that cannot be used now, and TooOften.
    """
    _require_browser(viewer)
    limits.take(backends, coupons.GUESS, viewer.visitor_key)
    return _tried(lambda: _enter_coupon(backends, viewer, code))


def _enter_coupon(backends: Backends, viewer: Viewer, code: str) -> Coupon:
    with backends.transaction() as session:
        now, buyer = backends.now(), Buyer(viewer)
        cart = quotes.read(session, buyer, now)
        coupon = coupons.find(session, list(dict.fromkeys(line.event_id for line in cart.quote.lines)), code)
        coupons.require_usable(session, coupon, buyer, now)
        session.merge(CartCoupon(visitor_key=viewer.visitor_key, coupon_id=coupon.id))
    return coupon


def drop_coupon(backends: Backends, viewer: Viewer) -> None:
    """Use no coupon."""
    with backends.transaction() as session:
        _delete(session, CartCoupon, viewer.visitor_key)


def contents(backends: Backends, viewer: Viewer) -> Cart:
    """Return the cart at today's prices, with what can no longer be bought apart."""
    with backends.reading() as session:
        return quotes.read(session, Buyer(viewer), backends.now())


def count(backends: Backends, viewer: Viewer) -> int:
    """Return how many photos and passes lie in the cart."""
    photos, passes = (
        select(func.count()).where(table.visitor_key == viewer.visitor_key).scalar_subquery()
        for table in (CartItem, CartPass)
    )
    with backends.reading() as session:
        return int(session.exec(select(photos + passes)).one())


def photo_ids(backends: Backends, viewer: Viewer) -> set[UUID]:
    """Return which photos are in the cart, for marking them."""
    with backends.reading() as session:
        return {item.photo_id for item in quotes.items_of(session, viewer)}


def pass_event_ids(backends: Backends, viewer: Viewer) -> set[int]:
    """Return to which events there is a pass in the cart."""
    with backends.reading() as session:
        return {row.event_id for row in quotes.passes_of(session, viewer)}


def clear(backends: Backends, viewer: Viewer) -> None:
    """Empty the cart."""
    with backends.transaction() as session:
        for table in (CartItem, CartPass, CartCoupon):
            _delete(session, table, viewer.visitor_key)


def take_out_bought(session: Session, order: Order, items: Iterable[LineItem]) -> None:
    """Take out of the buyer's cart what they have paid for, in the caller's transaction."""
    bought = list(items)
    photo_ids = [item.photo_id for item in bought if item.photo_id is not None]
    _take_out(session, order.visitor_key, photo_ids)
    passes = [item.event_id for item in bought if item.kind is LineKind.PASS]
    _take_out_passes(session, order.visitor_key, passes)
    if order.coupon_id is not None:
        _delete(session, CartCoupon, order.visitor_key, col(CartCoupon.coupon_id) == order.coupon_id)


def _require_browser(viewer: Viewer) -> None:
    if not viewer.visitor_key:
        raise Forbidden("Your browser refuses cookies, and the cart needs one. Allow it and reload the page.")


def _tried(work: Callable[[], T]) -> T:
    for _ in range(TRIES):
        with suppress(IntegrityError):  # another tab put one of them in meanwhile: look again
            return work()
    raise Conflict("Your cart changes in several places at once. Try again.")


def _take_out(session: Session, visitor_key: str, photo_ids: Collection[UUID]) -> None:
    _delete(session, CartItem, visitor_key, col(CartItem.photo_id).in_(photo_ids))


def _take_out_passes(session: Session, visitor_key: str, event_ids: Collection[int]) -> None:
    _delete(session, CartPass, visitor_key, col(CartPass.event_id).in_(event_ids))


def _delete(session: Session, table: _Table, visitor_key: str, *where: ColumnElement[bool]) -> None:
    session.execute(delete(table).where(col(table.visitor_key) == visitor_key, *where))
