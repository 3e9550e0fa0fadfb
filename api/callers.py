"""Who calls the API: an account by an access token or a key, and perhaps a visitor. Never by cookies.

What is needed of them is looked up in the thread of the route, with its other questions to the database.
"""

from functools import cached_property
from typing import Annotated

from fastapi import Security
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
from starlette.requests import HTTPConnection, Request

from api import deps
from core import keys, limits, programs
from core.access import Viewer
from core.errors import Forbidden, InvalidInput, SignInNeeded
from core.programs import Identity
from core.signing import token_hash
from models.account import Account, ApiScope

DESCRIPTIONS = {
    ApiScope.EVENTS_READ: "Read events, galleries, members and share links",
    ApiScope.EVENTS_WRITE: "Create and change them",
    ApiScope.PHOTOS_READ: "Read photos",
    ApiScope.PHOTOS_WRITE: "Upload, review and delete photos",
    ApiScope.SEARCH: "Search by selfie",
    ApiScope.SHOP: "Fill a cart, order, download",
    ApiScope.REPORTS: "Read statistics, jobs and the audit log; listen to what happens",
    ApiScope.WEBHOOKS: "Manage webhooks",
    ApiScope.ACCOUNT: "Manage one's account; admins: those of others",
}
LEAST_VISITOR = 32  # characters of a visitor's secret

_bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/oauth/token",
    refreshUrl="/api/v1/oauth/token",
    scopes={scope.value: text for scope, text in DESCRIPTIONS.items()},
    scheme_name="AccessToken",
    description="An access token: `Authorization: Bearer …`",
    auto_error=False,
)
_key = APIKeyHeader(
    name="X-API-Key", scheme_name="ApiKey", description="A personal API key.", auto_error=False
)
_visitor = APIKeyHeader(
    name="X-Visitor",
    scheme_name="Visitor",
    description="The secret of somebody without an account, from `POST /api/v1/visitors`.",
    auto_error=False,
)


class ScopeMissing(Forbidden):
    """The token or key may not do this, whatever its account may."""

    def __init__(self, scope: str) -> None:
        super().__init__("This needs the scope {scope}. Ask for a token or key that has it.", scope=scope)


class VisitorNeeded(InvalidInput):
    """Nobody to keep a cart or an opened link for."""

    def __init__(self) -> None:
        super().__init__("Send X-Visitor, which POST /api/v1/visitors gives you, or sign in.")


class Caller:
    """Who sent a request. Looked up once, when first asked for."""

    def __init__(
        self, connection: HTTPConnection, needed: list[str], token: str | None, key: str | None
    ) -> None:
        self._needed, self._token, self._key = needed, token, key
        self._visitor = connection.headers.get("x-visitor", "")
        self._authorization = connection.headers.get("authorization", "")
        self.address = deps.client(connection)

    @cached_property
    def identity(self) -> Identity | None:
        """Who is signed in, if anyone. Raises SignInNeeded, ScopeMissing, TooOften."""
        backends = deps.backends()
        if self._token is not None:
            found = programs.identify(backends, self._token)
        elif self._key is not None:
            found = keys.identify(backends, self._key)
        elif self._authorization:
            raise SignInNeeded("Send the access token as `Authorization: Bearer …`.")
        else:
            return None
        missing = [scope for scope in self._needed if scope not in found.scopes]
        if missing:
            raise ScopeMissing(missing[0])
        limits.take(backends, limits.ACCOUNT, found.account.id)
        return found

    @property
    def account(self) -> Account:
        """The account. Raises SignInNeeded."""
        return self.signed_in.account

    @property
    def signed_in(self) -> Identity:
        """The account and how far this program may act for it. Raises SignInNeeded."""
        if self.identity is None:
            raise SignInNeeded("Sign in to do this: send an access token or an API key.")
        return self.identity

    @cached_property
    def viewer(self) -> Viewer:
        """Who looks: nobody in particular, a visitor, or an account. Raises SignInNeeded, InvalidInput."""
        account = self.identity.account if self.identity else None
        if self._visitor and len(self._visitor) < LEAST_VISITOR:
            raise InvalidInput("X-Visitor is the secret that POST /api/v1/visitors gives you.")
        if self._visitor:
            return Viewer(token_hash(self._visitor), account)
        own = deps.backends().signer.sign("visitor-of-account", account.id) if account else ""
        return Viewer(token_hash(own) if own else "", account)

    @property
    def visitor(self) -> Viewer:
        """Somebody to keep a cart and opened links for. Raises VisitorNeeded."""
        if not self.viewer.visitor_key:
            raise VisitorNeeded
        return self.viewer


def of(connection: HTTPConnection, *needed: str) -> Caller:
    """Return who is at the other end, where FastAPI's own look at the headers does not reach."""
    given = connection.headers.get("authorization", "")
    scheme, _, token = given.partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return Caller(connection, list(needed), token if is_bearer else None, connection.headers.get("x-api-key"))


async def _member(
    request: Request,
    needed: SecurityScopes,
    token: Annotated[str | None, Security(_bearer)],
    key: Annotated[str | None, Security(_key)],
) -> Caller:
    return Caller(request, needed.scopes, token, key)


async def _anyone(
    request: Request,
    needed: SecurityScopes,
    token: Annotated[str | None, Security(_bearer)],
    key: Annotated[str | None, Security(_key)],
    _: Annotated[str | None, Security(_visitor)],
) -> Caller:
    return Caller(request, needed.scopes, token, key)


# For any token or key.
Known = Annotated[Caller, Security(_member, scopes=[])]
# For routes that need an account (`caller.account`), by what the token or key must be good for.
ReadsEvents = Annotated[Caller, Security(_member, scopes=[ApiScope.EVENTS_READ])]
WritesEvents = Annotated[Caller, Security(_member, scopes=[ApiScope.EVENTS_WRITE])]
ReadsPhotos = Annotated[Caller, Security(_member, scopes=[ApiScope.PHOTOS_READ])]
WritesPhotos = Annotated[Caller, Security(_member, scopes=[ApiScope.PHOTOS_WRITE])]
Reports = Annotated[Caller, Security(_member, scopes=[ApiScope.REPORTS])]
Hooks = Annotated[Caller, Security(_member, scopes=[ApiScope.WEBHOOKS])]
Owns = Annotated[Caller, Security(_member, scopes=[ApiScope.ACCOUNT])]
# For routes that visitors use as well (`caller.viewer`, `caller.visitor`).
SeesEvents = Annotated[Caller, Security(_anyone, scopes=[ApiScope.EVENTS_READ])]
SeesPhotos = Annotated[Caller, Security(_anyone, scopes=[ApiScope.PHOTOS_READ])]
Searches = Annotated[Caller, Security(_anyone, scopes=[ApiScope.SEARCH])]
Shops = Annotated[Caller, Security(_anyone, scopes=[ApiScope.SHOP])]
# `openapi_extra` of those of them that nobody in particular may use, too.
OPEN: dict[str, list[dict[str, list[str]]]] = {"security": [{}]}
