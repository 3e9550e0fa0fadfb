"""The cart of a visitor or an account, at today's prices."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api import callers, deps, photos, routing
from api.photos import PhotoId
from api.schemas import Answer, Money, Request
from core import carts
from core.access import Viewer
from core.carts import LIMIT, Wanted
from core.photo_lists import RenditionName

router = routing.router("cart")


class CartItem(Answer):
    """A photo that can be bought now."""

    photo_id: UUID
    event_id: int
    label: str = Field(description="The event's name and the file's.")
    amount: Money
    currency: str = Field(description="By ISO 4217.")
    is_bought: bool = Field(description="Paid for before.")
    thumbnail_url: str = Field(description="Of a rendition of about 300 pixels.")


class Cart(Answer):
    """What somebody wishes to buy, in the order of wishing."""

    items: list[CartItem]
    total_amount: Money
    currency: str = Field(description="By ISO 4217.")
    unavailable: list[UUID] = Field(
        description="Photos that can no longer be bought: not part of the total, and never ordered."
    )


class Wishes(Request):
    """Photos for the cart."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"photo_ids": ["0d0f8f0c-5a1e-4d39-9d4e-0c6a2f6f7a11"]}]}
    )

    photo_ids: Annotated[list[UUID], Field(min_length=1, max_length=LIMIT, description="500 at most.")]


@router.get("/cart")
def get_cart(caller: callers.Shops) -> Cart:
    """Return the cart; what it says of prices holds until an order is placed."""
    return _contents(caller.visitor)


@router.post("/cart/photos")
def add_to_cart(caller: callers.Shops, sent: Wishes) -> Cart:
    """Put photos into the cart, all of them or none; what lies there already stays. A cart holds 500."""
    carts.add(deps.backends(), caller.visitor, sent.photo_ids)
    return _contents(caller.visitor)


@router.delete("/cart/photos/{photo_id}", status_code=204)
def remove_from_cart(caller: callers.Shops, photo_id: PhotoId) -> None:
    """Take a photo out of the cart; one that is not there is no error."""
    carts.remove(deps.backends(), caller.visitor, [photo_id])


@router.delete("/cart", status_code=204)
def clear_cart(caller: callers.Shops) -> None:
    """Empty the cart."""
    carts.clear(deps.backends(), caller.visitor)


def _contents(viewer: Viewer) -> Cart:
    cart = carts.contents(deps.backends(), viewer)
    return Cart(
        items=[_item(wanted, viewer) for wanted in cart.items],
        total_amount=cart.quote.total_amount,
        currency=cart.quote.currency,
        unavailable=[photo.id for photo in cart.unavailable],
    )


def _item(wanted: Wanted, viewer: Viewer) -> CartItem:
    line = wanted.line
    return CartItem(
        photo_id=line.photo_id,
        event_id=line.event_id,
        label=line.label,
        amount=line.amount,
        currency=line.currency,
        is_bought=wanted.is_bought,
        thumbnail_url=photos.address(wanted.photo, RenditionName.SMALL, wanted.scope, viewer),
    )
