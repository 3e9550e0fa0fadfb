"""Accounts and their roles. Signing in is in `sessions`, what a password must be in `passwords`."""

from datetime import timedelta

from sqlalchemy import delete, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core import access, addresses, audit, codes, paging, passwords, sessions
from core.backends import Backends
from core.codes import CodeSpent
from core.errors import Conflict, InvalidInput, NotFound
from core.paging import Asked, Order, Page
from models.account import Account, CodePurpose, OneTimeCode, Role, SignInSession

FIRST_ADMIN_TTL = timedelta(hours=24)


class NoSuchAccount(NotFound):
    """There is no account of that id."""

    def __init__(self) -> None:
        super().__init__("There is no such account.")


class AlreadyRegistered(Conflict):
    """The address belongs to an account."""

    # It tells that the address is known. To hide that, an account would have to begin with a mail.
    def __init__(self) -> None:
        super().__init__("This address has an account already. Sign in with it, or use another address.")


class LastAdmin(Conflict):
    """Nobody would be left to manage accounts."""

    def __init__(self) -> None:
        super().__init__("This is the last admin who can sign in. Make someone else an admin first.")


class WrongPassword(InvalidInput):
    """The current password was not given."""

    def __init__(self) -> None:
        super().__init__("The current password is wrong.")


def register(backends: Backends, email: str, name: str, password: str) -> Account:
    """Make a guest account for whoever asks. Raises AlreadyRegistered, WeakPassword, InvalidInput."""
    account = _new(email, name, password, Role.GUEST)
    with backends.transaction() as session:
        _add(session, account)
        audit.record(session, "account.registered", account.id, by=account)
    return account


def create(
    backends: Backends, email: str, name: str, password: str, role: Role, *, by: Account | None
) -> Account:
    """Make an account of any role. Admins only. Raises AlreadyRegistered, WeakPassword, InvalidInput."""
    access.require_role(by, Role.ADMIN)
    account = _new(email, name, password, role)
    with backends.transaction() as session:
        _add(session, account)
        audit.record(session, "account.created", account.id, by=by, role=role.value)
    return account


def first_admin_code(backends: Backends) -> str | None:
    """Return a code that makes one admin within a day, None when there is an admin. Older codes end."""
    with backends.transaction() as session:
        if _has_admin(session):
            return None
        session.execute(delete(OneTimeCode).where(col(OneTimeCode.purpose) == CodePurpose.FIRST_ADMIN))
        return codes.issue(backends, session, CodePurpose.FIRST_ADMIN, FIRST_ADMIN_TTL)


def register_first_admin(backends: Backends, code: str, email: str, name: str, password: str) -> Account:
    """Make the first admin. Raises CodeSpent, and what `register` raises; the code then still works."""
    account = _new(email, name, password, Role.ADMIN)
    with backends.transaction() as session:
        if _has_admin(session) or codes.redeem(backends, session, CodePurpose.FIRST_ADMIN, code) is None:
            raise CodeSpent
        _add(session, account)
        audit.record(session, "account.first_admin", account.id, by=account)
    return account


def _new(email: str, name: str, password: str, role: Role) -> Account:
    email, name = addresses.checked(email), _name(name)
    passwords.check_for(password, email, name)
    return Account(email=email, name=name, role=role, password_hash=passwords.hashed(password))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InvalidInput("A name has 1 to 100 characters.")
    return name


def _add(session: Session, account: Account) -> None:
    session.add(account)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyRegistered from error


def _has_admin(session: Session) -> bool:
    admins = select(Account.id).where(
        Account.role == Role.ADMIN, col(Account.is_active), ~col(Account.is_demo)
    )
    return session.exec(admins).first() is not None


def rename(backends: Backends, name: str, *, by: Account) -> Account:
    """Change one's own name. Raises InvalidInput."""
    name = _name(name)
    with backends.transaction() as session:
        account = _get(session, by.id)
        account.name = name
        audit.record(session, "account.renamed", by.id, by=by)
    return account


def change_password(backends: Backends, old: str, new: str, *, by: Account, keep: str = "") -> None:
    """Change one's own password; every session but the one whose token has the SHA-256 `keep` ends.

    Raises WrongPassword, LockedOut after too many of them, WeakPassword.
    """
    passwords.check_for(new, by.email, by.name)
    sessions.count_failure(backends, by.email)  # someone at an open screen may be guessing
    if not passwords.matches(old, by.password_hash):
        raise WrongPassword
    password_hash = passwords.hashed(new)
    with backends.transaction() as session:
        _get(session, by.id).password_hash = password_hash
        sessions.clear_failures(session, by.email)
        others = col(SignInSession.token_sha256) != keep
        sessions.revoke(backends, session, col(SignInSession.account_id) == by.id, others)
        audit.record(session, "account.password_changed", by.id, by=by)


BY_NAME = Order[Account]("accounts", (col(Account.name), col(Account.id)))


def everyone(
    backends: Backends, asked: Asked = paging.LONG, *, by: Account | None, text: str = ""
) -> Page[Account]:
    """Return the accounts whose name or address has the text in it, by name. Admins only."""
    access.require_role(by, Role.ADMIN)
    found = or_(
        col(Account.name).icontains(text.strip(), autoescape=True),
        col(Account.email).icontains(text.strip(), autoescape=True),
    )
    with backends.reading() as session:
        return paging.read(backends, session, select(Account).where(found), BY_NAME, asked)


def set_rights(
    backends: Backends,
    account_id: int,
    role: Role | None = None,
    is_active: bool | None = None,
    *,
    by: Account | None,
) -> Account:
    """Give an account another role, enable it, or disable it and end its sessions. Admins only.

    What is None stays. Raises NotFound, LastAdmin.
    """
    access.require_role(by, Role.ADMIN)
    with backends.transaction() as session:
        account = _get(session, account_id)
        if role not in (None, Role.ADMIN) or is_active is False:
            _require_another_admin(backends, session, account)
        if role is not None:
            _set_role(session, account, role, by)
        if is_active is not None:
            _set_active(backends, session, account, is_active, by)
    return account


def _set_role(session: Session, account: Account, role: Role, by: Account | None) -> None:
    before, account.role = account.role, role
    audit.record(session, "account.role_set", account.id, by=by, before=before.value, after=role.value)


def _set_active(
    backends: Backends, session: Session, account: Account, is_active: bool, by: Account | None
) -> None:
    if not is_active:
        sessions.revoke(backends, session, col(SignInSession.account_id) == account.id)
    account.is_active = is_active
    audit.record(session, "account.enabled" if is_active else "account.disabled", account.id, by=by)


def _get(session: Session, account_id: int | None) -> Account:
    account = session.get(Account, account_id) if account_id is not None else None
    if account is None:
        raise NoSuchAccount
    return account


def _require_another_admin(backends: Backends, session: Session, account: Account) -> None:
    if account.role is not Role.ADMIN or not account.is_active:
        return
    others = select(Account).where(
        Account.role == Role.ADMIN, col(Account.is_active), col(Account.id) != account.id
    )
    # Locked, so that two admins who demote each other at once do not both find the other.
    if not any(sessions.may_sign_in(backends, other) for other in session.exec(others.with_for_update())):
        raise LastAdmin
