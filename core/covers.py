"""The photo that stands for an event."""

from uuid import UUID

from sqlmodel import Session, col

from core import access, photos
from core.access import Action, Scope, Viewer
from core.backends import Backends
from core.errors import NotFound
from models.account import Account
from models.event import Event
from models.photo import Photo


def choose(backends: Backends, event_id: int, photo_id: UUID, *, by: Account | None) -> None:
    """Use one of the event's photos as its cover."""
    with backends.transaction() as session:
        event = access.require(session, by, Action.EDIT, event_id)
        photo = session.get(Photo, photo_id)
        if photo is None or photo.event_id != event_id or photo.removed_at is not None:
            raise NotFound("That photo is not in this event.")
        event.cover_photo_id = photo_id


def of(backends: Backends, event: Event) -> UUID | None:
    """Return the photo on an event's card: the chosen one while it is public, else the first public one."""
    with backends.reading() as session:
        return _cover(session, Scope(event))


def seen(backends: Backends, event_id: int, *, by: Viewer) -> UUID:
    """Return the cover among the photos that the viewer sees of an event. Raises NotFound without one."""
    with backends.reading() as session:
        photo_id = _cover(session, access.view(session, by, event_id))
    if photo_id is None:
        raise NotFound("This event has no cover yet: none of its photos can be seen.")
    return photo_id


def _cover(session: Session, scope: Scope) -> UUID | None:
    public = photos.public_query(scope).with_only_columns(col(Photo.id))
    chosen = session.execute(public.where(col(Photo.id) == scope.event.cover_photo_id)).scalar()
    first = public.order_by(col(Photo.taken_at), col(Photo.id)).limit(1)
    return chosen or session.execute(first).scalar()
