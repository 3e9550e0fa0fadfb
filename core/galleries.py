"""The sets of an event's photos, such as Start and Finish."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, func, select

from core import access
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.errors import Conflict, InvalidInput, NotFound
from models.account import Account
from models.event import Event, Gallery
from models.photo import Photo
from models.sharing import ShareLink, VisitorAccess


class NoSuchGallery(NotFound):
    """There is no such gallery, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such gallery.")


class NameTaken(Conflict):
    """Two galleries of one event have two names."""

    def __init__(self) -> None:
        super().__init__("This event has a gallery with that name already.")


def join(session: Session, event: Event, name: str) -> Gallery:
    """Add a gallery in the caller's transaction, after the others."""
    count = session.exec(select(func.count()).where(Gallery.event_id == event.id)).one()
    gallery = Gallery(event_id=event.id, name=name, position=count)
    session.add(gallery)
    return gallery


def add(backends: Backends, event_id: int, name: str, *, by: Account | None) -> Gallery:
    """Add a gallery to an event. Raises NameTaken, InvalidInput."""
    try:
        with backends.transaction() as session:
            event = access.require(session, by, Action.EDIT, event_id)
            return join(session, event, _name(name))
    except IntegrityError as error:
        raise NameTaken from error


def rename(backends: Backends, gallery_id: int, name: str, *, by: Account | None) -> Gallery:
    """Give a gallery another name. Raises NameTaken, InvalidInput."""
    try:
        with backends.transaction() as session:
            gallery = _of(session, gallery_id, by)
            gallery.name = _name(name)
    except IntegrityError as error:
        raise NameTaken from error
    return gallery


def remove(backends: Backends, gallery_id: int, *, by: Account | None) -> None:
    """Remove an empty gallery and the links to it; an event keeps at least one."""
    try:
        with backends.transaction() as session:
            _take_away(session, _of(session, gallery_id, by))
    except IntegrityError as error:
        raise Conflict("Something came into this gallery just now. Look at it again.") from error


def _take_away(session: Session, gallery: Gallery) -> None:
    if session.exec(select(Photo.id).where(Photo.gallery_id == gallery.id)).first():
        raise Conflict("This gallery has photos. Delete them first.")
    if len(session.exec(select(Gallery.id).where(Gallery.event_id == gallery.event_id)).all()) == 1:
        raise Conflict("An event keeps at least one gallery.")
    links = select(ShareLink.id).where(ShareLink.gallery_id == gallery.id)
    session.exec(delete(VisitorAccess).where(col(VisitorAccess.share_link_id).in_(links)))
    session.exec(delete(ShareLink).where(col(ShareLink.gallery_id) == gallery.id))
    session.delete(gallery)


def of_event(session: Session, event_id: int) -> Sequence[Gallery]:
    """Return the galleries of an event, in order. The caller has checked access."""
    query = select(Gallery).where(Gallery.event_id == event_id)
    return session.exec(query.order_by(col(Gallery.position), col(Gallery.id))).all()


def listing(backends: Backends, event_id: int, *, by: Account | None) -> Sequence[Gallery]:
    """Return the galleries of an event for those who have a part in it."""
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        return of_event(session, event_id)


def seen(backends: Backends, event_id: int, *, by: Viewer) -> Sequence[Gallery]:
    """Return the galleries of an event that the viewer sees."""
    with backends.reading() as session:
        return _within(session, access.view(session, by, event_id))


def visible(backends: Backends, scope: Scope) -> Sequence[Gallery]:
    """Return the galleries within what a viewer sees."""
    with backends.reading() as session:
        return _within(session, scope)


def _within(session: Session, scope: Scope) -> Sequence[Gallery]:
    return [gallery for gallery in of_event(session, scope.event.id) if scope.covers(gallery.id)]


def _of(session: Session, gallery_id: int, by: Account | None) -> Gallery:
    gallery = session.get(Gallery, gallery_id)
    if gallery is None or access.member_role(session, by, gallery.event_id) is None:
        raise NoSuchGallery
    access.require(session, by, Action.EDIT, gallery.event_id)
    return gallery


def _name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= 80:
        raise InvalidInput("Give the gallery a name of at most 80 characters.")
    return name
