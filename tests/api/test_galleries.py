"""Galleries over HTTP: who sees them, who changes them, and who does not (T22, T23)."""

import pytest

from core import galleries, sharing
from models.event import Event, MemberRole, Visibility
from tests.makers import gallery_of, make_account, make_event, make_member, make_photo, owner_of


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, visibility=Visibility.BY_LINK)


@pytest.fixture
def owner(backends, bearer, event) -> dict[str, str]:
    return bearer(owner_of(backends, event))


def names(api, event, who) -> list[str]:
    answer = api.get(f"events/{event.id}/galleries", headers=who)
    assert answer.status_code == 200
    return [gallery["name"] for gallery in answer.json()["items"]]


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_galleries_are_added_renamed_and_deleted(backends, api, event, owner):
    made = api.post(f"events/{event.id}/galleries", json={"name": " Start "}, headers=owner)
    path = f"galleries/{made.json()['id']}"

    renamed = api.patch(path, json={"name": "Finish"}, headers=owner)
    before = names(api, event, owner)
    deleted = api.delete(path, headers=owner)

    assert (made.status_code, made.json()["name"]) == (201, "Start")
    assert renamed.json() == made.json() | {"name": "Finish", "event_id": event.id, "position": 1}
    assert before == ["All photos", "Finish"]
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert names(api, event, owner) == ["All photos"]


def test_a_visitor_sees_the_galleries_of_the_link_only(backends, api, event, owner, visitor):
    by = owner_of(backends, event)
    finish = galleries.add(backends, event.id, "Finish", by=by)
    link = sharing.create(backends, event.id, gallery_id=finish.id, by=by)
    before = error(api.get(f"events/{event.id}/galleries", headers=visitor))

    api.post("visits", json={"link": sharing.address(backends, link)}, headers=visitor)

    assert before == (404, "NoSuchEvent")
    assert names(api, event, visitor) == ["Finish"]
    assert names(api, event, owner) == ["All photos", "Finish"]
    assert names(api, make_event(backends), {}) == ["All photos"]


def test_what_clashes_is_refused(backends, api, event, owner):
    path, only = f"events/{event.id}/galleries", gallery_of(backends, event)
    last = api.delete(f"galleries/{only.id}", headers=owner)
    start = api.post(path, json={"name": "Start"}, headers=owner).json()
    make_photo(backends, event)

    taken = api.post(path, json={"name": "Start"}, headers=owner)
    renamed = api.patch(f"galleries/{start['id']}", json={"name": "All photos"}, headers=owner)
    full = api.delete(f"galleries/{only.id}", headers=owner)

    assert [error(one) for one in (taken, renamed)] == [(409, "NameTaken")] * 2
    assert [error(one) for one in (last, full)] == [(409, "Conflict")] * 2
    assert names(api, event, owner) == ["All photos", "Start"]


def test_a_name_that_is_none_is_refused(backends, api, event, owner):
    only = gallery_of(backends, event)
    bodies = [{"name": name} for name in ("", "  ", "x" * 81, "a\0b", None, 5)]
    bodies += [{}, {"name": "Start", "event_id": 1}, {"name": "Start", "position": 0}]

    made = [api.post(f"events/{event.id}/galleries", json=one, headers=owner) for one in bodies]
    renamed = [api.patch(f"galleries/{only.id}", json=one, headers=owner) for one in bodies]

    assert {answer.status_code for answer in made + renamed} == {422}
    assert names(api, event, owner) == ["All photos"]


def test_a_gallery_is_made_once_for_one_key(api, event, owner):
    headers = owner | {"Idempotency-Key": "the-very-first"}

    answers = [
        api.post(f"events/{event.id}/galleries", json={"name": "Start"}, headers=headers) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


def test_galleries_of_others_stay_and_cannot_be_told_from_none(backends, api, bearer, visitor, event):
    gallery = gallery_of(backends, event)
    photographer = bearer(make_member(backends, event, MemberRole.PHOTOGRAPHER))
    outsiders = [bearer(make_account(backends)), bearer(owner_of(backends, make_event(backends)))]

    def answers(who, gallery_id) -> list:
        path = f"galleries/{gallery_id}"
        renaming = api.patch(path, json={"name": "Mine"}, headers=who)
        return [renaming, api.delete(path, headers=who)]

    def adding(who) -> int:
        return api.post(f"events/{event.id}/galleries", json={"name": "Mine"}, headers=who).status_code

    for who in outsiders:
        theirs, missing = ([error(one) for one in answers(who, key)] for key in (gallery.id, 999_999))
        assert theirs == missing == [(404, "NoSuchGallery")] * 2
    assert [error(one) for who in ({}, visitor) for one in answers(who, gallery.id)] == [
        (401, "SignInNeeded")
    ] * 4
    assert [error(one) for one in answers(photographer, gallery.id)] == [(403, "Forbidden")] * 2
    assert [adding(who) for who in ({}, visitor, photographer, *outsiders)] == [401, 401, 403, 404, 404]
    assert names(api, event, photographer) == ["All photos"]


def test_a_number_that_is_no_id_is_refused(api, owner):
    for number in (0, 2**31, "x"):
        assert api.delete(f"galleries/{number}", headers=owner).status_code == 422
    assert api.delete(f"galleries/{2**31 - 1}", headers=owner).status_code == 404
