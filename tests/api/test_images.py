"""Pictures over HTTP: headers, what browsers may keep, and what never comes."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api import images
from core import renditions, sessions
from models.event import Event, MemberRole
from models.photo import Photo, Review
from tests.makers import make_event, make_member, make_photo
from tests.sign_in import sign_in


@pytest.fixture
def client(backends) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=images.ROUTES)) as client:
        yield client


@pytest.fixture
def photo(backends):
    return make_photo(backends, make_event(backends))


def event_of(backends, photo: Photo) -> Event:
    with backends.reading() as session:
        return session.get_one(Event, photo.event_id)


@pytest.fixture
def url(backends, photo) -> str:
    return renditions.url(backends, photo.id, "800", "listed")


def test_a_picture_comes_whole_and_may_be_kept_for_a_while(backends, client, photo, url):
    answer = client.get(url)

    assert answer.content == backends.objects.open(photo.rendition_key("800")).read()
    assert {name: answer.headers[name] for name in sorted(answer.headers)} == {
        "cache-control": "private, max-age=3600",
        "content-disposition": "inline",
        "content-length": str(photo.byte_size),
        "content-type": "image/jpeg",
        "etag": f'"{photo.sha256[:16]}-800"',
    }


def test_a_browser_that_has_the_picture_is_told_so(client, url):
    tag = client.get(url).headers["etag"]

    again = client.get(url, headers={"If-None-Match": tag})
    other = client.get(url, headers={"If-None-Match": '"another"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200


def test_a_picture_that_was_withdrawn_is_not_there_even_for_who_has_it(backends, client, photo, url):
    tag = client.get(url).headers["etag"]
    with backends.transaction() as session:
        session.get_one(type(photo), photo.id).review = Review.REJECTED

    answer = client.get(url, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchPicture")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "damage", [lambda url: url[:-1], lambda url: url[:5] + "A" + url[6:], lambda _: "/img/x"]
)
def test_a_tampered_address_is_a_404(client, url, damage):
    answer = client.get(damage(url))

    assert (answer.status_code, sorted(answer.json())) == (
        404,
        ["error", "message", "request_id", "status_code"],
    )


def test_a_members_picture_comes_to_that_members_browser_and_to_no_other(backends, client, photo):
    member, colleague = (
        make_member(backends, event_of(backends, photo), MemberRole.ANALYST) for _ in range(2)
    )
    address = renditions.url(backends, photo.id, "800", renditions.member_grant(member))

    answers = [client.get(address).status_code]
    for account in (colleague, member):
        client.cookies.set(sessions.SESSION_COOKIE, sign_in(backends, account))
        answers.append(client.get(address).status_code)

    assert answers == [404, 404, 200]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pictures_are_only_read(client, url, method):
    assert client.request(method, url).status_code == 405


@pytest.mark.parametrize("is_known", [False, True])
def test_a_picture_is_closed_when_it_was_sent(client, url, monkeypatch, is_known):
    opened = []

    def noting(*given, **named):
        opened.append(open_signed(*given, **named))
        return opened[-1]

    open_signed = renditions.open_signed
    headers = {"If-None-Match": client.get(url).headers["etag"]} if is_known else {}
    monkeypatch.setattr(renditions, "open_signed", noting)

    client.get(url, headers=headers)

    assert [picture.content.closed for picture in opened] == [True]
