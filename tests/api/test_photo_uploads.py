"""Photos sent in by programs: one as the body, many as a form."""

from typing import NoReturn

import pytest
from sqlmodel import select
from starlette.requests import Request

from api import photo_uploads, uploads
from core import keys
from models.account import Account, ApiScope, Role
from models.event import EventStatus, MemberRole
from models.job import Job
from models.photo import Photo
from tests.makers import gallery_of, make_account, make_event, make_jpeg, make_member, owner_of


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def photographer(backends, event) -> Account:
    return make_member(backends, event, MemberRole.PHOTOGRAPHER)


@pytest.fixture
def known(bearer, photographer) -> dict[str, str]:
    """The header of the photographer's program."""
    return bearer(photographer)


def address(backends, event) -> str:
    return f"galleries/{gallery_of(backends, event).id}/photos"


def several(*contents: bytes, field: str = "files") -> list:
    return [(field, (f"{number}.jpg", content, "image/jpeg")) for number, content in enumerate(contents)]


def kept(backends) -> list[Photo]:
    with backends.reading() as session:
        return list(session.exec(select(Photo).order_by(Photo.created_at)))


def assert_nothing_kept(backends) -> None:
    with backends.reading() as session:
        jobs = session.exec(select(Job)).all()
    assert (kept(backends), list(jobs), list(backends.objects.keys(""))) == ([], [], [])
    assert [path for path in (backends.settings.data / "tmp").glob("*") if path.is_file()] == []


def verdicts(answer) -> list[tuple[str, str]]:
    return [(item["filename"], item["verdict"]) for item in answer.json()["items"]]


def test_a_file_that_is_the_body_is_kept_as_it_came(backends, api, event, photographer, known):
    content = make_jpeg(seed=1)

    answer = api.post(address(backends, event), params={"name": "a/b.jpg"}, content=content, headers=known)

    photo = kept(backends)[0]
    assert (answer.status_code, verdicts(answer)) == (201, [("b.jpg", "new")])
    assert answer.json()["items"][0]["photo"] == api.get(f"photos/{photo.id}", headers=known).json()
    assert (photo.filename, photo.uploaded_by) == ("b.jpg", photographer.id)
    assert backends.objects.open(photo.original_key).read() == content


def test_many_files_are_one_request(backends, api, event, known):
    contents = [make_jpeg(seed=number) for number in range(3)]

    answer = api.post(address(backends, event), files=several(*contents), headers=known)

    assert (answer.status_code, verdicts(answer)) == (
        201,
        [("0.jpg", "new"), ("1.jpg", "new"), ("2.jpg", "new")],
    )
    stored = [backends.objects.open(photo.original_key).read() for photo in kept(backends)]
    assert sorted(stored) == sorted(contents)


def test_each_file_of_a_form_has_its_own_verdict(backends, api, event, known):
    backends.settings.max_upload_mib = 1
    api.post(address(backends, event), content=make_jpeg(seed=1), headers=known)
    first = kept(backends)[0]

    files = several(make_jpeg(seed=1), b"no picture", bytes(2**20 + 1), make_jpeg(seed=2))
    answer = api.post(address(backends, event), files=files, headers=known)

    items = answer.json()["items"]
    assert answer.status_code == 201
    assert [item["verdict"] for item in items] == ["known", "refused", "refused", "new"]
    assert [item["error"] for item in items] == [None, "UnsupportedType", "FileTooBig", None]
    assert items[0]["photo"]["id"] == str(first.id)
    assert all(item["message"].endswith(".") for item in items[:3])
    assert len(kept(backends)) == 2


def test_repeating_an_upload_changes_nothing_and_names_the_photo_that_is_there(backends, api, event, known):
    url, content = address(backends, event), make_jpeg()
    first = api.post(url, content=content, headers=known).json()["items"][0]["photo"]["id"]

    again = api.post(url, content=content, headers=known)
    in_form = api.post(url, files=several(content), headers=known)

    assert (again.status_code, in_form.status_code) == (200, 200)
    named = [answer.json()["items"][0] for answer in (again, in_form)]
    assert [(item["verdict"], item["photo"]["id"]) for item in named] == [("known", first)] * 2
    assert len(kept(backends)) == 1


def test_what_another_photographer_sent_already_is_known(backends, api, event, known, bearer):
    other = bearer(make_member(backends, event, MemberRole.PHOTOGRAPHER))
    first = api.post(address(backends, event), content=make_jpeg(), headers=other).json()["items"][0]

    again = api.post(address(backends, event), content=make_jpeg(), headers=known)
    for_its_sender = api.post(address(backends, event), content=make_jpeg(), headers=other)

    assert (again.status_code, for_its_sender.status_code) == (200, 200)
    told = [answer.json()["items"][0] for answer in (again, for_its_sender)]
    assert [(one["verdict"], one["photo"] and one["photo"]["id"]) for one in told] == [
        ("known", None),  # it is not public yet, and another's
        ("known", first["photo"]["id"]),
    ]


def test_a_body_that_is_no_photo_is_refused_like_any_request(backends, api, event, known):
    for content, error in ((b"", "EmptyFile"), (b"hello", "UnsupportedType")):
        answer = api.post(address(backends, event), content=content, headers=known)

        assert (answer.status_code, answer.json()["error"]) == (422, error)
    assert_nothing_kept(backends)


def test_a_file_too_big_is_refused_before_its_end(backends, api, event, known):
    backends.settings.max_upload_mib = 1

    answer = api.post(address(backends, event), content=(bytes(2**18) for _ in range(40)), headers=known)

    assert (answer.status_code, answer.json()["error"]) == (413, "FileTooBig")
    assert_nothing_kept(backends)


def test_a_body_shorter_than_announced_was_cut_off(backends, api, event, known):
    content = make_jpeg()

    answer = api.post(
        address(backends, event),
        content=content,
        headers=known | {"Content-Length": str(len(content) + 1)},
    )

    assert (answer.status_code, answer.json()["error"]) == (422, "CutOff")
    assert_nothing_kept(backends)


@pytest.mark.parametrize(
    ("body", "media_type", "error"),
    [
        (b"--x--\r\n", "multipart/form-data; boundary=x", "InvalidInput"),
        (b"nonsense", "multipart/form-data; boundary=x", "BrokenForm"),
        (b"nonsense", "multipart/form-data", "NoForm"),
        (b"--x--\r\n", "multipart/mixed; boundary=x", "NoForm"),
    ],
)
def test_a_form_without_files_is_refused(backends, api, event, known, body, media_type, error):
    answer = api.post(address(backends, event), content=body, headers=known | {"Content-Type": media_type})

    assert (answer.status_code, answer.json()["error"]) == (422, error)
    assert_nothing_kept(backends)


def test_parts_of_other_names_are_refused(backends, api, event, known):
    answer = api.post(address(backends, event), files=several(make_jpeg(), field="role"), headers=known)

    assert (answer.status_code, answer.json()["error"]) == (422, "UnknownPart")
    assert_nothing_kept(backends)


def test_files_beyond_the_most_are_refused_and_those_before_them_kept(
    backends, api, event, known, monkeypatch
):
    monkeypatch.setattr(photo_uploads, "MOST", 2)
    url, contents = address(backends, event), [make_jpeg(seed=number) for number in range(3)]

    answer = api.post(url, files=several(*contents), headers=known)

    assert (answer.status_code, answer.json()["error"]) == (422, "TooManyParts")
    assert len(kept(backends)) == 2
    assert verdicts(api.post(url, files=several(*contents[1:]), headers=known)) == [
        ("0.jpg", "known"),
        ("1.jpg", "new"),
    ]


def test_the_store_being_down_is_the_verdict_of_its_file(backends, api, event, known):
    backends.objects.is_down = True

    answer = api.post(address(backends, event), files=several(make_jpeg()), headers=known)

    item = answer.json()["items"][0]
    assert (answer.status_code, item["verdict"], item["error"]) == (200, "refused", "Unavailable")
    assert api.post(address(backends, event), content=make_jpeg(), headers=known).status_code == 503


def unread(_request: Request) -> NoReturn:
    raise AssertionError("a byte was read before it was known who asks")


@pytest.mark.parametrize("media_type", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_nobody_and_strangers_are_refused_before_a_byte_is_looked_at(
    backends, api, event, bearer, visitor, monkeypatch, media_type
):
    stranger = make_account(backends, Role.PHOTOGRAPHER)
    other = owner_of(backends, make_event(backends))
    analyst = make_member(backends, event, MemberRole.ANALYST)
    monkeypatch.setattr(uploads, "pieces", unread)
    url = address(backends, event)

    def answer(headers: dict[str, str], at: str = url) -> tuple[int, str]:
        sent = api.post(at, content=make_jpeg(), headers=headers | {"Content-Type": media_type})
        return sent.status_code, sent.json()["error"]

    assert answer({}) == answer(visitor) == (401, "SignInNeeded")
    assert answer(bearer(stranger)) == answer(bearer(other)) == (404, "NoSuchEvent")
    assert answer(bearer(stranger), "galleries/990001/photos") == (404, "NotFound")
    assert answer(bearer(analyst)) == (403, "Forbidden")
    assert_nothing_kept(backends)


def test_a_closed_event_takes_no_photos(backends, api, event, known):
    with backends.transaction() as session:
        session.get_one(type(event), event.id).status = EventStatus.CLOSED

    assert api.post(address(backends, event), content=make_jpeg(), headers=known).status_code == 403


def test_a_token_that_only_reads_photos_sends_none(backends, api, event, photographer):
    _, secret = keys.create(backends, "reader", [ApiScope.PHOTOS_READ], None, by=photographer)

    answer = api.post(address(backends, event), content=make_jpeg(), headers={"X-API-Key": secret})

    assert (answer.status_code, answer.json()["error"]) == (403, "ScopeMissing")
    assert_nothing_kept(backends)
