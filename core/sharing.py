"""Share links: an address, a QR code, an expiry, and an end."""

import io
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

import segno
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import access, activity, audit, days, paging
from core.access import Action, Viewer
from core.backends import Backends
from core.errors import Forbidden, InvalidInput, NotFound
from core.paging import Asked, Order, Page
from models.account import Account
from models.activity import ActivityKind
from models.event import Event, Gallery
from models.sharing import ShareLink, VisitorAccess

_ADDRESS = re.compile(r".*[?&]share=([\w.-]+)", re.ASCII | re.DOTALL)
_NEWEST = Order[ShareLink]("links", (col(ShareLink.id),), is_descending=True)


class NoSuchLink(NotFound):
    """There is no such link, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such link.")


class LinkClosed(NotFound):
    """The link was revoked, has expired, or was never one."""

    def __init__(self) -> None:
        super().__init__("This link does not work, or no longer. Ask the organiser for a new one.")


def create(
    backends: Backends,
    event_id: int,
    *,
    by: Account | None,
    label: str = "",
    gallery_id: int | None = None,
    expires_at: datetime | None = None,
) -> ShareLink:
    """Make a link to an event, or to one of its galleries. Raises InvalidInput, NotFound."""
    days.check_year(expires_at)
    if expires_at is not None and expires_at <= backends.now():
        raise InvalidInput("The link would have expired already. Choose a later day.")
    with backends.transaction() as session:
        access.require(session, by, Action.SHARE, event_id)
        _check_gallery(session, event_id, gallery_id)
        link = ShareLink(
            event_id=event_id,
            gallery_id=gallery_id,
            label=label.strip()[:80],
            nonce=secrets.token_hex(16),
            created_by=by.id if by else 0,
            expires_at=expires_at,
        )
        session.add(link)
        session.flush()
        audit.record(session, "share.create", link.id, by=by, event=event_id)
    return link


def _check_gallery(session: Session, event_id: int, gallery_id: int | None) -> None:
    if gallery_id is None:
        return
    gallery = session.get(Gallery, gallery_id)
    if gallery is None or gallery.event_id != event_id:
        raise NotFound("That gallery is not in this event.")


def address(backends: Backends, link: ShareLink) -> str:
    """Return the full URL that opens the link."""
    token = backends.signer.sign("share", link.id, link.nonce)
    return backends.settings.url(f"/gallery?share={token}")


def qr(backends: Backends, link_id: int, *, by: Account | None) -> bytes:
    """Return the QR code of a link that works, as PNG. Raises NoSuchLink, LinkClosed."""
    with backends.reading() as session:
        link = _of(session, link_id, by)
    if not link.is_open(backends.now()):
        raise LinkClosed
    return qr_png(address(backends, link))


def qr_png(url: str) -> bytes:
    """Return a QR code of the URL as PNG, about 600 pixels wide, readable from a poster."""
    target = io.BytesIO()
    segno.make(url, error="m").save(target, kind="png", scale=12, border=4)
    return target.getvalue()


def revoke(backends: Backends, link_id: int, *, by: Account | None) -> None:
    """End a link: it opens nothing from now on, for anyone. Raises NoSuchLink."""
    with backends.transaction() as session:
        link = _of(session, link_id, by)
        link.revoked_at = link.revoked_at or backends.now()
        audit.record(session, "share.revoke", link_id, by=by, event=link.event_id)


def _of(session: Session, link_id: int, by: Account | None) -> ShareLink:
    link = session.get(ShareLink, link_id)
    if link is None or access.member_role(session, by, link.event_id) is None:
        raise NoSuchLink
    access.require(session, by, Action.SHARE, link.event_id)
    return link


def of_event(backends: Backends, event_id: int, *, by: Account | None) -> Sequence[ShareLink]:
    """Return the links of an event, newest first."""
    with backends.reading() as session:
        access.require(session, by, Action.SHARE, event_id)
        query = select(ShareLink).where(ShareLink.event_id == event_id)
        return session.exec(query.order_by(col(ShareLink.id).desc())).all()


def listing(backends: Backends, event_id: int, asked: Asked, *, by: Account | None) -> Page[ShareLink]:
    """Return a page of the links of an event, newest first."""
    with backends.reading() as session:
        access.require(session, by, Action.SHARE, event_id)
        query = select(ShareLink).where(ShareLink.event_id == event_id)
        return paging.read(backends, session, query, _NEWEST, asked)


def open_link(backends: Backends, token: str, *, by: Viewer) -> Event:
    """Let this visitor in, and return the event. Raises LinkClosed, whatever is wrong with the link.

    Raises Forbidden for a browser without cookies: access is kept under the visitor key.
    """
    if not by.visitor_key:
        raise Forbidden(
            "Your browser refuses cookies, and this link needs one. Allow it and open the link again."
        )
    link_id, nonce = _read(backends, token)
    try:
        return _let_in(backends, link_id, nonce, by)
    except IntegrityError:  # another call of theirs opened it at the same moment
        return _let_in(backends, link_id, nonce, by)


def _let_in(backends: Backends, link_id: int, nonce: str, by: Viewer) -> Event:
    with backends.transaction() as session:
        link = session.get(ShareLink, link_id)
        if link is None or not secrets.compare_digest(link.nonce, nonce) or not link.is_open(backends.now()):
            raise LinkClosed
        event = session.get_one(Event, link.event_id)
        if not event.is_open_to_visitors(backends.now()):
            raise LinkClosed
        if session.get(VisitorAccess, (by.visitor_key, link_id)) is None:
            session.add(VisitorAccess(visitor_key=by.visitor_key, share_link_id=link_id))
            activity.record(session, ActivityKind.LINK_OPENED, by=by, event_id=event.id, subject=link_id)
    return event


def token_of(link: str) -> str:
    """Return the token of a link that is given by its address; what is no address is the token itself."""
    found = _ADDRESS.match(link.strip())
    return found[1] if found else link.strip()


def _read(backends: Backends, token: str) -> tuple[int, str]:
    parts = backends.signer.read("share", token)
    if parts is None or len(parts) != 2:
        raise LinkClosed
    return int(parts[0]), str(parts[1])
