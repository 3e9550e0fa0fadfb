"""Setting and clearing the session cookie, and the checks every route shares."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from api import deps, middleware, session
from core import accounts, sessions
from core.backends import Backends
from core.errors import Conflict, NotFound
from core.settings import Settings
from core.signing import token_hash
from models.account import Account, Role
from tests.makers import make_account

NONCE = "the nonce of this browser"
HOST = "http://localhost:8501"


@deps.refusing
async def taken(_: Request) -> PlainTextResponse:
    raise Conflict("Seat {seat} is taken.", seat=7)


@deps.refusing
def gone(_: Request) -> PlainTextResponse:
    raise NotFound("There is no such thing.")


@deps.refusing
def broken(_: Request) -> PlainTextResponse:
    raise ZeroDivisionError("secret detail")


@deps.refusing
def guarded(request: Request) -> PlainTextResponse:
    deps.same_origin(request, request.query_params.get("header"))
    return PlainTextResponse("done")


@deps.refusing
def who(request: Request) -> PlainTextResponse:
    viewer, account = deps.viewer(request), deps.account(request)
    return PlainTextResponse(f"{viewer.visitor_key} {viewer.account_id} {account.id if account else None}")


ROUTES = [
    Route("/taken", taken),
    Route("/gone", gone),
    Route("/broken", broken),
    Route("/guarded", guarded, methods=["POST"]),
    Route("/who", who),
]


@pytest.fixture
def client(backends: Backends) -> TestClient:
    """A browser that has its nonce and visitor cookies, on the machine of the site."""
    return browser(backends.settings)


@pytest.fixture
def visitor(backends: Backends) -> TestClient:
    """The same browser at a site that was told its public address, and answers to other names too."""
    return browser(Settings(_env_file=None, public_url="http://photos.example.org"))


def browser(settings: Settings) -> TestClient:
    site = Starlette(
        routes=[*session.ROUTES, *ROUTES],
        middleware=middleware.stack(settings),
        exception_handlers={Exception: deps.bug},
    )
    cookies = {sessions.NONCE_COOKIE: NONCE, sessions.VISITOR_COOKIE: "visitor"}
    return TestClient(
        site, base_url=HOST, cookies=cookies, follow_redirects=False, raise_server_exceptions=False
    )


def sign_in(client: TestClient, backends: Backends, account: Account, **query: str):
    code = sessions.start_sign_in(backends, account.id, NONCE)
    return client.get("/session/login", params={"code": code} | query)


def speak_https(backends: Backends) -> None:
    backends.settings = backends.settings.model_copy(update={"public_url": "https://photos.example.org"})


# --- signing in ----------------------------------------------------------------------------


def test_a_code_becomes_a_session_cookie_that_scripts_cannot_read(backends, client):
    account = make_account(backends)

    response = sign_in(client, backends, account, next="/gallery?event=7")

    assert (response.status_code, response.headers["location"]) == (303, "/gallery?event=7")
    token = response.cookies[sessions.SESSION_COOKIE]
    assert len(token) >= 43  # 256 bits
    assert response.headers["set-cookie"] == (
        f"{sessions.SESSION_COOKIE}={token}; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax"
    )
    assert response.headers["cache-control"] == "no-store"
    assert client.get("/who").text == f"{token_hash('visitor')} {account.id} {account.id}"


def test_the_session_cookie_is_secure_over_https(backends, client):
    account = make_account(backends)
    speak_https(backends)

    response = sign_in(client, backends, account)

    assert response.headers["set-cookie"].endswith("; Secure")


def test_a_session_planted_before_sign_in_is_not_the_one_after(backends, client):
    attacker, victim = make_account(backends), make_account(backends)
    sign_in(client, backends, attacker)
    planted = client.cookies[sessions.SESSION_COOKIE]

    sign_in(client, backends, victim)

    assert client.cookies[sessions.SESSION_COOKIE] != planted
    assert sessions.account_of(backends, planted) is None


@pytest.mark.parametrize("cookies", [{}, {sessions.NONCE_COOKIE: "another browser's"}])
def test_a_code_sent_to_another_browser_signs_nobody_in(backends, client, cookies):
    code = sessions.start_sign_in(backends, make_account(backends).id, NONCE)
    client.cookies = cookies

    response = client.get("/session/login", params={"code": code, "next": "/cart"})

    assert (response.status_code, response.headers["location"]) == (303, "/sign_in?again=1&next=/cart")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("code", ["", "invented"])
def test_a_code_that_is_none_signs_nobody_in(client, code):
    response = client.get("/session/login", params={"code": code, "next": "//evil.example"})

    assert response.headers["location"] == "/sign_in?again=1&next=/"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("target", ["/", "/gallery", "/gallery?share=a.b-c_d&x=%2F", "/a//b", "/gallery#top"])
def test_a_visitor_goes_on_to_any_page_of_this_site(target):
    assert session.local_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "gallery",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/gallery\\..\\evil",
        "https://evil.example",
        "HTTPS:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        " //evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/gallery\r\nSet-Cookie: a=b",
        "/gallery\n",
        "/\x00",
        "/a b",
        "/\x85",
        "http:/evil.example",
        "?next=/",
        "@evil.example",
    ],
)
def test_a_visitor_is_never_sent_to_another_site(backends, client, target):
    response = sign_in(client, backends, make_account(backends), next=target)

    assert response.headers["location"] == "/"


# --- signing out ---------------------------------------------------------------------------


def test_signing_out_ends_the_session_and_clears_the_cookie(backends, client):
    token = sign_in(client, backends, make_account(backends)).cookies[sessions.SESSION_COOKIE]

    response = client.post("/session/logout", headers={"Origin": HOST})

    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert sessions.SESSION_COOKIE not in client.cookies
    assert sessions.account_of(backends, token) is None


def test_another_site_cannot_sign_anyone_out(backends, visitor):
    account = make_account(backends)
    token = sign_in(visitor, backends, account).cookies[sessions.SESSION_COOKIE]

    posted = visitor.post("/session/logout", headers={"Origin": "https://evil.example"})
    linked = visitor.get("/session/ended")
    got = visitor.get("/session/logout")

    assert (posted.status_code, got.status_code) == (403, 405)
    assert "set-cookie" not in linked.headers
    assert sessions.account_of(backends, token) == account


def test_the_cookie_of_an_ended_session_is_cleared(backends, client):
    token = sign_in(client, backends, make_account(backends)).cookies[sessions.SESSION_COOKIE]
    sessions.sign_out(backends, token)

    response = client.get("/session/ended")

    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert sessions.SESSION_COOKIE not in client.cookies


def test_a_disabled_account_is_nobody_at_the_next_request(backends, client):
    admin, account = make_account(backends, Role.ADMIN), make_account(backends)
    sign_in(client, backends, account)

    accounts.set_rights(backends, account.id, is_active=False, by=admin)

    assert client.get("/who").text == f"{token_hash('visitor')} None None"


# --- what every route shares ---------------------------------------------------------------


def test_a_refusal_has_one_shape(client):
    for path, error, message, status_code in (
        ("/taken", "Conflict", "Seat 7 is taken.", 409),
        ("/gone", "NotFound", "There is no such thing.", 404),
    ):
        response = client.get(path)

        assert response.status_code == status_code
        assert response.json() == {
            "error": error,
            "message": message,
            "status_code": status_code,
            "request_id": response.headers["x-request-id"],
        }


def test_a_bug_tells_the_visitor_nothing_of_itself(client):
    response = client.get("/broken")

    assert response.status_code == 500
    assert response.json()["error"] == "InternalError"
    assert "secret detail" not in response.text


@pytest.mark.parametrize(
    ("headers", "status_code"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": HOST}, 200),
        ({"Origin": HOST}, 200),
        ({"Origin": "http://192.168.1.5:8501", "Host": "192.168.1.5:8501"}, 200),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "http://localhost:8501.evil.example"}, 403),
        ({"Origin": "ftp://localhost:8501"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": HOST}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HOST}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
    ],
)
def test_only_pages_of_this_site_change_anything(visitor, headers, status_code):
    assert visitor.post("/guarded", headers=headers).status_code == status_code


def test_behind_a_proxy_the_public_address_counts(backends, visitor):
    speak_https(backends)

    ours = visitor.post("/guarded", headers={"Origin": "https://photos.example.org"})
    theirs = visitor.post("/guarded", headers={"Origin": "https://evil.example"})

    assert (ours.status_code, theirs.status_code) == (200, 403)


def test_a_form_cannot_send_the_header_a_script_must_send(client):
    address, ours = "/guarded?header=X-Encore", {"Sec-Fetch-Site": "same-origin"}

    assert client.post(address, headers=ours).status_code == 403
    assert client.post(address, headers=ours | {"X-Encore": "1"}).status_code == 200


def test_a_browser_without_cookies_is_a_viewer_without_a_key(client):
    client.cookies = {}

    assert client.get("/who").text == " None None"
