"""Rows about prices as plain values, for the services that sell."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from sqlmodel import Session, col, func, select

from core import buyers
from core.buyers import Buyer
from core.offers import Offer, list_amount
from core.terms import Terms
from models.cart import Size
from models.event import Event, Gallery
from models.order import LineItem, Order
from models.photo import Photo
from models.price import PriceList

GalleryPrices = tuple[int | None, int | None]  # minor units, full and web; None: the event's

_LISTED = tuple(field.name for field in fields(Terms) if field.name in PriceList.model_fields)
_OFFERED = {field.name for field in fields(Offer)} & {field.name for field in fields(Terms)}


def terms(session: Session, event: Event) -> Terms:
    """Return what is said of an event's prices."""
    return _terms(event, session.get(PriceList, event.id))


def write(session: Session, event: Event, terms: Terms) -> None:
    """Set an event's prices in the caller's transaction."""
    row = session.get(PriceList, event.id) or PriceList(event_id=event.id)
    row.sqlmodel_update({name: getattr(terms, name) for name in _LISTED})
    row.tiers = [list(tier) for tier in terms.tiers]
    event.price_amount = terms.price_amount
    session.add(row)


def offer(event: Event, terms: Terms) -> Offer:
    """Return how an event would sell by these terms."""
    said = {name: getattr(terms, name) for name in _OFFERED}
    return Offer(name=event.name, currency=event.currency, **said)


def offers(session: Session, events: Iterable[Event]) -> dict[int, Offer]:
    """Return how events sell."""
    known = {event.id: event for event in events}
    lists = session.exec(select(PriceList).where(col(PriceList.event_id).in_(known)))
    rows = {row.event_id: row for row in lists}
    return {event_id: offer(event, _terms(event, rows.get(event_id))) for event_id, event in known.items()}


def of_galleries(session: Session, event_ids: Iterable[int]) -> dict[int, GalleryPrices]:
    """Return the own prices of the galleries of events, by id."""
    query = select(Gallery).where(col(Gallery.event_id).in_(list(event_ids)))
    return {one.id: (one.price_amount, one.web_amount) for one in session.exec(query)}


def amount_of(photo: Photo, offer: Offer, own: Mapping[int, GalleryPrices], size: Size) -> int | None:
    """Return a photo's list price, None where this size is not sold; `own`: as `of_galleries` returns."""
    return list_amount(offer, size, gallery=own.get(photo.gallery_id, (None, None)), own=photo.price_amount)


def free_left(session: Session, offers: Mapping[int, Offer], buyer: Buyer) -> dict[int, int]:
    """Return how many photos of each event the buyer may still have for nothing."""
    giving = {event_id: offer.free_count for event_id, offer in offers.items() if offer.free_count}
    if not giving:
        return {}
    query = (
        select(LineItem.event_id, func.count())
        .join(Order, col(Order.id) == col(LineItem.order_id))
        .where(buyers.is_theirs(buyer), buyers.counts(buyer), col(LineItem.is_gift))
        .where(col(LineItem.event_id).in_(giving))
        .group_by(col(LineItem.event_id))
    )
    taken = dict(session.exec(query).all())
    return {event_id: max(0, count - taken.get(event_id, 0)) for event_id, count in giving.items()}


def _terms(event: Event, row: PriceList | None) -> Terms:
    listed = row or PriceList(event_id=event.id)
    said = {name: getattr(listed, name) for name in _LISTED}
    tiers = tuple((count, percent) for count, percent in listed.tiers)
    return Terms(price_amount=event.price_amount, **said | {"tiers": tiers})
