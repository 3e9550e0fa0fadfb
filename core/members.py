"""Who has a part in an event: add, change, remove, list."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import access, audit, outbox
from core.access import Action
from core.backends import Backends
from core.errors import Conflict, InvalidInput, NotFound
from models.account import Account, Role
from models.event import EventMember, MemberRole
from models.mail import MailKind


@dataclass(frozen=True)
class Member:
    """An account's part in an event, as other members see it."""

    account_id: int
    name: str
    email: str  # "" to those who may not edit the event
    role: MemberRole
    commission_percent: int


def of_event(backends: Backends, event_id: int, *, by: Account | None) -> Sequence[Member]:
    """Return everyone with a part in the event, by name."""
    with backends.reading() as session:
        access.require(session, by, Action.SEE, event_id)
        sees_addresses = access.may(session, by, Action.EDIT, event_id)
        query = select(EventMember, Account).join(Account).where(EventMember.event_id == event_id)
        rows = session.exec(query.order_by(col(Account.name))).all()
    return [_shown(member, account, sees_address=sees_addresses) for member, account in rows]


def _shown(member: EventMember, account: Account, *, sees_address: bool) -> Member:
    address = account.email if sees_address else ""
    return Member(account.id, account.name, address, member.role, member.commission_percent)


def actions(backends: Backends, *, by: Account) -> frozenset[Action]:
    """Return what the account may do in one event or another; organisers and admins may make their own."""
    if by.role in (Role.ADMIN, Role.ORGANISER):
        return frozenset(Action)
    with backends.reading() as session:
        roles = session.exec(select(EventMember.role).where(EventMember.account_id == by.id).distinct()).all()
    return frozenset(action for role in roles for action in access.ALLOWED[MemberRole(role)])


def put(
    backends: Backends,
    event_id: int,
    email: str,
    role: MemberRole,
    commission_percent: int = 0,
    *,
    by: Account | None,
) -> Member:
    """Give an account a part in the event, or change it. Raises NotFound for an unknown address."""
    if not 0 <= commission_percent <= 100:
        raise InvalidInput("A commission is between 0 and 100 percent.")
    try:
        with backends.transaction() as session:
            access.require(session, by, Action.EDIT, event_id)
            account = _of_address(session, email)
            before = _role(session, event_id, account.id)
            _keep_an_organiser(session, event_id, account.id, role)
            if by is not None and account.id != by.id and before is not role:
                _invite(session, event_id, account, role)
            part = EventMember(
                event_id=event_id, account_id=account.id, role=role, commission_percent=commission_percent
            )
            member = session.merge(part)
            audit.record(session, "event.member", event_id, by=by, account=account.id, role=role)
    except IntegrityError as error:  # on its way in twice at once
        raise Conflict("This member was changed at the same moment. Look at them again.") from error
    return _shown(member, account, sees_address=True)


def _role(session: Session, event_id: int, account_id: int) -> MemberRole | None:
    known = (EventMember.event_id == event_id, EventMember.account_id == account_id)
    found = session.exec(select(EventMember.role).where(*known)).first()
    return None if found is None else MemberRole(found)


def _invite(session: Session, event_id: int, account: Account, role: MemberRole) -> None:
    """Let people learn of their part in an event: of each part once, however often it is given."""
    subject = f"{event_id}:{account.id}:{role}"
    told: dict[str, outbox.Value] = {"event_id": event_id, "account_id": account.id, "role": role.value}
    outbox.put(session, MailKind.INVITATION, subject, account.email, **told)


def _of_address(session: Session, email: str) -> Account:
    account = session.exec(select(Account).where(Account.email == email.strip().lower())).first()
    if account is None:
        raise NotFound("No account has that address. Ask them to register first.")
    return account


def remove(backends: Backends, event_id: int, account_id: int, *, by: Account | None) -> None:
    """Take an account's part in the event away."""
    with backends.transaction() as session:
        access.require(session, by, Action.EDIT, event_id)
        member = session.get(EventMember, (event_id, account_id))
        if member is None:
            return
        _keep_an_organiser(session, event_id, account_id, None)
        session.delete(member)
        audit.record(session, "event.member", event_id, by=by, account=account_id, role=None)


def _keep_an_organiser(session: Session, event_id: int, account_id: int, role: MemberRole | None) -> None:
    if role is MemberRole.CO_ORGANISER:
        return
    others = select(EventMember).where(
        EventMember.event_id == event_id,
        EventMember.role == MemberRole.CO_ORGANISER,
        EventMember.account_id != account_id,
    )
    if session.exec(others).first() is None:
        raise Conflict("An event needs at least one co-organiser. Name another one first.")
