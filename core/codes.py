"""Codes that work once, until they expire, and only in the browser that holds the nonce."""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from core.backends import Backends
from core.errors import Forbidden
from core.signing import token_hash
from models.account import CodePurpose, OneTimeCode


class CodeSpent(Forbidden):
    """A one-time code was used, is too old, or belongs to another browser."""

    def __init__(self) -> None:
        super().__init__("This link was used already, or is too old. Start again.")


def issue(
    backends: Backends,
    session: Session,
    purpose: CodePurpose,
    ttl: timedelta,
    account_id: int | None = None,
    nonce: str | None = None,
) -> str:
    """Return a code; the row keeps its hash only. With a nonce it needs the same one to be redeemed."""
    code = secrets.token_urlsafe(32)
    row = OneTimeCode(
        code_sha256=token_hash(code),
        purpose=purpose,
        account_id=account_id,
        nonce_sha256=token_hash(nonce) if nonce is not None else None,
        expires_at=backends.now() + ttl,
    )
    session.execute(delete(OneTimeCode).where(col(OneTimeCode.expires_at) < backends.now()))
    session.add(row)
    return code


def find(backends: Backends, session: Session, purpose: CodePurpose, code: str) -> OneTimeCode | None:
    """Return the row of a code that could be redeemed now, without spending it."""
    return session.exec(select(OneTimeCode).where(*_good(backends, purpose, code, None))).first()


def redeem(
    backends: Backends, session: Session, purpose: CodePurpose, code: str, nonce: str | None = None
) -> OneTimeCode | None:
    """Spend a code and return its row, None when it is unknown, spent, too old or of another browser."""
    # One statement finds and spends the code: two requests at once cannot both have it.
    spending = update(OneTimeCode).where(*_good(backends, purpose, code, nonce))
    spent = spending.values(used_at=backends.now()).returning(OneTimeCode)
    return session.execute(spent).scalar_one_or_none()


def _good(
    backends: Backends, purpose: CodePurpose, code: str, nonce: str | None
) -> tuple[ColumnElement[bool], ...]:
    return (
        col(OneTimeCode.code_sha256) == token_hash(code),
        col(OneTimeCode.purpose) == purpose,
        col(OneTimeCode.nonce_sha256) == (token_hash(nonce) if nonce is not None else None),
        col(OneTimeCode.used_at).is_(None),
        col(OneTimeCode.expires_at) > backends.now(),
    )
