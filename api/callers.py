"""Who calls the API: an account by an access token or a key, and perhaps a visitor. Never by cookies.

What is needed of them is looked up in the thread of the route, with its other questions to the database.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

from starlette.requests import HTTPConnection

from api import deps
from core import keys, limits, programs
from core.access import Viewer
from core.errors import Forbidden, InvalidInput, SignInNeeded
from core.programs import Identity
from core.signing import token_hash
from models.account import Account, ApiScope

DESCRIPTIONS = {
    ApiScope.EVENTS_READ: "Read events, galleries, members, share links, prices and coupons",
    ApiScope.EVENTS_WRITE: "Create and change them",
    ApiScope.PHOTOS_READ: "Read photos",
    ApiScope.PHOTOS_WRITE: "Upload, review and delete photos",
    ApiScope.SEARCH: "Search by selfie",
    ApiScope.SHOP: "Fill a cart, order, download",
    ApiScope.REPORTS: "Read statistics, jobs and the audit log; listen to what happens",
    ApiScope.SALES: "Orders of one's events: read, refund, send links again; earnings, payouts",
    ApiScope.WEBHOOKS: "Manage webhooks",
    ApiScope.ACCOUNT: "Manage one's account; admins: those of others, payouts, money that is put aside",
}
LEAST_VISITOR = 32  # characters of a visitor's secret

TOKENS = "/api/v1/oauth/token"
# The ways in, as the document has them; `Needs` knows which ones a route takes.
SCHEMES = {
    "AccessToken": {
        "type": "oauth2",
        "description": "An access token: `Authorization: Bearer …`",
        "flows": {
            "password": {
                "tokenUrl": TOKENS,
                "refreshUrl": TOKENS,
                "scopes": {scope.value: text for scope, text in DESCRIPTIONS.items()},
            }
        },
    },
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A personal key."},
    "Visitor": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Visitor",
        "description": "The secret of somebody without an account, from `POST /api/v1/visitors`.",
    },
}


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

    def __init__(self, connection: HTTPConnection, needed: Sequence[ApiScope]) -> None:
        self._connection, self._needed = connection, needed

    @property
    def address(self) -> str:
        """Where the request comes from, "" when that is not known."""
        return deps.client(self._connection)

    @property
    def has_key(self) -> bool:
        """Whether a personal key was sent."""
        return "x-api-key" in self._connection.headers

    @cached_property
    def identity(self) -> Identity | None:
        """Who is signed in, if anyone. Raises SignInNeeded, ScopeMissing, TooOften."""
        found = self._proven()
        if found is None:
            return None
        missing = [scope for scope in self._needed if scope not in found.scopes]
        if missing:
            raise ScopeMissing(missing[0])
        limits.take(deps.backends(), limits.ACCOUNT, found.account.id)
        return found

    def _proven(self) -> Identity | None:
        headers = self._connection.headers
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return programs.identify(deps.backends(), token.strip())
        if scheme:
            raise SignInNeeded("Send the access token as `Authorization: Bearer …`.")
        key = headers.get("x-api-key")
        return None if key is None else keys.identify(deps.backends(), key)

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
        secret = self._connection.headers.get("x-visitor", "")
        if secret and len(secret) < LEAST_VISITOR:
            raise InvalidInput("X-Visitor is the secret that POST /api/v1/visitors gives you.")
        if not secret and account is not None:
            secret = deps.backends().signer.sign("visitor-of-account", account.id)
        return Viewer(token_hash(secret) if secret else "", account)

    @property
    def visitor(self) -> Viewer:
        """Somebody to keep a cart and opened links for. Raises VisitorNeeded."""
        if not self.viewer.visitor_key:
            raise VisitorNeeded
        return self.viewer


class Needs:
    """What a route needs of its caller: marks the parameter that `routing.Route` hands the caller to."""

    def __init__(self, *scopes: ApiScope, takes_visitors: bool = False) -> None:
        self.scopes, self.takes_visitors = scopes, takes_visitors

    def security(self) -> list[dict[str, list[str]]]:
        """Return the ways in, as the document says them."""
        keyed: list[dict[str, list[str]]] = [{"AccessToken": list(self.scopes)}, {"ApiKey": []}]
        return [*keyed, {"Visitor": []}] if self.takes_visitors else keyed


# For any token or key.
Known = Annotated[Caller, Needs()]
# For routes that need an account (`caller.account`), by what the token or key must be good for.
ReadsEvents = Annotated[Caller, Needs(ApiScope.EVENTS_READ)]
WritesEvents = Annotated[Caller, Needs(ApiScope.EVENTS_WRITE)]
ReadsPhotos = Annotated[Caller, Needs(ApiScope.PHOTOS_READ)]
WritesPhotos = Annotated[Caller, Needs(ApiScope.PHOTOS_WRITE)]
Reports = Annotated[Caller, Needs(ApiScope.REPORTS)]
Sells = Annotated[Caller, Needs(ApiScope.SALES)]
Hooks = Annotated[Caller, Needs(ApiScope.WEBHOOKS)]
Owns = Annotated[Caller, Needs(ApiScope.ACCOUNT)]
# For routes that visitors use as well (`caller.viewer`, `caller.visitor`).
SeesEvents = Annotated[Caller, Needs(ApiScope.EVENTS_READ, takes_visitors=True)]
SeesPhotos = Annotated[Caller, Needs(ApiScope.PHOTOS_READ, takes_visitors=True)]
Searches = Annotated[Caller, Needs(ApiScope.SEARCH, takes_visitors=True)]
Shops = Annotated[Caller, Needs(ApiScope.SHOP, takes_visitors=True)]
# `openapi_extra` of those of them that nobody in particular may use, too.
OPEN: dict[str, list[dict[str, list[str]]]] = {"security": [{}]}
