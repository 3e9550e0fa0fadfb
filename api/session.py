"""Where the session cookie is set and cleared: pages cannot set cookies that scripts do not see."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api import deps
from core import addresses, sessions
from core.codes import CodeSpent
from core.signing import token_hash


def local_path(address: str) -> str:
    """Return the address if it stays on this site, else the start page."""
    return address if addresses.is_local(address) else "/"


def login(request: Request) -> Response:
    """Turn a one-time code into a session, and go on to where the visitor was going."""
    target = local_path(request.query_params.get("next", "/"))
    try:
        token = sessions.finish_sign_in(
            deps.backends(),
            request.query_params.get("code", ""),
            request.cookies.get(sessions.NONCE_COOKIE, ""),
            visitor_key=_visitor_key(request),
            previous=request.cookies.get(sessions.SESSION_COOKIE, ""),
        )
    except CodeSpent:  # a person stands here: the form, with a sentence, serves better than JSON
        return _go(f"/sign_in?again=1&next={quote(target, safe='/')}")
    response = _go(target)
    settings = deps.backends().settings
    response.set_cookie(
        sessions.SESSION_COOKIE,
        token,
        max_age=int(settings.session_ttl.total_seconds()),
        secure=settings.is_https,
        httponly=True,
        samesite="lax",
    )
    return response


def logout(request: Request) -> Response:
    """End this browser's session."""
    deps.same_origin(request)
    sessions.sign_out(deps.backends(), request.cookies.get(sessions.SESSION_COOKIE, ""))
    return _without_cookie()


def ended(request: Request) -> Response:
    """Clear the cookie of a session that a page has ended. A live one stays: any site can link here."""
    return _go("/") if deps.account(request) is not None else _without_cookie()


def _visitor_key(request: Request) -> str:
    visitor = request.cookies.get(sessions.VISITOR_COOKIE, "")
    return token_hash(visitor) if visitor else ""


def _without_cookie() -> Response:
    response = _go("/")
    response.delete_cookie(
        sessions.SESSION_COOKIE, secure=deps.backends().settings.is_https, httponly=True, samesite="lax"
    )
    return response


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/session/login", deps.refusing(login), methods=["GET"]),
    Route("/session/logout", deps.refusing(logout), methods=["POST"]),
    Route("/session/ended", deps.refusing(ended), methods=["GET"]),
]
