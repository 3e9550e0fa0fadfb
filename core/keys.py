"""Personal keys of programs: shown once, kept as a hash, with a part of their account's rights."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, func, select

from core import access, audit, sessions
from core.backends import Backends
from core.errors import Conflict, InvalidInput, NotFound
from core.programs import ALL_SCOPES, Identity, TokenSpent
from core.signing import token_hash
from models.account import Account, ApiKey, ApiScope

PREFIX = "ek_"  # lets scanners of leaked secrets know one
MOST = 25  # living keys of one account
NOTED_EVERY = timedelta(hours=1)  # when a key was last used is not worth a write for each call
KEY_SCOPES = ALL_SCOPES - {ApiScope.ACCOUNT}


class NoSuchKey(NotFound):
    """The account has no such key."""

    def __init__(self) -> None:
        super().__init__("You have no such key.")


def create(
    backends: Backends,
    name: str,
    scopes: Collection[ApiScope],
    expires_at: datetime | None = None,
    *,
    by: Account | None,
) -> tuple[ApiKey, str]:
    """Make a key; return it with its secret, which nobody can read again. Raises InvalidInput, Conflict."""
    account = access.signed_in(by)
    _check(backends, name, scopes, expires_at)
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        account_id=account.id,
        name=name.strip(),
        hint=secret[:8],
        key_sha256=token_hash(secret),
        scopes=sorted(set(scopes)),
        created_at=backends.now(),
        expires_at=expires_at,
    )
    with backends.transaction() as session:
        living = select(func.count()).where(ApiKey.account_id == account.id, col(ApiKey.revoked_at).is_(None))
        if session.exec(living).one() >= MOST:
            raise Conflict("An account has {most} keys at most. Revoke one first.", most=MOST)
        session.add(key)
        session.flush()
        audit.record(session, "key.create", key.id, by=account, scopes=key.scopes)
    return key, secret


def _check(backends: Backends, name: str, scopes: Collection[ApiScope], expires_at: datetime | None) -> None:
    if not 0 < len(name.strip()) <= 80:
        raise InvalidInput("Say what the key is for, in at most 80 characters.")
    if not scopes or not KEY_SCOPES.issuperset(scopes):
        raise InvalidInput("Choose what the key may do. Accounts are managed by signing in, never by a key.")
    if expires_at is not None and expires_at <= backends.now():
        raise InvalidInput("The key would have expired already. Choose a later day.")


def mine(backends: Backends, *, by: Account | None) -> Sequence[ApiKey]:
    """Return one's own keys that were not revoked, newest first."""
    account = access.signed_in(by)
    with backends.reading() as session:
        query = select(ApiKey).where(ApiKey.account_id == account.id, col(ApiKey.revoked_at).is_(None))
        return session.exec(query.order_by(col(ApiKey.id).desc())).all()


def revoke(backends: Backends, key_id: int, *, by: Account | None) -> None:
    """End one of one's own keys. Raises NoSuchKey."""
    account = access.signed_in(by)
    with backends.transaction() as session:
        key = session.get(ApiKey, key_id)
        if key is None or key.account_id != account.id:
            raise NoSuchKey
        if key.revoked_at is None:
            key.revoked_at = backends.now()
            audit.record(session, "key.revoke", key.id, by=account)


def identify(backends: Backends, secret: str) -> Identity:
    """Return who a key speaks for. Raises TokenSpent, whatever is wrong with it."""
    return by_hash(backends, token_hash(secret))


def by_hash(backends: Backends, key_sha256: str) -> Identity:
    """Return who the key of this hash speaks for now. Raises TokenSpent."""
    with backends.reading() as session:
        found = session.exec(
            select(ApiKey, Account)
            .join(Account, col(Account.id) == col(ApiKey.account_id))
            .where(ApiKey.key_sha256 == key_sha256, col(ApiKey.revoked_at).is_(None))
        ).first()
    if found is None:
        raise TokenSpent
    key, account = found
    if not sessions.may_sign_in(backends, account) or not _lasts(backends, key):
        raise TokenSpent
    _note_use(backends, key)
    return Identity(account, frozenset(ApiScope(scope) for scope in key.scopes), key_sha256=key_sha256)


def _lasts(backends: Backends, key: ApiKey) -> bool:
    return key.expires_at is None or backends.now() < key.expires_at


def _note_use(backends: Backends, key: ApiKey) -> None:
    now = backends.now()
    if key.last_used_at is None or now - key.last_used_at > NOTED_EVERY:
        with backends.transaction() as session:
            session.get_one(ApiKey, key.id).last_used_at = now
