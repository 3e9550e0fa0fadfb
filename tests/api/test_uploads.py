"""Photos sent as raw bodies: taken whole, known, refused or cut off."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import sessions
from models.account import Account
from models.event import EventStatus, MemberRole
from models.job import Job
from models.photo import Photo
from tests.api.site import app_routes
from tests.makers import gallery_of, make_account, make_event, make_jpeg, make_member
from tests.sign_in import sign_in

SITE = "http://localhost:8501"
OURS = {"X-Encore": "1", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def photographer(backends, event) -> Account:
    return make_member(backends, event, MemberRole.PHOTOGRAPHER)


@pytest.fixture
def client(backends, photographer) -> Iterator[TestClient]:
    """The photographer's browser."""
    with TestClient(Starlette(routes=app_routes(backends.settings)), base_url=SITE) as client:
        client.cookies.set(sessions.SESSION_COOKIE, sign_in(backends, photographer))
        yield client


def address(backends, event, name: str = "IMG_1.jpg") -> str:
    return f"/api/uploads/{gallery_of(backends, event).id}?name={name}"


def kept(backends) -> list[Photo]:
    with backends.reading() as session:
        return list(session.exec(select(Photo)))


def assert_nothing_kept(backends) -> None:
    with backends.reading() as session:
        jobs = session.exec(select(Job)).all()
    assert (kept(backends), list(jobs), list(backends.objects.keys(""))) == ([], [], [])
    assert list(backends.settings.data.rglob("upload-*")) == []


def test_a_new_photo_is_taken(backends, event, photographer, client):
    content = make_jpeg(seed=1)

    answer = client.put(address(backends, event, "a%2Fb.jpg"), content=content, headers=OURS)

    photo = kept(backends)[0]
    assert (answer.status_code, answer.json()) == (
        201,
        {"verdict": "new", "id": str(photo.id), "message": ""},
    )
    assert (photo.filename, photo.uploaded_by) == ("b.jpg", photographer.id)
    assert backends.objects.open(photo.original_key).read() == content


def test_a_photo_that_is_there_already_is_known_and_no_error(backends, event, client):
    for _ in range(2):
        answer = client.put(address(backends, event), content=make_jpeg(), headers=OURS)

    assert (answer.status_code, answer.json()["verdict"]) == (200, "known")
    assert answer.json()["message"] == "This photo is in the event already."
    assert len(kept(backends)) == 1


def test_a_body_that_comes_in_pieces_is_one_photo(backends, event, client):
    content = make_jpeg(seed=2)

    answer = client.put(
        address(backends, event),
        content=(content[i : i + 100] for i in range(0, len(content), 100)),
        headers=OURS,
    )

    assert answer.status_code == 201
    assert kept(backends)[0].byte_size == len(content)


@pytest.mark.parametrize("content", [b"", b"hello", make_jpeg()[:100], b"PK\x03\x04" + bytes(60)])
def test_what_is_no_photo_is_refused_in_a_sentence(backends, event, client, content):
    answer = client.put(address(backends, event), content=content, headers=OURS)

    assert (answer.status_code, sorted(answer.json())) == (
        422,
        ["error", "message", "request_id", "status_code"],
    )
    assert answer.json()["message"].endswith(".")
    assert_nothing_kept(backends)


def test_a_file_that_is_too_big_is_refused_before_its_end(backends, event, client):
    backends.settings.max_upload_mib = 1
    sent = []

    def body() -> Iterator[bytes]:
        for number in range(40):
            sent.append(number)
            yield bytes(2**18)

    answer = client.put(address(backends, event), content=body(), headers=OURS)

    assert (answer.status_code, answer.json()["error"]) == (413, "FileTooBig")
    assert_nothing_kept(backends)


def test_a_body_shorter_than_announced_was_cut_off(backends, event, client):
    content = make_jpeg()
    headers = OURS | {"Content-Length": str(len(content) + 1)}

    answer = client.put(address(backends, event), content=content, headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (422, "CutOff")
    assert_nothing_kept(backends)


def test_a_connection_that_breaks_leaves_nothing(backends, event, client):
    messages = iter(
        [{"type": "http.request", "body": make_jpeg()[:500], "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[dict] = []

    async def receive() -> dict:
        return next(messages)

    async def send(message: dict) -> None:
        sent.append(message)

    cookie = f"{sessions.SESSION_COOKIE}={client.cookies[sessions.SESSION_COOKIE]}"
    headers = [(name.lower().encode(), value.encode()) for name, value in (OURS | {"Cookie": cookie}).items()]
    path, query = address(backends, event).split("?")
    scope = {
        "type": "http",
        "method": "PUT",
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
    }
    asyncio.run(
        Starlette(routes=app_routes(backends.settings))(
            scope | {"http_version": "1.1", "scheme": "http", "server": ("localhost", 8501)}, receive, send
        )
    )

    assert sent[0]["status"] == 422
    assert b"CutOff" in sent[1]["body"]
    assert_nothing_kept(backends)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Encore": "1"},
        {"X-Encore": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-Encore": "1", "Sec-Fetch-Site": "same-site"},
        {"X-Encore": "1", "Origin": "https://evil.example"},
        {"X-Encore": "1", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_another_site_cannot_upload_with_a_photographers_cookie(backends, event, client, headers):
    answer = client.put(address(backends, event), content=make_jpeg(), headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (403, "ForeignRequest")
    assert_nothing_kept(backends)


def refused(client: TestClient, url: str) -> tuple[int, str]:
    answer = client.put(url, content=make_jpeg(), headers=OURS)
    assert answer.json()["status_code"] == answer.status_code
    return answer.status_code, answer.json()["error"]


def test_who_has_no_part_in_the_event_does_not_learn_of_its_gallery(backends, event, client):
    url, stranger = address(backends, event), make_account(backends)

    client.cookies.clear()
    nobody = refused(client, url)
    client.cookies.set(sessions.SESSION_COOKIE, sign_in(backends, stranger))

    assert nobody == refused(client, url) == (404, "NoSuchEvent")
    assert refused(client, "/api/uploads/990001") == (404, "NotFound")
    assert refused(client, f"/api/uploads/{10**30}") == (404, "NotFound")
    assert_nothing_kept(backends)


def test_a_member_with_another_part_may_not_upload(backends, event, client):
    client.cookies.clear()
    client.cookies.set(
        sessions.SESSION_COOKIE, sign_in(backends, make_member(backends, event, MemberRole.ANALYST))
    )

    assert refused(client, address(backends, event)) == (403, "Forbidden")
    assert_nothing_kept(backends)


def test_a_closed_event_takes_no_photos(backends, event, client):
    with backends.transaction() as session:
        session.get_one(type(event), event.id).status = EventStatus.CLOSED

    assert refused(client, address(backends, event)) == (403, "Forbidden")


def test_a_disabled_photographers_session_uploads_nothing(backends, event, photographer, client):
    with backends.transaction() as session:
        session.get_one(Account, photographer.id).is_active = False

    assert refused(client, address(backends, event)) == (404, "NoSuchEvent")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_only_put_uploads(backends, event, client, method):
    assert client.request(method, address(backends, event), headers=OURS).status_code == 405
