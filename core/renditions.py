"""The addresses of pictures: signed, stable for hours, and checked again whenever one is fetched."""

from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

from sqlmodel import Session, col, select

from core import access
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.errors import NotFound
from models.account import Account
from models.event import Event, Visibility
from models.order import Download, Order, OrderStatus
from models.photo import Photo
from models.sharing import ShareLink

ADDRESS_TTL = timedelta(hours=12)


class NoSuchPicture(NotFound):
    """No picture there, or none for this reader."""

    def __init__(self) -> None:
        super().__init__("There is no such picture, or its address has expired. Reload the page.")


@dataclass(frozen=True)
class Picture:
    """A rendition to send: a stream to close, its length in bytes, a tag that names its content."""

    content: BinaryIO
    length: int
    tag: str


def grant_for(scope: Scope, by: Viewer, photo: Photo) -> str:
    """Return by what right the viewer sees a photo of this scope; checked again at each fetch."""
    if scope.is_member:
        return f"account:{by.account_id}"
    link = scope.link_to(photo.gallery_id)
    return "listed" if link is None else f"share:{link.id}"


def member_grant(account: Account | None) -> str:
    """Return the right of a member, who sees photos in any state."""
    return f"account:{account.id if account else 0}"


def order_grant(order: Order) -> str:
    """Return the right of a buyer."""
    return f"order:{order.id}"


def url(backends: Backends, photo_id: UUID, name: str, grant: str) -> str:
    """Return the local address of a rendition, the same for hours so that browsers keep the picture."""
    period = ADDRESS_TTL.total_seconds()
    expires = int((backends.now().timestamp() // period + 2) * period)
    return "/img/" + backends.signer.sign("img", photo_id.hex, name, grant, expires)


def open_signed(backends: Backends, token: str, *, by: Account | None) -> Picture:
    """Return the picture of a signed address. Raises NoSuchPicture, whatever is wrong.

    An address made for a member works for that member only, while signed in.
    """
    parts = backends.signer.read("img", token)
    if parts is None or len(parts) != 4 or parts[3] < backends.now().timestamp():
        raise NoSuchPicture
    photo_id, name, grant, _ = parts
    with backends.reading() as session:
        photo = session.get(Photo, UUID(photo_id))
        if photo is None or photo.removed_at is not None or not _holds(backends, session, grant, photo, by):
            raise NoSuchPicture
    return opened(backends, photo, name)


def opened(backends: Backends, photo: Photo, name: str) -> Picture:
    """Return a rendition for somebody who may see it. Raises NotFound when there is none."""
    key = photo.rendition_key(name)
    length = backends.objects.size(key)
    return Picture(backends.objects.open(key), length, f'"{photo.sha256[:16]}-{name}"')


def _holds(backends: Backends, session: Session, grant: str, photo: Photo, by: Account | None) -> bool:
    kind, _, subject = grant.partition(":")
    if kind == "account":
        is_theirs = by is not None and str(by.id) == subject
        return is_theirs and access.may(session, by, Action.SEE, photo.event_id)
    if kind == "order":
        return _was_bought(session, UUID(subject), photo)
    if not photo.is_public:
        return False
    event = session.get_one(Event, photo.event_id)
    if not event.is_open_to_visitors(backends.now()):
        return False
    if kind == "listed":
        return event.visibility is Visibility.LISTED
    return kind == "share" and _is_linked(backends, session, int(subject), photo)


def _was_bought(session: Session, order_id: UUID, photo: Photo) -> bool:
    order = session.get(Order, order_id)
    granted = select(Download.id).where(Download.order_id == order_id, Download.photo_id == photo.id)
    kept = granted.where(col(Download.withdrawn_at).is_(None))
    return order is not None and order.status is OrderStatus.PAID and session.exec(kept).first() is not None


def _is_linked(backends: Backends, session: Session, link_id: int, photo: Photo) -> bool:
    link = session.get(ShareLink, link_id)
    return (
        link is not None
        and link.is_open(backends.now())
        and link.event_id == photo.event_id
        and link.gallery_id in (None, photo.gallery_id)
    )
