"""Who may do what to which event. The first line of every use case."""

from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from core.errors import Forbidden, NotFound, SignInNeeded
from models.account import Account, Role
from models.event import Event, EventMember, MemberRole, Visibility
from models.fields import utc_now
from models.photo import Photo
from models.sharing import ShareLink, VisitorAccess


class Action(Enum):
    """What can be done to an event by those who have a part in it."""

    SEE = auto()  # the dashboard: status, progress, counts
    UPLOAD = auto()
    REVIEW = auto()
    SHARE = auto()
    EDIT = auto()  # the event, its galleries, its members
    ANALYSE = auto()
    SELL = auto()  # prices, coupons, orders, refunds
    CHECK_IN = auto()


ALLOWED: dict[MemberRole, frozenset[Action]] = {
    MemberRole.CO_ORGANISER: frozenset(Action),
    MemberRole.PHOTOGRAPHER: frozenset({Action.SEE, Action.UPLOAD}),
    MemberRole.ANALYST: frozenset({Action.SEE, Action.ANALYSE}),
    MemberRole.DOOR: frozenset({Action.SEE, Action.CHECK_IN}),
}


class NoSuchEvent(NotFound):
    """There is no such event, or the reader may not know of it."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such event, or its link no longer works. Ask the organiser for a new link."
        )


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page: always a browser, sometimes an account."""

    visitor_key: str  # hash of the visitor cookie
    account: Account | None = None

    @property
    def account_id(self) -> int | None:
        """The id of who is signed in, if anyone."""
        return self.account.id if self.account else None


def member_role(session: Session, account: Account | None, event_id: int) -> MemberRole | None:
    """Return the account's part in an event. Admins count as co-organisers."""
    if account is None or not account.is_active:
        return None
    if account.role is Role.ADMIN:
        return MemberRole.CO_ORGANISER
    member = session.get(EventMember, (event_id, account.id))
    return member.role if member else None


def allowed(session: Session, account: Account | None, event_id: int) -> frozenset[Action]:
    """Return what the account may do to the event."""
    role = member_role(session, account, event_id)
    return ALLOWED[role] if role else frozenset()


def may(session: Session, account: Account | None, action: Action, event_id: int) -> bool:
    """Tell whether the account may do this to the event."""
    return action in allowed(session, account, event_id)


def require(session: Session, account: Account | None, action: Action, event_id: int) -> Event:
    """Return the event. Raises NotFound to those without a part in it, Forbidden to those with another."""
    event = session.get(Event, event_id)
    role = member_role(session, account, event_id)
    if event is None or role is None:
        raise NoSuchEvent
    if action not in ALLOWED[role]:
        raise Forbidden("Your role in this event does not include this. Ask its organiser.")
    return event


def may_see_hidden(session: Session, account: Account | None, photo: Photo) -> bool:
    """Tell whether the account sees a photo that is not public: who reviews it, and the member it is of."""
    may_do = allowed(session, account, photo.event_id)
    is_own = account is not None and account.id == photo.uploaded_by
    return Action.REVIEW in may_do or (is_own and Action.SEE in may_do)


def signed_in(account: Account | None) -> Account:
    """Return the account. Raises SignInNeeded when nobody, or a disabled account, is signed in."""
    if account is None or not account.is_active:
        raise SignInNeeded("Sign in to do this.")
    return account


def require_role(account: Account | None, *roles: Role) -> Account:
    """Return the account. Raises SignInNeeded, and Forbidden unless it is of the roles or an admin."""
    known = signed_in(account)
    if known.role is not Role.ADMIN and known.role not in roles:
        raise Forbidden("Your account may not do this. Ask an admin.")
    return known


@dataclass(frozen=True)
class Scope:
    """What of an event a viewer sees: everything, or the galleries whose share links they opened."""

    event: Event
    links: tuple[ShareLink, ...] = ()  # opened and working; none where none is needed
    is_member: bool = False

    @property
    def gallery_ids(self) -> frozenset[int] | None:
        """The galleries within, None for all of them."""
        ids = {link.gallery_id for link in self.links}
        return None if None in ids or not ids else frozenset(gallery_id for gallery_id in ids if gallery_id)

    def covers(self, gallery_id: int) -> bool:
        """A gallery is within."""
        return self.gallery_ids is None or gallery_id in self.gallery_ids

    def link_to(self, gallery_id: int) -> ShareLink | None:
        """Return the link by which a gallery is seen, None where none is needed."""
        return next((link for link in self.links if link.gallery_id in (None, gallery_id)), None)


_ONE_EVENT = select(Event).where(col(Event.id) == bindparam("event_id"))  # half the time of `session.get`


def view(session: Session, viewer: Viewer, event_id: int) -> Scope:
    """Return what the viewer sees of an event. Raises NotFound when that is nothing.

    Members see it in any status. Visitors see an open event that is listed, or whose share link they
    opened; several links to galleries add up.
    """
    event = session.execute(_ONE_EVENT, {"event_id": event_id}).scalar()
    if event is None:
        raise NoSuchEvent
    if member_role(session, viewer.account, event_id) is not None:
        return Scope(event, is_member=True)
    if not event.is_open_to_visitors(utc_now()):
        raise NoSuchEvent
    if event.visibility is Visibility.LISTED:
        return Scope(event)
    links = _opened_links(session, viewer.visitor_key, event_id)
    if not links:
        raise NoSuchEvent
    return Scope(event, links)


def _opened_links(session: Session, visitor_key: str, event_id: int) -> tuple[ShareLink, ...]:
    if not visitor_key:  # browsers without cookies are many people, not one
        return ()
    opened = session.exec(
        select(ShareLink)
        .join(VisitorAccess, col(VisitorAccess.share_link_id) == col(ShareLink.id))
        .where(VisitorAccess.visitor_key == visitor_key, ShareLink.event_id == event_id)
        .order_by(col(ShareLink.id).desc())
    )
    return tuple(link for link in opened if link.is_open(utc_now()))
