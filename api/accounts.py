"""Accounts: making one, one's own, its keys; and for admins everybody's."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from api import callers, deps, routing
from api.schemas import Answer, Asked, Id, Moment, Page, Secret, Text, page
from api.schemas import Request as Sent
from core import accounts, keys, limits, paging, resets, sessions
from core.keys import KEY_SCOPES
from models.account import ApiKey, ApiScope, Role

router = routing.router("accounts")

Password = Annotated[Secret, Field(min_length=1, max_length=200)]
Email = Annotated[Text, Field(min_length=3, max_length=254)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]


class Account(Answer):
    """Somebody who signs in."""

    id: int
    email: str
    name: str
    role: Role
    is_active: bool
    created_at: Moment


class NewAccount(Sent):
    """What a new account needs. It begins as a guest's."""

    email: Email
    name: Name
    password: Password


class NewAccountOfRole(NewAccount):
    """What an admin says of a new account."""

    role: Role


class AccountChange(Sent):
    """What one changes of oneself."""

    name: Name


class AccountRights(Sent):
    """What an admin changes of an account; what is left out stays."""

    role: Role | None = None
    is_active: bool | None = None


class PasswordChange(Sent):
    """The password now, and the next one."""

    current: Password
    new: Password


class ResetRequest(Sent):
    """Whose password was forgotten."""

    email: Email


class Reset(Sent):
    """The code of the mail, and a new password."""

    code: Annotated[Text, Field(max_length=200)]
    password: Password


class Key(Answer):
    """A personal key, without its secret."""

    id: int
    name: str
    hint: str = Field(description="How the secret begins.")
    scopes: list[ApiScope]
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None = Field(description="To the hour.")


class NewKey(Sent):
    """What a key is for."""

    name: Annotated[Text, Field(min_length=1, max_length=80)]
    scopes: Annotated[list[ApiScope], Field(min_length=1, max_length=len(KEY_SCOPES))]
    expires_at: Moment | None = None


class KeyMade(Key):
    """A new key with its secret, which is shown this once."""

    secret: str


@router.post("/accounts", status_code=201, dependencies=routing.ONCE)
def create_account(request: Request, sent: NewAccount) -> Account:
    """Sign up. Whoever does is a guest until an admin or an organiser gives them a part."""
    limits.take(deps.backends(), limits.REGISTER, deps.client(request))
    made = accounts.register(deps.backends(), sent.email, sent.name, sent.password.get_secret_value())
    return Account.model_validate(made)


@router.get("/accounts")
def list_accounts(
    caller: callers.Owns, asked: Asked, text: Annotated[Text, Query(max_length=100)] = ""
) -> Page[Account]:
    """List the accounts whose name or address has the text in it, by name. Admins only."""
    found = accounts.everyone(deps.backends(), asked, by=caller.account, text=text)
    return page(found, Account.model_validate)


@router.post("/admin/accounts", status_code=201, dependencies=routing.ONCE)
def create_account_of_role(caller: callers.Owns, sent: NewAccountOfRole) -> Account:
    """Make an account of any role. Admins only."""
    password = sent.password.get_secret_value()
    made = accounts.create(deps.backends(), sent.email, sent.name, password, sent.role, by=caller.account)
    return Account.model_validate(made)


@router.patch("/accounts/{account_id}")
def change_account(caller: callers.Owns, account_id: Id, sent: AccountRights) -> Account:
    """Give an account another role, enable or disable it; disabling ends its sessions. Admins only."""
    changed = accounts.set_rights(deps.backends(), account_id, sent.role, sent.is_active, by=caller.account)
    return Account.model_validate(changed)


@router.get("/account")
@routing.quick
def get_own_account(caller: callers.Known) -> Account:
    """Return who is signed in."""
    return Account.model_validate(caller.account)


@router.patch("/account")
def change_own_account(caller: callers.Owns, sent: AccountChange) -> Account:
    """Change one's own name."""
    return Account.model_validate(accounts.rename(deps.backends(), sent.name, by=caller.account))


@router.put("/account/password", status_code=204)
def change_own_password(caller: callers.Owns, sent: PasswordChange) -> None:
    """Change one's own password; every other session ends."""
    current, new = sent.current.get_secret_value(), sent.new.get_secret_value()
    keep = caller.signed_in.session_sha256
    accounts.change_password(deps.backends(), current, new, by=caller.account, keep=keep)


@router.delete("/account/sessions", status_code=204)
def end_own_sessions(caller: callers.Owns) -> None:
    """Sign out everywhere: every session ends, this one too. Keys stay."""
    sessions.sign_out_everywhere(deps.backends(), caller.account)


@router.post("/password-resets", status_code=202, response_class=Response)
def ask_for_password_reset(request: Request, sent: ResetRequest) -> Response:
    """Mail a code to an account's address. The answer is the same for every address."""
    limits.take(deps.backends(), limits.REGISTER, deps.client(request))
    resets.request(deps.backends(), sent.email)
    return Response(status_code=202)


@router.post("/password-resets/redeem", status_code=204)
def reset_password(request: Request, sent: Reset) -> None:
    """Set a new password by the code of the mail; every session of the account ends."""
    limits.take(deps.backends(), limits.SIGN_IN, deps.client(request))
    resets.redeem(deps.backends(), sent.code, sent.password.get_secret_value())


@router.get("/account/keys")
def list_keys(caller: callers.Owns) -> Page[Key]:
    """List one's own keys, newest first."""
    return page(paging.whole(keys.mine(deps.backends(), by=caller.account)), Key.model_validate)


@router.post("/account/keys", status_code=201, dependencies=routing.ONCE)
def create_key(caller: callers.Owns, response: Response, sent: NewKey) -> KeyMade:
    """Make a key. Its secret is in this answer and nowhere else."""
    response.headers["Cache-Control"] = "no-store"
    key, secret = keys.create(deps.backends(), sent.name, sent.scopes, sent.expires_at, by=caller.account)
    return _with_secret(key, secret)


def _with_secret(key: ApiKey, secret: str) -> KeyMade:
    return KeyMade(secret=secret, **Key.model_validate(key).model_dump())


@router.delete("/account/keys/{key_id}", status_code=204)
def revoke_key(caller: callers.Owns, key_id: Id) -> None:
    """End a key at once."""
    keys.revoke(deps.backends(), key_id, by=caller.account)
