"""What every answer of the API has in common."""

import asyncio
import gzip
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api import bodies
from core import limits
from core.errors import Unavailable
from tests.api.site import app_routes, site
from tests.makers import make_account, make_event

SHAPE = ["error", "message", "request_id", "status_code"]


@pytest.fixture
def headers(backends, bearer) -> dict[str, str]:
    return bearer(make_account(backends))


def test_what_is_known_already_is_not_sent_again(api, headers):
    first = api.get("account", headers=headers)

    again = api.get("account", headers=headers | {"If-None-Match": f'"other", {first.headers["etag"]}'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert "Authorization" in first.headers["vary"]
    assert first.headers["cache-control"] == "private, no-cache"


def test_what_has_changed_is_sent_again(api, headers):
    tag = api.get("account", headers=headers).headers["etag"]
    api.patch("account", json={"name": "Another"}, headers=headers)

    answer = api.get("account", headers=headers | {"If-None-Match": tag})

    assert (answer.status_code, answer.json()["name"]) == (200, "Another")


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "account", None, 401),
        ("GET", "nothing", None, 404),
        ("DELETE", "accounts", None, 405),
        ("POST", "accounts", b"{", 422),
        ("POST", "accounts", b'{"email": 5}', 422),
        ("POST", "accounts", b"\xff\xfe", 422),
        ("POST", "password-resets", b'{"email": "\\ud800@example.org"}', 422),
        ("POST", "password-resets", b'{"email": "a\\u0000b@example.org"}', 422),
        ("POST", "accounts", b'{"email": "a@b.co", "name": "A", "password": "\\ud800 twelve letters"}', 422),
        ("POST", "accounts", b"x" * (bodies.SMALL + 1), 413),
    ],
)
def test_every_refusal_has_the_same_shape(api, method, path, content, status):
    answer = api.request(method, path, content=content, headers={"Content-Type": "application/json"})

    assert (answer.status_code, sorted(answer.json())) == (status, SHAPE)
    assert answer.json()["status_code"] == status
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_refusal_does_not_repeat_what_was_sent(api):
    answer = api.post("accounts", json={"email": ["s3cret-of-theirs"], "password": {"s3cret": 1}})

    assert answer.status_code == 422
    assert "s3cret-of-theirs" not in answer.text


def test_a_bug_is_a_neutral_sentence(backends, monkeypatch, bearer):
    from core import keys

    headers = bearer(make_account(backends))
    monkeypatch.setattr(keys, "mine", lambda *_, **__: 1 // 0)

    with TestClient(site(backends), "http://localhost:8501/api/v1", raise_server_exceptions=False) as client:
        answer = client.get("account/keys", headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (500, "InternalError")
    assert "division" not in answer.text


def test_a_body_that_says_less_than_it_brings_is_cut_off(backends):
    sent = asyncio.run(_send(backends, [b"x" * 700_000, b"x" * 700_000], announced="10"))

    assert sent[0]["status"] == 413


def test_a_body_that_stalls_is_given_up(backends, monkeypatch):
    monkeypatch.setattr(bodies, "PAUSE", timedelta(seconds=0.01))

    sent = asyncio.run(_send(backends, [b"{", None]))

    assert sent[0]["status"] == 408


async def _send(backends, chunks: list[bytes | None], announced: str = "") -> list[dict]:
    """The answer to a POST whose body comes in pieces; None never comes."""
    waiting, sent = iter(chunks), []

    async def receive() -> dict:
        chunk = next(waiting, b"")
        if chunk is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: dict) -> None:
        sent.append(message)

    lines = [(b"content-type", b"application/json"), (b"content-length", announced.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/accounts",
        "query_string": b"",
        "headers": lines if announced else lines[:1],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("localhost", 8501),
        "client": ("127.0.0.1", 1),
    }
    await Starlette(routes=app_routes(backends.settings))(scope, receive, send)
    return sent


def test_an_address_that_calls_too_often_is_told_when_to_come_back(api, monkeypatch):
    monkeypatch.setattr(limits, "ADDRESS", limits.Bucket("address_test", 2, limits.MINUTE))

    answers = [api.get("nothing") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert sorted(answers[-1].json()) == SHAPE
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_an_account_that_calls_too_often_is_told_wherever_it_calls_from(api, headers, monkeypatch):
    monkeypatch.setattr(limits, "ACCOUNT", limits.Bucket("account_test", 2, limits.MINUTE))

    answers = [api.get("account", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_long_answers_are_compressed(api):
    document = api.get("http://localhost:8501/api/openapi.json", headers={"Accept-Encoding": "gzip"})
    plain = api.get("http://localhost:8501/api/openapi.json", headers={"Accept-Encoding": "identity"})

    assert document.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert len(gzip.compress(plain.content)) < len(plain.content) / 4


def test_other_sites_scripts_are_refused_unless_they_are_named(backends):
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    allowed = []

    for origins in ("", "http://localhost:3000, https://booth.example"):
        backends.settings.cors_origins = origins
        with TestClient(Starlette(routes=app_routes(backends.settings))) as client:
            answer = client.options("/api/v1/events", headers=asked)
            allowed.append(answer.headers.get("access-control-allow-origin"))

    assert allowed == [None, "http://localhost:3000"]


def test_times_are_in_utc_and_money_in_minor_units(api, backends):
    event = make_event(backends, price_amount=12_050)

    told = api.get(f"events/{event.id}").json()

    assert (told["price_amount"], told["currency"]) == (12_050, "THB")
    assert told["created_at"].endswith("Z")


def test_every_list_is_a_page_and_every_making_post_takes_a_key(backends):
    document = app_routes(backends.settings)[-1].app.openapi()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]

    lists = [operation for _, method, operation in operations if operation["operationId"].startswith("list_")]
    assert all({"limit", "cursor"} <= names(one) or "Page_" in str(one["responses"]["200"]) for one in lists)
    makers = ("create_", "place_", "start_")
    without = [
        operation["operationId"]
        for path, method, operation in operations
        if method == "post"
        and operation["operationId"].startswith(makers)
        and "Idempotency-Key" not in names(operation)
    ]
    assert sorted(without) == ["create_live_ticket", "create_visitor"]  # nothing is kept of them


def names(operation) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", [])}


def test_a_replay_asks_for_the_scopes_again(api, backends, bearer):
    account = make_account(backends)
    sent = {"json": {"name": "Booth", "scopes": ["search"]}}
    key = {"Idempotency-Key": "one-key-only"}
    first = api.post("account/keys", headers=bearer(account) | key, **sent)

    replayed = api.post("account/keys", headers=bearer(account) | key, **sent)
    narrow = api.post("account/keys", headers={"X-API-Key": first.json()["secret"]} | key, **sent)

    assert (replayed.json(), replayed.headers["cache-control"]) == (first.json(), "no-store")
    assert (narrow.status_code, narrow.json()["error"]) == (403, "ScopeMissing")


def test_without_its_limiter_the_api_says_that_it_is_away(api, backends):
    class Away:
        def take(self, bucket, key):
            raise Unavailable("This site is busy. Try again in a moment.")

    backends.limiter = Away()

    answer = api.get("events")

    assert (answer.status_code, answer.json()["error"]) == (503, "Unavailable")


def test_a_refusal_of_a_long_nonsense_is_short(api):
    answer = api.post("accounts", json={"x" * 100_000: 1})

    assert answer.status_code == 422
    assert len(answer.text) < 2_000


def test_a_refused_request_is_in_the_log_under_its_id(api, capsys):
    answer = api.get("account")

    told = capsys.readouterr()
    assert answer.headers["x-request-id"] in told.out + told.err
