"""The cart of a visitor or an account, at today's prices."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api import bills, callers, deps, photos, routing
from api.bills import CURRENCY, BillRow
from api.coupons import Code
from api.events import EventId
from api.photos import PhotoId
from api.schemas import Answer, Id, Money, Request, Text
from core import carts
from core.access import Viewer
from core.carts import LIMIT, Wanted, WantedPass
from core.photo_lists import RenditionName
from models.cart import Size

router = routing.router("cart")

SIZE = "`full`: as it was taken. `web`: small enough for a screen, where the event sells it."
PAID = "What is to be paid for it, after all that is taken off."


class CartItem(Answer):
    """A photo that can be bought now."""

    photo_id: UUID
    event_id: int
    label: str = Field(description="The event's name and the file's.")
    size: Size = Field(description=SIZE)
    list_amount: Money = Field(description="Minor units, before anything is taken off.")
    amount: Money = Field(description=PAID)
    currency: str = Field(description=CURRENCY)
    is_gift: bool = Field(description="One of the photos that each guest gets for nothing.")
    is_found: bool = Field(description="One search found it, with others: it is part of a bundle.")
    is_bought: bool = Field(description="Paid for before.")
    thumbnail_url: str = Field(description="Of a rendition of about 300 pixels.")


class CartPass(Answer):
    """A pass to every photo of an event, which can be bought now."""

    event_id: int
    label: str = Field(description="The event's name.")
    list_amount: Money = Field(description="Minor units, before anything is taken off.")
    amount: Money = Field(description=PAID)
    currency: str = Field(description=CURRENCY)
    is_bought: bool = Field(description="Paid for before.")


class CartCoupon(Answer):
    """The coupon that was entered."""

    code: str
    is_used: bool = Field(description="It takes something off now.")
    refusal: str | None = Field(description="Why it cannot be used now; null: it can.")


class Cart(Answer):
    """What somebody wishes to buy, in the order of wishing."""

    items: list[CartItem]
    passes: list[CartPass]
    coupon: CartCoupon | None = Field(description="Null: none was entered.")
    bill: list[BillRow] = Field(description="From the list prices to the total, step by step.")
    total_amount: Money = Field(description="Minor units, tax included.")
    tax_amount: Money = Field(description="Of the total.")
    currency: str = Field(description=CURRENCY)
    unavailable: list[UUID] = Field(
        description="Photos that can no longer be bought: not part of the total, and never ordered."
    )
    unavailable_passes: list[int] = Field(description="Events whose pass can no longer be bought.")


class Wishes(Request):
    """Photos for the cart."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"photo_ids": ["0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"]}]}
    )

    photo_ids: Annotated[list[UUID], Field(min_length=1, max_length=LIMIT, description="500 at most.")]
    size: Size = Field(Size.FULL, description=SIZE)


class WishedSize(Request):
    """In what size a photo is wished for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"size": "web"}]})

    size: Size = Field(description=SIZE)


class FoundWishes(Request):
    """All photos that a search of one's own showed as sure."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"event_id": 12, "result": "eyJyIjoxfQ.c2lnbmF0dXJl"}]}
    )

    event_id: Id
    result: Annotated[Text, Field(max_length=500_000, description="As the search answered.")]


class WishedPass(Request):
    """A pass to every photo of an event."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"event_id": 12}]})

    event_id: Id


class EnteredCoupon(Request):
    """A coupon for what is in the cart."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "RUNNER10"}]})

    code: Annotated[Code, Field(description="As it was printed; case does not matter.")]


@router.get("/cart")
def get_cart(caller: callers.Shops) -> Cart:
    """Return the cart; what it says of prices holds until an order is placed."""
    return _contents(caller.visitor)


@router.post("/cart/photos")
def add_to_cart(caller: callers.Shops, sent: Wishes) -> Cart:
    """Put photos into the cart, all of them or none; what lies there already stays. A cart holds 500."""
    carts.add(deps.backends(), caller.visitor, sent.photo_ids, sent.size)
    return _contents(caller.visitor)


@router.put("/cart/photos/{photo_id}")
def set_cart_size(caller: callers.Shops, photo_id: PhotoId, sent: WishedSize) -> Cart:
    """Wish for a photo of the cart in another size."""
    carts.set_size(deps.backends(), caller.visitor, photo_id, sent.size)
    return _contents(caller.visitor)


@router.post("/cart/found")
def add_found_to_cart(caller: callers.Shops, sent: FoundWishes) -> Cart:
    """Put all that a search showed as sure into the cart: together they cost no more than the bundle."""
    carts.add_found(deps.backends(), caller.visitor, sent.event_id, sent.result)
    return _contents(caller.visitor)


@router.delete("/cart/photos/{photo_id}", status_code=204)
def remove_from_cart(caller: callers.Shops, photo_id: PhotoId) -> None:
    """Take a photo out of the cart; one that is not there is no error."""
    carts.remove(deps.backends(), caller.visitor, [photo_id])


@router.post("/cart/passes")
def add_pass_to_cart(caller: callers.Shops, sent: WishedPass) -> Cart:
    """Put a pass to every photo of an event into the cart, in place of its photos there."""
    carts.add_pass(deps.backends(), caller.visitor, sent.event_id)
    return _contents(caller.visitor)


@router.delete("/cart/passes/{event_id}", status_code=204)
def remove_pass_from_cart(caller: callers.Shops, event_id: EventId) -> None:
    """Take a pass out of the cart; one that is not there is no error."""
    carts.remove_pass(deps.backends(), caller.visitor, event_id)


@router.put("/cart/coupon")
def enter_coupon(caller: callers.Shops, sent: EnteredCoupon) -> Cart:
    """Use a coupon for what is in the cart, in place of the one before."""
    carts.enter_coupon(deps.backends(), caller.visitor, sent.code)
    return _contents(caller.visitor)


@router.delete("/cart/coupon", status_code=204)
def drop_coupon(caller: callers.Shops) -> None:
    """Use no coupon; none there is no error."""
    carts.drop_coupon(deps.backends(), caller.visitor)


@router.delete("/cart", status_code=204)
def clear_cart(caller: callers.Shops) -> None:
    """Empty the cart."""
    carts.clear(deps.backends(), caller.visitor)


def _contents(viewer: Viewer) -> Cart:
    cart = carts.contents(deps.backends(), viewer)
    return Cart(
        items=[_item(wanted, viewer) for wanted in cart.items],
        passes=[_pass(wanted) for wanted in cart.passes],
        coupon=_coupon(cart),
        bill=bills.rows(cart.quote.rows, cart.quote.currency),
        total_amount=cart.quote.total_amount,
        tax_amount=cart.quote.tax_amount,
        currency=cart.quote.currency,
        unavailable=[photo.id for photo in cart.unavailable],
        unavailable_passes=[event.id for event in cart.gone_passes],
    )


def _item(wanted: Wanted, viewer: Viewer) -> CartItem:
    line = wanted.line
    return CartItem(
        photo_id=wanted.photo.id,
        event_id=line.event_id,
        label=line.label,
        size=wanted.size,
        list_amount=line.list_amount,
        amount=line.amount,
        currency=line.currency,
        is_gift=line.is_gift,
        is_found=wanted.is_found,
        is_bought=wanted.is_bought,
        thumbnail_url=photos.address(wanted.photo, RenditionName.SMALL, wanted.scope, viewer),
    )


def _pass(wanted: WantedPass) -> CartPass:
    line = wanted.line
    return CartPass(
        event_id=line.event_id,
        label=line.label,
        list_amount=line.list_amount,
        amount=line.amount,
        currency=line.currency,
        is_bought=wanted.is_bought,
    )


def _coupon(cart: carts.Cart) -> CartCoupon | None:
    if cart.coupon is None:
        return None
    refusal = None if cart.refusal is None else str(cart.refusal)
    return CartCoupon(code=cart.coupon.code, is_used=cart.coupon_used is not None, refusal=refusal)
