"""Codes that make an event's photos cheaper: made by those who sell, and used as often as they said.

A use is a living order: one that fails, expires or is refunded gives its use back. Who orders holds the
coupon's row until that is written down, so two buyers never share the last use.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from core import access, audit, buyers, days, paging
from core.access import Action
from core.backends import Backends
from core.buyers import Buyer
from core.errors import Conflict, InvalidInput, NotFound
from core.events import LARGEST_PRICE
from core.offers import CouponTerms
from core.paging import LONG, Asked, Page
from core.ports import Bucket
from models.account import Account
from models.order import Order
from models.price import Coupon

# Somebody who mistypes a few codes; who guesses three letters needs years.
GUESS = Bucket("coupon", 20, timedelta(minutes=10))
LARGEST_LIMIT = 1_000_000  # orders
NEWEST = paging.Order[Coupon]("coupons", (col(Coupon.id),), is_descending=True)
_CODE = re.compile(r"[A-Z0-9-]{3,32}")


@dataclass(frozen=True)
class Draft:
    """What an organiser says of a coupon: a percentage or an amount."""

    code: str  # upper and lower case are the same
    percent: int | None = None
    amount: int | None = None  # minor units of the event's currency
    limit: int | None = None  # orders in all; None: as many as come
    limit_per_buyer: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def check(self) -> None:
        """Raises InvalidInput for what cannot be a coupon."""
        if not _CODE.fullmatch(_tidy(self.code)):
            raise InvalidInput("A code has 3 to 32 of the letters A to Z, digits and hyphens.")
        if (self.percent is None) is (self.amount is None):
            raise InvalidInput("A coupon takes either a percentage off or an amount.")
        if self.percent is not None and not 1 <= self.percent <= 100:
            raise InvalidInput("A coupon takes 1 to 100 percent off.")
        if self.amount is not None and not 1 <= self.amount <= LARGEST_PRICE:
            raise InvalidInput("A coupon's amount must be more than zero, and below one million.")
        for limit in (self.limit, self.limit_per_buyer):
            if limit is not None and not 1 <= limit <= LARGEST_LIMIT:
                raise InvalidInput("A coupon is good for 1 to {most} orders.", most=LARGEST_LIMIT)
        for day in (self.valid_from, self.valid_until):
            days.check_year(day)
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise InvalidInput("A coupon must end after it begins.")


@dataclass(frozen=True)
class Counted:
    """A coupon, and how often it is used."""

    coupon: Coupon
    uses: int  # orders that are paid, or may be any minute


class CodeTaken(Conflict):
    """An event has each code once, also after its coupon has ended."""

    def __init__(self) -> None:
        super().__init__("This event has a coupon with this code already. Choose another code.")


class NoSuchCoupon(NotFound):
    """No coupon has this code, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no coupon with this code for these photos. Check how it is written.")


class NotYetValid(Conflict):
    """Its time has not come."""

    def __init__(self) -> None:
        super().__init__("This coupon is not valid yet. Use it later, or take it out.")


class CouponOver(Conflict):
    """Its time is over, or its organiser took it back."""

    def __init__(self) -> None:
        super().__init__("This coupon is no longer valid. Take it out, or use another one.")


class UsedUp(Conflict):
    """It was used as often as it may be."""

    def __init__(self) -> None:
        super().__init__("This coupon has been used up. Take it out, or use another one.")


class UsedByBuyer(Conflict):
    """This buyer has used it as often as each may."""

    def __init__(self) -> None:
        super().__init__("You have used this coupon as often as it may be used. Take it out, or use another.")


def create(backends: Backends, event_id: int, draft: Draft, *, by: Account | None) -> Coupon:
    """Make a coupon for an event. Raises CodeTaken, InvalidInput."""
    try:
        with backends.transaction() as session:
            access.require(session, by, Action.SELL, event_id)
            draft.check()
            coupon = Coupon(event_id=event_id, **asdict(draft) | {"code": _tidy(draft.code)})
            session.add(coupon)
            session.flush()
            said = draft.percent if draft.percent is not None else draft.amount
            kind = "percent" if draft.percent is not None else "amount"
            audit.record(session, "coupon.create", event_id, by=by, code=coupon.code, **{kind: said})
    except IntegrityError as error:
        raise CodeTaken from error
    return coupon


def end(backends: Backends, event_id: int, coupon_id: int, *, by: Account | None) -> Coupon:
    """Take a coupon back: no new order uses it. Raises NoSuchCoupon."""
    with backends.transaction() as session:
        access.require(session, by, Action.SELL, event_id)
        coupon = session.exec(select(Coupon).where(Coupon.id == coupon_id).with_for_update()).first()
        if coupon is None or coupon.event_id != event_id:
            raise NoSuchCoupon
        if coupon.ended_at is None:
            coupon.ended_at = backends.now()
            audit.record(session, "coupon.end", event_id, by=by, code=coupon.code)
    return coupon


def listing(backends: Backends, event_id: int, asked: Asked = LONG, *, by: Account | None) -> Page[Counted]:
    """Return an event's coupons, newest first, with how often each is used."""
    query = select(Coupon).where(Coupon.event_id == event_id)
    with backends.reading() as session:
        access.require(session, by, Action.SELL, event_id)
        found = paging.read(backends, session, query, NEWEST, asked)
        uses = _uses(session, [coupon.id for coupon in found.items])
    return Page([Counted(coupon, uses.get(coupon.id, 0)) for coupon in found.items], found.next_cursor)


def find(session: Session, event_ids: Collection[int], code: str) -> Coupon:
    """Return the coupon with this code of the first of these events that has one. Raises NoSuchCoupon."""
    tidy = _tidy(code)
    if not _CODE.fullmatch(tidy):
        raise NoSuchCoupon
    query = select(Coupon).where(Coupon.code == tidy, col(Coupon.event_id).in_(event_ids))
    known = {coupon.event_id: coupon for coupon in session.exec(query)}
    found = next((known[event_id] for event_id in event_ids if event_id in known), None)
    if found is None:
        raise NoSuchCoupon
    return found


def require_usable(session: Session, coupon: Coupon, buyer: Buyer, now: datetime) -> None:
    """Raises NotYetValid, CouponOver, UsedUp or UsedByBuyer when the buyer may not use a coupon now."""
    require_valid(coupon, now)
    if coupon.limit is not None and _count(session, coupon, buyer) >= coupon.limit:
        raise UsedUp
    most = coupon.limit_per_buyer
    if most is not None and _count(session, coupon, buyer, is_own=True) >= most:
        raise UsedByBuyer


def require_valid(coupon: Coupon, now: datetime) -> None:
    """Raises NotYetValid, CouponOver when nobody may use a coupon now."""
    if coupon.ended_at is not None or (coupon.valid_until is not None and coupon.valid_until <= now):
        raise CouponOver
    if coupon.valid_from is not None and now < coupon.valid_from:
        raise NotYetValid


def terms(coupon: Coupon) -> CouponTerms:
    """Return what a coupon takes off, as a plain value."""
    return CouponTerms(coupon.event_id, coupon.code, coupon.percent, coupon.amount)


def _count(session: Session, coupon: Coupon, buyer: Buyer, *, is_own: bool = False) -> int:
    query = select(func.count()).where(Order.coupon_id == coupon.id, buyers.counts(buyer))
    return session.exec(query.where(buyers.is_theirs(buyer)) if is_own else query).one()


def _uses(session: Session, coupon_ids: Collection[int]) -> Mapping[int | None, int]:
    living = (col(Order.coupon_id).in_(coupon_ids), col(Order.status).in_(buyers.LIVING))
    query = select(Order.coupon_id, func.count()).where(*living).group_by(col(Order.coupon_id))
    return dict(session.exec(query).all())


def _tidy(code: str) -> str:
    return code.strip().upper()
