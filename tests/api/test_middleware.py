"""What is wrapped around every answer: ids, security headers, the cookies every browser gets."""

import base64
import hashlib
import re
from http.cookies import SimpleCookie

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from api import document, middleware
from core.sessions import NONCE_COOKIE, VISITOR_COOKIE
from core.settings import Settings

SOCKET = "ws://localhost:8501/socket"
HTML = {"Accept": "text/html,application/xhtml+xml"}


def what_arrives(request: Request) -> JSONResponse:
    bound = structlog.contextvars.get_contextvars()
    return JSONResponse(
        {"cookies": request.cookies, "state": request.state.request_id, "log": bound.get("request_id")}
    )


async def own_headers(_: Request) -> PlainTextResponse:
    return PlainTextResponse("", headers={"Content-Security-Policy": "sandbox"})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(
        {"cookies": websocket.cookies, "state": sorted(websocket.scope.get("state", {}))}
    )
    await websocket.close()


def make_client(public_url: str = "http://localhost:8501") -> TestClient:
    routes = [Route("/", what_arrives), Route("/own", own_headers), WebSocketRoute("/socket", echo)]
    settings = Settings(_env_file=None, public_url=public_url)
    return TestClient(Starlette(routes=routes, middleware=middleware.stack(settings)), base_url=public_url)


def cookies_set(response) -> dict[str, dict[str, object]]:
    found = {}
    for header in response.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(header).items():
            found[name] = {key: value for key, value in morsel.items() if value}
    return found


def test_a_browser_gets_its_cookies_with_the_first_page_and_that_request_sees_them():
    response = make_client().get("/", headers=HTML)

    assert cookies_set(response) == {
        VISITOR_COOKIE: {"path": "/", "max-age": "31536000", "httponly": True, "samesite": "Lax"},
        NONCE_COOKIE: {"path": "/", "httponly": True, "samesite": "Lax"},
    }
    assert response.json()["cookies"] == dict(response.cookies)
    assert all(len(value) >= 43 for value in response.cookies.values())  # 256 bits
    assert response.headers["cache-control"] == "no-store"


def test_the_cookies_are_secure_over_https():
    response = make_client("https://photos.example.org").get("/", headers=HTML)

    assert all(flags["secure"] for flags in cookies_set(response).values())


def test_no_two_browsers_get_the_same_cookies():
    first, second = (make_client().get("/", headers=HTML).cookies for _ in range(2))

    assert not set(first.values()) & set(second.values())


def test_a_browser_keeps_the_cookies_it_has():
    client = make_client()
    first = client.get("/", headers=HTML)

    second = client.get("/", headers=HTML)

    assert "set-cookie" not in second.headers
    assert second.json()["cookies"] == dict(first.cookies)


def test_only_what_is_missing_is_given_and_other_cookies_stay():
    headers = HTML | {"Cookie": f"theme=dark; {VISITOR_COOKIE}=mine"}

    response = make_client().get("/", headers=headers)

    assert set(cookies_set(response)) == {NONCE_COOKIE}
    expected = {"theme": "dark", VISITOR_COOKIE: "mine", NONCE_COOKIE: response.cookies[NONCE_COOKIE]}
    assert response.json()["cookies"] == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*"},
        {"Accept": "image/avif,image/webp"},
        HTML | {"Sec-Fetch-Dest": "iframe"},
        {"Accept": ""},
    ],
)
def test_what_is_no_page_sets_no_cookies(headers):
    response = make_client().get("/", headers=headers)

    assert "set-cookie" not in response.headers
    assert "cache-control" not in response.headers


@pytest.mark.parametrize("path", ["/", "/own", "/nowhere"])
def test_every_answer_carries_the_security_headers(path):
    headers = make_client().get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=(self)" in headers["permissions-policy"]
    assert "microphone=()" in headers["permissions-policy"]
    assert headers["content-security-policy"]


def test_no_foreign_script_runs_and_no_foreign_page_frames_us():
    policy = make_client().get("/").headers["content-security-policy"]

    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'self'"
    assert "'unsafe-inline'" not in rules["script-src"]
    assert "'unsafe-eval'" not in rules["script-src"]
    assert "http" not in policy
    assert rules["frame-ancestors"] == "'none'"
    assert rules["object-src"] == "'none'"
    assert rules["base-uri"] == "'self'"


def test_the_only_inline_scripts_that_run_are_the_documents_own():
    policy = make_client().get("/").headers["content-security-policy"]

    inline = re.findall(r"<script>(.*?)</script>", document.html(), re.DOTALL)

    expected = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline}
    assert set(re.findall("'sha256-([^']+)'", policy)) == expected


def test_a_route_may_be_stricter():
    assert make_client().get("/own").headers.get_list("content-security-policy") == ["sandbox"]


def test_https_is_insisted_on_only_where_it_is_spoken():
    plain, secure = make_client(), make_client("https://photos.example.org")

    assert "strict-transport-security" not in plain.get("/").headers
    assert secure.get("/").headers["strict-transport-security"] == "max-age=31536000"


def test_each_request_has_an_id_of_ours_everywhere():
    client = make_client()

    first = client.get("/", headers={"X-Request-ID": "chosen-outside"})
    second = client.get("/")

    request_id = first.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert request_id != second.headers["x-request-id"]
    assert (first.json()["state"], first.json()["log"]) == (request_id, request_id)
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_websockets_pass_untouched():
    client = make_client()

    with client.websocket_connect(SOCKET, headers=HTML) as websocket:
        assert websocket.receive_json() == {"cookies": {}, "state": []}


# --- a site without a public address --------------------------------------------------------

STRANGE = [
    {"Host": "photos.example.org"},
    {"Host": "192.168.1.5:8501"},
    {"Host": "localhost.evil.example"},
    {"Host": "localhost:8501@evil.example"},
    {"Host": "[::1"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"X-Forwarded-Host": "photos.example.org"},
    {"X-Forwarded-Host": "localhost:8501, photos.example.org"},
    {"X-Forwarded-Host": "photos.example.org, localhost:8501"},
]


@pytest.mark.parametrize("headers", STRANGE)
def test_a_site_that_was_told_no_address_answers_to_no_strange_name(headers):
    answer = make_client().get("/", headers=HTML | headers)

    assert (answer.status_code, "set-cookie" in answer.headers) == (421, False)
    assert "ENCORE_PUBLIC_URL" in answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("headers", STRANGE)
def test_a_site_that_was_told_no_address_opens_no_websocket_to_a_strange_name(headers):
    with (
        pytest.raises(WebSocketDenialResponse) as denial,
        make_client().websocket_connect(SOCKET, headers=headers),
    ):
        pytest.fail("it was opened")

    assert denial.value.status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost"},
        {"Host": "LOCALHOST:8501"},
        {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"},
        {"Host": "[::1]:8501", "Origin": "http://[::1]:8501"},
        {"X-Forwarded-Host": "localhost:8501"},
        {"Host": ""},
    ],
)
def test_a_site_that_was_told_no_address_answers_its_own_machine(headers):
    assert make_client().get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Host": "192.168.1.5:8501"}, {"X-Forwarded-Host": "photos.example.org"}]
)
def test_a_site_that_was_told_its_address_answers_to_every_name(headers):
    assert make_client("http://photos.example.org").get("/", headers=headers).status_code == 200
