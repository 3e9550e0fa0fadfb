"""Programs that sign in for an account: short access tokens, and refresh tokens that are good once."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import jwt
from sqlalchemy import update
from sqlmodel import Session, col, select

from core import audit, passwords, sessions
from core.backends import Backends
from core.errors import SignInNeeded
from core.signing import token_hash
from models.account import Account, ApiScope, RefreshToken, SignInSession

ALL_SCOPES = frozenset(ApiScope)
_AUDIENCE, _ALGORITHM = "encore-api", "HS256"


@dataclass(frozen=True)
class Identity:
    """Who a program acts for, and how far."""

    account: Account
    scopes: frozenset[ApiScope]
    session_sha256: str = ""  # its session, or
    key_sha256: str = ""  # its key


@dataclass(frozen=True)
class Tokens:
    """What a program goes on with."""

    access_token: str
    refresh_token: str
    expires_in: timedelta  # of the access token
    scopes: frozenset[ApiScope]


class WrongCredentials(SignInNeeded):
    """No account has this address with this password."""

    def __init__(self) -> None:
        super().__init__("The address or the password is wrong.")


class TokenSpent(SignInNeeded):
    """A token is unknown, too old or used, or its session has ended."""

    def __init__(self) -> None:
        super().__init__("This token is no longer good. Sign in again, or use your refresh token.")


def sign_in(
    backends: Backends, email: str, password: str, scopes: Collection[ApiScope] = ALL_SCOPES
) -> Tokens:
    """Open a session for an address and a password. Raises WrongCredentials, LockedOut."""
    entry = sessions.credentials(backends, email)["usernames"][sessions.normal_name(email)]
    if not passwords.matches(password, entry["password"]):
        raise WrongCredentials
    nonce = secrets.token_urlsafe(32)
    code = sessions.start_sign_in(backends, entry["id"], nonce)
    session_sha256 = token_hash(sessions.finish_sign_in(backends, code, nonce))
    with backends.transaction() as session:
        return _issue(backends, session, session.get_one(SignInSession, session_sha256), scopes)


def refresh(backends: Backends, token: str) -> Tokens:
    """Return new tokens for a refresh token, which is then spent. Raises TokenSpent.

    One that comes a second time was stolen, or its thief was faster: the whole session ends.
    """
    now = backends.now()
    spending = (
        update(RefreshToken)
        .where(col(RefreshToken.token_sha256) == token_hash(token), col(RefreshToken.used_at).is_(None))
        .values(used_at=now)
        .returning(RefreshToken)
    )
    with backends.transaction() as session:
        spent = session.execute(spending).scalar_one_or_none()
        if spent is None:
            _end_family(backends, session, token)
        elif spent.expires_at > now:
            opened = session.get_one(SignInSession, spent.session_sha256)
            if opened.revoked_at is None and opened.expires_at > now:
                return _issue(backends, session, opened, [ApiScope(scope) for scope in spent.scopes])
    raise TokenSpent


def revoke(backends: Backends, token: str) -> None:
    """End the session of a refresh token; one that is not known is no error."""
    with backends.transaction() as session:
        _end_family(backends, session, token)


def _end_family(backends: Backends, session: Session, token: str) -> None:
    known = session.get(RefreshToken, token_hash(token))
    if known is not None:
        sessions.revoke(backends, session, col(SignInSession.token_sha256) == known.session_sha256)
        audit.record(session, "account.program_signed_out", known.session_sha256[:12], by=None)


def _issue(
    backends: Backends, session: Session, opened: SignInSession, scopes: Collection[ApiScope]
) -> Tokens:
    refresh_token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            token_sha256=token_hash(refresh_token),
            session_sha256=opened.token_sha256,
            scopes=sorted(scopes),
            created_at=backends.now(),
            expires_at=opened.expires_at,
        )
    )
    lasts = min(backends.settings.access_token_ttl, opened.expires_at - backends.now())
    return Tokens(_signed(backends, opened, scopes, lasts), refresh_token, lasts, frozenset(scopes))


def _signed(backends: Backends, opened: SignInSession, scopes: Collection[ApiScope], lasts: timedelta) -> str:
    now = backends.now()
    claims = {
        "aud": _AUDIENCE,
        "sub": str(opened.account_id),
        "sid": opened.token_sha256,  # the hash: it opens nothing by itself
        "scope": " ".join(sorted(scopes)),
        "iat": now,
        "exp": now + lasts,
    }
    return jwt.encode(claims, backends.signer.key("access-token"), _ALGORITHM)


def identify(backends: Backends, access_token: str) -> Identity:
    """Return who an access token speaks for, while its session lives. Raises TokenSpent."""
    try:
        claims = jwt.decode(
            access_token,
            backends.signer.key("access-token"),
            [_ALGORITHM],
            audience=_AUDIENCE,
            options={"require": ["exp", "sid", "scope"], "verify_exp": False, "verify_iat": False},
        )
        scopes = frozenset(ApiScope(scope) for scope in str(claims["scope"]).split())
        is_over = backends.now().timestamp() >= float(claims["exp"])
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenSpent from error
    if is_over:
        raise TokenSpent
    return Identity(by_session(backends, str(claims["sid"])), scopes, str(claims["sid"]))


def by_session(backends: Backends, session_sha256: str) -> Account:
    """Return whose session has this hash of its token, while it lives. Raises TokenSpent."""
    live = (
        select(Account)
        .join(SignInSession, col(SignInSession.account_id) == col(Account.id))
        .where(
            SignInSession.token_sha256 == session_sha256,
            col(SignInSession.revoked_at).is_(None),
            SignInSession.expires_at > backends.now(),
        )
    )
    with backends.reading() as session:
        account = session.exec(live).first()
    if account is None or not sessions.may_sign_in(backends, account):
        raise TokenSpent
    return account
