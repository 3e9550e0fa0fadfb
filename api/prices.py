"""What an event's photos are sold for: said by its organisers, shown to those who buy."""

from dataclasses import asdict
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import bills, callers, deps, routing
from api.bills import BillRow
from api.coupons import Code
from api.events import EventId
from api.galleries import GalleryId
from api.photos import PhotoId
from api.schemas import Answer, Moment, Money, Request
from core import prices
from core.events import LARGEST_PRICE
from core.prices import Shown
from core.terms import LARGEST_COUNT, LONGEST_REFUND, MOST_TIERS, Terms
from models.cart import Size

router = routing.router("prices")

Amount = Annotated[int, Field(ge=0, le=LARGEST_PRICE)]
SomeAmount = Annotated[int, Field(ge=1, le=LARGEST_PRICE)]
NOT_OFFERED = "Null: not offered."
_TERMS: JsonDict = {
    "price_amount": 12000,
    "web_amount": 6000,
    "tiers": [{"count": 5, "percent": 10}, {"count": 10, "percent": 20}],
    "bundle_amount": 60000,
    "pass_amount": 250000,
    "free_count": 1,
    "early_percent": 20,
    "early_until": "2026-11-08T16:59:59Z",
    "tax_basis_points": 700,
    "is_tax_included": True,
    "refund_days": 7,
}


class Tier(Answer):
    """A discount for many photos of one event in one order."""

    count: int = Field(description="From so many photos on.")
    percent: int = Field(description="So much is taken off them.")


class NewTier(Request):
    """A discount for many photos of one event in one order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 5, "percent": 10}]})

    count: Annotated[int, Field(ge=2, le=LARGEST_COUNT, description="From so many photos on.")]
    percent: Annotated[int, Field(ge=1, le=99, description="So much is taken off them.")]


class PriceTerms(Request):
    """Everything that is said of an event's prices. Amounts are minor units of its currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TERMS]})

    price_amount: Amount = Field(description="Of a photo in full size; 0 is free.")
    web_amount: Amount | None = Field(None, description=f"Of a photo in web size. {NOT_OFFERED}")
    tiers: list[NewTier] = Field(
        default=[], max_length=MOST_TIERS, description="Each begins later and takes more off than the last."
    )
    bundle_amount: SomeAmount | None = Field(
        None, description=f"The most that all photos cost which one search found. {NOT_OFFERED}"
    )
    pass_amount: SomeAmount | None = Field(
        None, description=f"Of a pass to all photos of the event. {NOT_OFFERED}"
    )
    free_count: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] = Field(
        0, description="Photos that each guest gets for nothing."
    )
    early_percent: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="Off every price until `early_until`."
    )
    early_until: Moment | None = Field(None, description="In UTC; null: there is no early bird.")
    tax_basis_points: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="Hundredths of a percent: 700 is 7 %."
    )
    is_tax_included: bool = Field(True, description="Prices include the tax; false: it comes on top.")
    refund_days: Annotated[int, Field(ge=0, le=LONGEST_REFUND)] = Field(
        0, description="Within so many days buyers give back by themselves what they have not fetched."
    )


class Prices(Answer):
    """Everything that is said of an event's prices. Amounts are minor units of its currency."""

    price_amount: Money = Field(description="Of a photo in full size.")
    web_amount: Money | None = Field(description=f"Of a photo in web size. {NOT_OFFERED}")
    tiers: list[Tier] = Field(description="Discounts for many, the smallest first.")
    bundle_amount: Money | None = Field(
        description=f"The most that all photos cost which one search found. {NOT_OFFERED}"
    )
    pass_amount: Money | None = Field(description=f"Of a pass to all photos of the event. {NOT_OFFERED}")
    free_count: int = Field(description="Photos that each guest gets for nothing.")
    early_percent: int = Field(description="Off every price until `early_until`.")
    early_until: Moment | None = Field(description="In UTC; null: there is no early bird.")
    tax_basis_points: int = Field(description="Hundredths of a percent: 700 is 7 %.")
    is_tax_included: bool = Field(description="Prices include the tax; false: it comes on top.")
    refund_days: int = Field(description="How long buyers give back what they have not fetched; 0: never.")


class Offer(Answer):
    """What a buyer may know of an event's prices now."""

    currency: str = Field(description=bills.CURRENCY)
    price_amount: Money = Field(description="Of a photo in full size, where nothing else is said of it.")
    from_amount: Money = Field(description="Of the cheapest photo that one sees.")
    web_amount: Money | None = Field(description=f"Of a photo in web size. {NOT_OFFERED}")
    tiers: list[Tier] = Field(description="Discounts for many, the smallest first.")
    bundle_amount: Money | None = Field(
        description=f"The most that all photos cost which one search found. {NOT_OFFERED}"
    )
    pass_amount: Money | None = Field(description="Of a pass to all photos. Null: not offered, or not here.")
    free_left: int = Field(description="Photos that one still gets for nothing.")
    early_percent: int = Field(description="Off every price now; 0: nothing, or not any more.")
    early_until: Moment | None = Field(description="Until when, in UTC.")
    tax_basis_points: int = Field(description="Hundredths of a percent: 700 is 7 %.")
    is_tax_included: bool = Field(description="Prices include the tax; false: it comes on top.")
    refund_days: int = Field(description="How long one gives back what one has not fetched; 0: never.")


class GalleryPrices(Request):
    """A gallery's own prices, which go before the event's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price_amount": 15000, "web_amount": None}]})

    price_amount: Amount | None = Field(description="Of a photo in full size; null: the event's.")
    web_amount: Amount | None = Field(None, description="Of a photo in web size; null: the event's.")


class OwnPrices(Answer):
    """A gallery's own prices."""

    gallery_id: int
    price_amount: Money | None = Field(description="Of a photo in full size; null: the event's.")
    web_amount: Money | None = Field(description="Of a photo in web size; null: the event's.")


class NewPhotoPrice(Request):
    """A photo's own price, which goes before its gallery's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price_amount": 30000}]})

    price_amount: Amount | None = Field(description="In full size; null: its gallery's.")


class PhotoPrice(Answer):
    """A photo's own price."""

    photo_id: PhotoId
    price_amount: Money | None = Field(description="In full size; null: its gallery's.")


class PreviewedCart(Request):
    """Terms that need not be saved, and what somebody would buy by them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"terms": _TERMS, "photo_count": 6}]})

    terms: PriceTerms
    photo_count: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] = Field(description="How many photos.")
    size: Size = Field(Size.FULL, description="Of all of them.")
    is_bundle: bool = Field(False, description="One search found them.")
    is_pass: bool = Field(False, description="A pass instead of photos.")
    coupon_code: Code = Field("", description="Of one of the event's coupons.")


class Quote(Answer):
    """What something costs, and why."""

    bill: list[BillRow] = Field(description="Step by step.")
    total_amount: Money = Field(description="Minor units, tax included.")
    tax_amount: Money = Field(description="Of the total.")
    currency: str = Field(description=bills.CURRENCY)


@router.get("/events/{event_id}/prices")
def get_prices(caller: callers.ReadsEvents, event_id: EventId) -> Prices:
    """Return all that is said of an event's prices. For those who sell at it."""
    return _shown(prices.terms(deps.backends(), event_id, by=caller.account))


@router.put("/events/{event_id}/prices")
def set_prices(caller: callers.WritesEvents, event_id: EventId, sent: PriceTerms) -> Prices:
    """Say anew how an event sells: what is left out is not offered any more. Orders keep their prices."""
    return _shown(prices.save(deps.backends(), event_id, _terms(sent), by=caller.account))


@router.post("/events/{event_id}/price-preview")
def preview_prices(caller: callers.ReadsEvents, event_id: EventId, sent: PreviewedCart) -> Quote:
    """Tell what a new guest would pay by terms that need not be saved."""
    quote = prices.preview(
        deps.backends(),
        event_id,
        _terms(sent.terms),
        sent.photo_count,
        size=sent.size,
        is_bundle=sent.is_bundle,
        coupon_code=sent.coupon_code,
        is_pass=sent.is_pass,
        by=caller.account,
    )
    return Quote(
        bill=bills.rows(quote.rows, quote.currency),
        total_amount=quote.total_amount,
        tax_amount=quote.tax_amount,
        currency=quote.currency,
    )


@router.get("/events/{event_id}/offer", openapi_extra=callers.OPEN)
def get_offer(caller: callers.SeesEvents, event_id: EventId) -> Offer:
    """Return for what an event's photos are sold now, to who sees the event."""
    shown = prices.shown(deps.backends(), event_id, by=caller.viewer)
    return Offer(**_plain(shown))


@router.get("/galleries/{gallery_id}/prices")
def get_gallery_prices(caller: callers.ReadsEvents, gallery_id: GalleryId) -> OwnPrices:
    """Return a gallery's own prices. For those who sell at its event."""
    gallery = prices.of_gallery(deps.backends(), gallery_id, by=caller.account)
    return _own(gallery.id, gallery.price_amount, gallery.web_amount)


@router.put("/galleries/{gallery_id}/prices")
def set_gallery_prices(caller: callers.WritesEvents, gallery_id: GalleryId, sent: GalleryPrices) -> OwnPrices:
    """Give a gallery prices of its own, or the event's again."""
    own = (sent.price_amount, sent.web_amount)
    gallery = prices.save_gallery(deps.backends(), gallery_id, *own, by=caller.account)
    return _own(gallery.id, *own)


@router.put("/photos/{photo_id}/price")
def set_photo_price(caller: callers.WritesEvents, photo_id: PhotoId, sent: NewPhotoPrice) -> PhotoPrice:
    """Give a photo a price of its own, or its gallery's again."""
    photo = prices.save_photo(deps.backends(), photo_id, sent.price_amount, by=caller.account)
    return PhotoPrice(photo_id=photo.id, price_amount=photo.price_amount)


def _terms(sent: PriceTerms) -> Terms:
    return Terms(**sent.model_dump() | {"tiers": tuple((tier.count, tier.percent) for tier in sent.tiers)})


def _shown(found: Terms) -> Prices:
    return Prices(**_plain(found))


def _plain(found: Terms | Shown) -> dict[str, object]:
    tiers = [Tier(count=count, percent=percent) for count, percent in found.tiers]
    return asdict(found) | {"tiers": tiers}


def _own(gallery_id: int, price_amount: int | None, web_amount: int | None) -> OwnPrices:
    return OwnPrices(gallery_id=gallery_id, price_amount=price_amount, web_amount=web_amount)
