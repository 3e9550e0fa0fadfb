"""Who signs in, with what session, and the codes that are good once."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, choice, utc_now


class Role(StrEnum):
    """What an account may be on the whole platform. Its part in one event is `MemberRole`."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    PHOTOGRAPHER = "photographer"
    ANALYST = "analyst"
    GUEST = "guest"


class Account(SQLModel, table=True):
    """A person who signs in."""

    id: int = Field(default=None, primary_key=True)  # set by the database
    email: str = Field(unique=True, max_length=254)  # lower case
    name: str = Field(max_length=100)
    password_hash: str  # bcrypt
    role: Role = Field(default=Role.GUEST, sa_type=choice(Role))
    is_active: bool = True
    is_demo: bool = False  # its password is public: it signs in on loopback only
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)


class SignInSession(SQLModel, table=True):
    """One signed-in browser. The cookie holds the token, the row only its hash."""

    __tablename__ = "sign_in_session"

    token_sha256: str = Field(primary_key=True, max_length=64)
    account_id: int = Field(foreign_key="account.id", index=True, ondelete="CASCADE")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    expires_at: datetime = Field(sa_type=UTC_TIME)
    revoked_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class ApiScope(StrEnum):
    """What a program may ask for; the account's own role and parts decide whether it gets it."""

    EVENTS_READ = "events:read"  # events, galleries, members, share links
    EVENTS_WRITE = "events:write"
    PHOTOS_READ = "photos:read"
    PHOTOS_WRITE = "photos:write"  # upload, review, delete
    SEARCH = "search"
    SHOP = "shop"  # cart, orders, downloads
    REPORTS = "reports"  # statistics, jobs, audit, what happens live
    SALES = "sales"  # organisers' orders, refunds, links sent again; what people earn and are paid
    WEBHOOKS = "webhooks"
    ACCOUNT = "account"  # password, keys, and for admins the accounts of others: never a key's


class RefreshToken(SQLModel, table=True):
    """What a program's session goes on with: good once, and then another takes its place."""

    __tablename__ = "refresh_token"

    token_sha256: str = Field(primary_key=True, max_length=64)
    session_sha256: str = Field(
        foreign_key="sign_in_session.token_sha256", index=True, max_length=64, ondelete="CASCADE"
    )
    scopes: list[str] = Field(default_factory=list, sa_type=JSON)  # of ApiScope
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    expires_at: datetime = Field(sa_type=UTC_TIME)
    used_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class ApiKey(SQLModel, table=True):
    """A program's own way in for an account, with a part of its rights. The row keeps a hash only."""

    __tablename__ = "api_key"

    id: int = Field(default=None, primary_key=True)  # set by the database
    account_id: int = Field(foreign_key="account.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=80)
    hint: str = Field(max_length=12)  # how the key begins, to tell keys apart
    key_sha256: str = Field(unique=True, max_length=64)
    scopes: list[str] = Field(default_factory=list, sa_type=JSON)  # of ApiScope
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    expires_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    last_used_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    revoked_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class CodePurpose(StrEnum):
    """What a one-time code opens."""

    SIGN_IN = "sign_in"
    FIRST_ADMIN = "first_admin"
    PASSWORD_RESET = "password_reset"  # noqa: S105


class OneTimeCode(SQLModel, table=True):
    """A code that works once, until it expires, and only in the browser that holds the nonce."""

    __tablename__ = "one_time_code"

    code_sha256: str = Field(primary_key=True, max_length=64)
    purpose: CodePurpose = Field(sa_type=choice(CodePurpose))
    account_id: int | None = Field(default=None, foreign_key="account.id", ondelete="CASCADE")
    nonce_sha256: str | None = Field(default=None, max_length=64)
    expires_at: datetime = Field(sa_type=UTC_TIME)
    used_at: datetime | None = Field(default=None, sa_type=UTC_TIME)


class FailedSignIn(SQLModel, table=True):
    """One wrong password, counted towards the lock-out of a name."""

    __tablename__ = "failed_sign_in"

    id: int = Field(default=None, primary_key=True)  # set by the database
    email_sha256: str = Field(index=True, max_length=64)
    at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
