"""Signing in: passwords checked under a lock-out, one-time codes, and the sessions they open."""

import math
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from core import activity, audit, codes, passwords
from core.access import Viewer
from core.backends import Backends
from core.codes import CodeSpent
from core.errors import Forbidden, InvalidInput, TooMany
from core.signing import token_hash
from models.account import Account, CodePurpose, FailedSignIn, SignInSession
from models.activity import ActivityKind

VISITOR_COOKIE = "encore_visitor"  # every browser has one: carts and opened share links belong to it
SESSION_COOKIE = "encore_session"  # who is signed in
NONCE_COOKIE = "encore_nonce"  # binds a sign-in code to the browser that asked for it

CODE_TTL = timedelta(seconds=60)
LOCK_OUT_AFTER = 5  # wrong passwords
LOCK_OUT_WINDOW = timedelta(minutes=15)


class LockedOut(TooMany):
    """Too many wrong passwords for one name, known or not."""

    def __init__(self, wait: timedelta) -> None:
        minutes = max(1, math.ceil(wait / timedelta(minutes=1)))
        super().__init__(
            "Too many wrong passwords for this address. Try again in {minutes} min.", minutes=minutes
        )
        self.retry_after = wait


class CookiesBlocked(InvalidInput):
    """The browser keeps no cookies."""

    def __init__(self) -> None:
        super().__init__("Your browser blocks cookies. Allow them for this site, then reload the page.")


def credentials(backends: Backends, email: str) -> dict[str, Any]:
    """Return what the sign-in form checks a password against: one entry, for the typed name only.

    A name that nobody may sign in with gets a hash that no password fits. The attempt counts as a
    failure from here on until `start_sign_in`, so guesses sent at once are counted too. Raises LockedOut.
    """
    name = normal_name(email)
    count_failure(backends, name)
    decoy = passwords.decoy()  # asked for every name, so that making it never tells one from another
    with backends.reading() as session:
        account = session.exec(select(Account).where(Account.email == name)).first()
    if account is None or not may_sign_in(backends, account):
        return {"usernames": {name: {"id": None, "email": name, "name": "", "password": decoy}}}
    entry = {"id": account.id, "email": name, "name": account.name, "password": account.password_hash}
    return {"usernames": {name: entry}}


def demo(backends: Backends) -> Sequence[Account]:
    """Return the accounts whose password is public, for the sign-in page; none unless on loopback."""
    if not backends.settings.is_loopback:
        return []
    with backends.reading() as session:
        query = select(Account).where(col(Account.is_demo), col(Account.is_active))
        return session.exec(query.order_by(col(Account.id))).all()


def start_sign_in(backends: Backends, account_id: int | None, nonce: str) -> str:
    """Return a code for `/session/login`, good once, for a minute, in the browser that holds the nonce.

    The caller has checked the password. Raises CookiesBlocked without a nonce, Forbidden for an
    account that may not sign in.
    """
    if not nonce:
        raise CookiesBlocked
    with backends.transaction() as session:
        account = session.get(Account, account_id) if account_id else None
        if account is None or not may_sign_in(backends, account):
            raise Forbidden("This account may not sign in. Ask an admin.")
        clear_failures(session, account.email)
        return codes.issue(backends, session, CodePurpose.SIGN_IN, CODE_TTL, account.id, nonce)


def finish_sign_in(
    backends: Backends, code: str, nonce: str, *, visitor_key: str = "", previous: str = ""
) -> str:
    """Return the token of a fresh session; this browser's `previous` one ends. Raises CodeSpent."""
    token = secrets.token_urlsafe(32)
    with backends.transaction() as session:
        redeemed = codes.redeem(backends, session, CodePurpose.SIGN_IN, code, nonce)
        account = session.get(Account, redeemed.account_id) if redeemed else None
        if account is None or not may_sign_in(backends, account):
            raise CodeSpent
        revoke(backends, session, col(SignInSession.token_sha256) == token_hash(previous))
        expires_at = backends.now() + backends.settings.session_ttl
        session.add(
            SignInSession(token_sha256=token_hash(token), account_id=account.id, expires_at=expires_at)
        )
        activity.record(session, ActivityKind.SIGN_IN, by=Viewer(visitor_key, account))
        audit.record(session, "account.signed_in", account.id, by=account)
    return token


def account_of(backends: Backends, token: str) -> Account | None:
    """Return who a session belongs to, None when it ended or its account may not sign in any more."""
    if not token:
        return None
    live = (
        select(Account)
        .join(SignInSession, col(SignInSession.account_id) == col(Account.id))
        .where(
            SignInSession.token_sha256 == token_hash(token),
            col(SignInSession.revoked_at).is_(None),
            SignInSession.expires_at > backends.now(),
        )
    )
    with backends.reading() as session:
        account = session.exec(live).first()
    return account if account is not None and may_sign_in(backends, account) else None


def viewer_of(backends: Backends, cookies: Mapping[str, str]) -> Viewer:
    """Return who looks, from a browser's cookies. Without the visitor cookie the visitor key is empty."""
    visitor = cookies.get(VISITOR_COOKIE, "")
    account = account_of(backends, cookies.get(SESSION_COOKIE, ""))
    return Viewer(visitor_key=token_hash(visitor) if visitor else "", account=account)


def sign_out(backends: Backends, token: str) -> None:
    """End one session; one that is not there is no error."""
    with backends.transaction() as session:
        revoke(backends, session, col(SignInSession.token_sha256) == token_hash(token))


def sign_out_everywhere(backends: Backends, account: Account) -> None:
    """End every session of the account."""
    with backends.transaction() as session:
        revoke(backends, session, col(SignInSession.account_id) == account.id)
        audit.record(session, "account.signed_out_everywhere", account.id, by=account)


def normal_name(email: str) -> str:
    """Return the name that failures are counted for: as the sign-in form makes it."""
    return email.strip().lower()


def may_sign_in(backends: Backends, account: Account) -> bool:
    """Tell whether the account is enabled; a demo account, whose password is public, on loopback only."""
    return account.is_active and (not account.is_demo or backends.settings.is_loopback)


def count_failure(backends: Backends, name: str) -> None:
    """Count one wrong password for a name. Raises LockedOut when there were too many already."""
    now, key = backends.now(), token_hash(name)
    with backends.transaction() as session:
        session.execute(delete(FailedSignIn).where(col(FailedSignIn.at) <= now - LOCK_OUT_WINDOW))
        query = select(FailedSignIn.at).where(FailedSignIn.email_sha256 == key)
        failures = session.exec(query.order_by(col(FailedSignIn.at))).all()
        if len(failures) >= LOCK_OUT_AFTER:
            raise LockedOut(failures[-LOCK_OUT_AFTER] + LOCK_OUT_WINDOW - now)
        session.add(FailedSignIn(email_sha256=key, at=now))


def clear_failures(session: Session, email: str) -> None:
    """Forget the wrong passwords of a name: the right one was given."""
    session.execute(delete(FailedSignIn).where(col(FailedSignIn.email_sha256) == token_hash(email)))


def revoke(backends: Backends, session: Session, *which: ColumnElement[bool]) -> None:
    """End the sessions that fit every condition."""
    open_ones = update(SignInSession).where(*which, col(SignInSession.revoked_at).is_(None))
    session.execute(open_ones.values(revoked_at=backends.now()))
