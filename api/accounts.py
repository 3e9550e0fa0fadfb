"""Accounts: making one, one's own, its keys; and for admins everybody's."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api import callers, deps, routing
from api.schemas import Answer, Asked, Id, Moment, Page, Secret, Text, page
from api.schemas import Request as Sent
from core import accounts, keys, limits, paging, resets, sessions
from core.keys import KEY_SCOPES
from models.account import ApiKey, ApiScope, Role

router = routing.router("accounts")

KeyId = Annotated[Id, Path(description="The key's id.")]
AccountId = Annotated[Id, Path(description="The account's id.")]
Password = Annotated[Secret, Field(min_length=1, max_length=200)]
NewPassword = Annotated[
    Secret,
    Field(
        min_length=1,
        max_length=200,
        description="At least 10 characters, at most 72 bytes, and nothing that would be guessed first.",
    ),
]
Email = Annotated[
    Text, Field(min_length=3, max_length=254, description="The account signs in with this address.")
]
Name = Annotated[Text, Field(min_length=1, max_length=100, description="As others read it.")]
ROLE = "What it may do on the whole platform; its parts in events come on top."
_PASSWORD = "seven green lanterns"  # noqa: S105  (an example)
_NEW: JsonDict = {"email": "nok@example.org", "name": "Nok Chaiyasit", "password": _PASSWORD}
_KEY: JsonDict = {"name": "Booth at the finish", "scopes": ["events:read", "photos:read", "search"]}


class Account(Answer):
    """Somebody who signs in."""

    id: int
    email: str = Field(description="In lower case.")
    name: str
    role: Role = Field(description=ROLE)
    is_active: bool = Field(description="It may sign in.")
    created_at: Moment = Field(description="In UTC.")


class NewAccount(Sent):
    """What a new account needs. It begins as a guest's."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NEW]})

    email: Email
    name: Name
    password: NewPassword


class NewAccountOfRole(NewAccount):
    """What an admin says of a new account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_NEW, "role": "photographer"}]})

    role: Role = Field(description=ROLE)


class AccountChange(Sent):
    """What one changes of oneself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Nok Chaiyasit"}]})

    name: Name


class AccountRights(Sent):
    """What an admin changes of an account; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "organiser"}]})

    role: Role | None = Field(None, description=ROLE)
    is_active: bool | None = Field(None, description="False: it may not sign in, and its sessions end.")


class PasswordChange(Sent):
    """The password now, and the next one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"current": _PASSWORD, "new": "nine white elephants"}]}
    )

    current: Password = Field(description="The password now.")
    new: NewPassword


class ResetRequest(Sent):
    """Whose password was forgotten."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "nok@example.org"}]})

    email: Email


class Reset(Sent):
    """The code of the mail, and a new password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "kq3mVb0f7s1x", "password": "nine white elephants"}]}
    )

    code: Annotated[
        Text, Field(max_length=200, description="From the address in the mail: good once, for an hour.")
    ]
    password: NewPassword


class Key(Answer):
    """A personal key, without its secret."""

    id: int
    name: str = Field(description="What it is for.")
    hint: str = Field(description="How the secret begins.")
    scopes: list[ApiScope] = Field(description="What it may do, as far as its account may.")
    created_at: Moment = Field(description="In UTC.")
    expires_at: Moment | None = Field(description="Good until then, in UTC; null: until it is revoked.")
    last_used_at: Moment | None = Field(description="In UTC, to the hour; null: never.")


class NewKey(Sent):
    """What a key is for."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    name: Annotated[Text, Field(min_length=1, max_length=80, description="What it is for.")]
    scopes: Annotated[
        list[ApiScope],
        Field(min_length=1, max_length=len(KEY_SCOPES), description="Any of them but `account`."),
    ]
    expires_at: Moment | None = Field(None, description="Good until then; null: until it is revoked.")


class KeyMade(Key):
    """A new key with its secret, which is shown this once."""

    secret: str = Field(description="Sent as X-API-Key.")


@router.post("/accounts", status_code=201, dependencies=routing.ONCE)
def create_account(request: Request, sent: NewAccount) -> Account:
    """Sign up. Whoever does is a guest until an admin or an organiser gives them a part."""
    limits.take(deps.backends(), limits.REGISTER, deps.client(request))
    made = accounts.register(deps.backends(), sent.email, sent.name, sent.password.get_secret_value())
    return Account.model_validate(made)


@router.get("/accounts")
def list_accounts(
    caller: callers.Owns,
    asked: Asked,
    text: Annotated[Text, Query(max_length=100, description="In the name or the address.")] = "",
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
def change_account(caller: callers.Owns, account_id: AccountId, sent: AccountRights) -> Account:
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
    """Make a key, of which an account has 25 at most. Its secret is in this answer and nowhere else."""
    response.headers["Cache-Control"] = "no-store"
    key, secret = keys.create(deps.backends(), sent.name, sent.scopes, sent.expires_at, by=caller.account)
    return _with_secret(key, secret)


def _with_secret(key: ApiKey, secret: str) -> KeyMade:
    return KeyMade(secret=secret, **Key.model_validate(key).model_dump())


@router.delete("/account/keys/{key_id}", status_code=204)
def revoke_key(caller: callers.Owns, key_id: KeyId) -> None:
    """End a key at once."""
    keys.revoke(deps.backends(), key_id, by=caller.account)
