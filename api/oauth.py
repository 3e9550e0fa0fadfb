"""Signing in as a program: OAuth2's password flow, refresh tokens, and the end of a session."""

from typing import Annotated, Literal

from fastapi import Form, Request, Response
from pydantic import ConfigDict, Field

from api import deps, routing
from api.schemas import Answer, Text
from api.schemas import Request as Sent
from core import limits, programs
from core.errors import InvalidInput
from core.programs import Tokens
from models.account import ApiScope

router = routing.router("sign in")


class TokenRequest(Sent):
    """What RFC 6749 sends: a name and a password, or a refresh token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"grant_type": "password", "username": "nok@example.org", "password": "seven green lanterns"},
                {"grant_type": "refresh_token", "refresh_token": "Vb0f7s1xkq3m"},
            ]
        }
    )

    grant_type: Literal["password", "refresh_token"] = Field(
        description="`password`: with `username` and `password`. `refresh_token`: with that only."
    )
    username: Text | None = Field(None, max_length=254, description="The address of the account.")
    password: Text | None = Field(None, max_length=200, description="The account's.")
    refresh_token: Text | None = Field(None, max_length=200, description="The one of the last answer.")
    scope: Text = Field("", max_length=400, description="Scopes with spaces between; none: all of them.")
    client_id: Text | None = Field(None, max_length=200, description="Taken, and not used.")
    client_secret: Text | None = Field(None, max_length=200, description="Taken, and not used.")


class TokenAnswer(Answer):
    """What a program goes on with."""

    access_token: str = Field(description="Sent as `Authorization: Bearer …`.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  (the name of a scheme)
    expires_in: int = Field(description="Seconds the access token lasts.")
    refresh_token: str = Field(description="Good once; the next one comes with the next access token.")
    scope: str = Field(description="What the token may do: scopes with spaces between.")


class Revocation(Sent):
    """What RFC 7009 sends."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "Vb0f7s1xkq3m"}]})

    token: Text = Field(max_length=200, description="The refresh token.")
    token_type_hint: Text | None = Field(None, max_length=40, description="Taken, and not used.")


@router.post("/oauth/token")
def sign_in(request: Request, response: Response, form: Annotated[TokenRequest, Form()]) -> TokenAnswer:
    """Sign in, or go on with a refresh token. One that comes a second time ends its session."""
    backends = deps.backends()
    response.headers["Cache-Control"] = "no-store"
    if form.grant_type == "refresh_token":  # which nobody can guess: no bucket but the address's own
        return _shown(programs.refresh(backends, form.refresh_token or ""))
    limits.take(backends, limits.SIGN_IN, deps.client(request))
    if not form.username or not form.password:
        raise InvalidInput("Send username and password.")
    return _shown(programs.sign_in(backends, form.username, form.password, _scopes(form.scope)))


@router.post("/oauth/revoke", status_code=204)
def sign_out(form: Annotated[Revocation, Form()]) -> None:
    """End the session of a refresh token, and with it its access tokens."""
    programs.revoke(deps.backends(), form.token)


def _shown(tokens: Tokens) -> TokenAnswer:
    return TokenAnswer(
        access_token=tokens.access_token,
        expires_in=int(tokens.expires_in.total_seconds()),
        refresh_token=tokens.refresh_token,
        scope=" ".join(sorted(tokens.scopes)),
    )


def _scopes(text: str) -> frozenset[ApiScope]:
    try:
        return frozenset(ApiScope(scope) for scope in text.split()) or programs.ALL_SCOPES
    except ValueError as error:
        known = ", ".join(sorted(programs.ALL_SCOPES))
        raise InvalidInput("There is no such scope. These are known: {known}.", known=known) from error
