"""What a viewer may see and buy now, and at which list price."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from core import access, price_lists, pricing
from core.access import Scope, Viewer
from core.errors import Conflict, NotFound
from core.offers import Offer
from core.price_lists import GalleryPrices
from models.cart import Size
from models.photo import Photo


@dataclass(frozen=True)
class Stock:
    """Some photos, and the events that sell them or passes to one viewer now."""

    photos: Mapping[UUID, Photo]  # whether they are for sale or not
    scopes: Mapping[int, Scope]  # of the events that are visible and on sale
    offers: Mapping[int, Offer]  # of the same
    galleries: Mapping[int, GalleryPrices]

    def amount(self, photo_id: UUID, size: Size) -> int | None:
        """Return a photo's list price, None where it cannot be bought."""
        photo = self.photos.get(photo_id)
        if photo is None or photo.event_id not in self.scopes or not photo.is_public:
            return None
        if not self.scopes[photo.event_id].covers(photo.gallery_id):
            return None
        return price_lists.amount_of(photo, self.offers[photo.event_id], self.galleries, size)

    def pass_amount(self, event_id: int) -> int | None:
        """Return the price of a pass, None where it cannot be bought: it is for who sees the whole event."""
        scope = self.scopes.get(event_id)
        return None if scope is None or scope.gallery_ids is not None else self.offers[event_id].pass_amount

    def require(self, photo_ids: Collection[UUID], size: Size) -> None:
        """Raises NotForSale, SizeNotSold unless all of these photos can be bought."""
        if any(self.amount(photo_id, Size.FULL) is None for photo_id in photo_ids):
            raise NotForSale
        if any(self.amount(photo_id, size) is None for photo_id in photo_ids):
            raise SizeNotSold

    def require_one_currency(self, pass_event_ids: Iterable[int]) -> None:
        """Raises MixedCurrencies unless these photos and passes can be paid together."""
        photos = self.photos.values()
        events = {photo.event_id for photo in photos if self.amount(photo.id, Size.FULL) is not None}
        events |= {event_id for event_id in pass_event_ids if self.pass_amount(event_id) is not None}
        pricing.one_currency(self.offers[event_id].currency for event_id in events)


class NotForSale(NotFound):
    """A photo is not public, not visible to the viewer, or not on sale."""

    def __init__(self) -> None:
        super().__init__("One of these photos is no longer for sale. Reload the page and choose again.")


class SizeNotSold(Conflict):
    """An event does not sell this size."""

    def __init__(self) -> None:
        super().__init__("Photos of this event are not sold in this size. Choose the full size.")


class NoPass(Conflict):
    """An event sells no pass, or not to those who see only a part of it."""

    def __init__(self) -> None:
        super().__init__("There is no pass to all photos of this event. Choose photos instead.")


def read(
    session: Session, viewer: Viewer, photo_ids: Collection[UUID], event_ids: Collection[int], now: datetime
) -> Stock:
    """Return what the viewer may buy of these photos, and what their events and some others sell."""
    photos = session.exec(select(Photo).where(col(Photo.id).in_(photo_ids))).all()
    seen = {
        event_id: _scope(session, viewer, event_id)
        for event_id in {*event_ids, *(photo.event_id for photo in photos)}
    }
    scopes = {event_id: scope for event_id, scope in seen.items() if scope and scope.event.is_on_sale(now)}
    offers = price_lists.offers(session, [scope.event for scope in scopes.values()])
    by_id = {photo.id: photo for photo in photos}
    return Stock(by_id, scopes, offers, price_lists.of_galleries(session, scopes))


def _scope(session: Session, viewer: Viewer, event_id: int) -> Scope | None:
    try:
        return access.view(session, viewer, event_id)
    except NotFound:
        return None
