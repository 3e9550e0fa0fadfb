"""Share links and visitors over HTTP: who gets in, until when, and never by guessing (T22, T23, T25, T27)."""

from datetime import timedelta

import cv2
import numpy as np
import pytest

from core import galleries, limits, sharing
from models.event import Event, EventStatus, MemberRole, Visibility
from models.sharing import ShareLink
from tests.makers import gallery_of, make_account, make_event, make_member, owner_of


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, visibility=Visibility.BY_LINK)


@pytest.fixture
def owner(backends, bearer, event) -> dict[str, str]:
    return bearer(owner_of(backends, event))


@pytest.fixture
def link(backends, event) -> ShareLink:
    return sharing.create(backends, event.id, by=owner_of(backends, event), label="Poster")


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def visit(api, who, text: str):
    return api.post("visits", json={"link": text}, headers=who)


# --- links ---------------------------------------------------------------------------------


def test_a_link_is_made_listed_and_revoked(backends, api, event, owner):
    gallery = gallery_of(backends, event)
    wanted = {"label": " Poster ", "gallery_id": gallery.id, "expires_at": "2030-01-01T07:00:00+07:00"}

    made = api.post(f"events/{event.id}/links", json=wanted, headers=owner)
    before = api.get(f"events/{event.id}/links", headers=owner).json()["items"]
    revoked = api.delete(f"links/{made.json()['id']}", headers=owner)
    (after,) = api.get(f"events/{event.id}/links", headers=owner).json()["items"]

    told = made.json()
    assert (made.status_code, before) == (201, [told])
    assert (told["event_id"], told["gallery_id"], told["label"]) == (event.id, gallery.id, "Poster")
    assert (told["is_open"], told["expires_at"], told["revoked_at"]) == (True, "2030-01-01T00:00:00Z", None)
    assert told["url"].startswith("http://localhost:8501/gallery?share=")
    assert (revoked.status_code, after["is_open"]) == (204, False)
    assert after["revoked_at"].endswith("Z")


def test_links_come_page_by_page_newest_first(backends, api, event, owner):
    made = [sharing.create(backends, event.id, by=owner_of(backends, event)).id for _ in range(3)]

    first = api.get(f"events/{event.id}/links", params={"limit": 2}, headers=owner).json()
    params = {"limit": 2, "cursor": first["next_cursor"]}
    second = api.get(f"events/{event.id}/links", params=params, headers=owner).json()

    assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


def test_a_link_that_cannot_be_is_refused(backends, api, event, owner):
    foreign = gallery_of(backends, make_event(backends))
    wrong = [
        {"label": "x" * 81},
        {"label": "a\0b"},
        {"gallery_id": 0},
        {"gallery_id": 2**31},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"expires_at": "9999-12-31T23:59:59Z"},
        {"nonce": "0" * 32},
        {"created_by": 1},
    ]

    answers = [
        api.post(f"events/{event.id}/links", json=fields, headers=owner).status_code for fields in wrong
    ]
    elsewhere = [
        api.post(f"events/{event.id}/links", json={"gallery_id": key}, headers=owner).status_code
        for key in (foreign.id, 999_999)
    ]

    assert answers == [422] * len(wrong)
    assert elsewhere == [404, 404]
    assert api.get(f"events/{event.id}/links", headers=owner).json()["items"] == []


def test_a_link_is_made_once_for_one_key(api, event, owner):
    headers = owner | {"Idempotency-Key": "the-very-first"}

    answers = [api.post(f"events/{event.id}/links", json={}, headers=headers).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(api.get(f"events/{event.id}/links", headers=owner).json()["items"]) == 1


def test_a_phone_reads_the_address_from_the_qr_code(backends, api, owner, link):
    answer = api.get(f"links/{link.id}/qr", headers=owner)

    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    read, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(picture)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"].startswith("private")
    assert read == sharing.address(backends, link)


def test_a_link_that_has_ended_has_no_qr_code(api, owner, link):
    api.delete(f"links/{link.id}", headers=owner)

    assert error(api.get(f"links/{link.id}/qr", headers=owner)) == (404, "LinkClosed")


def test_the_document_says_that_a_qr_code_is_a_png(api):
    document = api.get("http://localhost:8501/api/openapi.json").json()

    told = document["paths"]["/v1/links/{link_id}/qr"]["get"]["responses"]["200"]["content"]

    assert list(told) == ["image/png"]


def test_links_of_others_stay_and_cannot_be_told_from_none(backends, api, bearer, visitor, event, link):
    photographer = bearer(make_member(backends, event, MemberRole.PHOTOGRAPHER))
    outsiders = [bearer(make_account(backends)), bearer(owner_of(backends, make_event(backends)))]

    def of_event(who) -> list[int]:
        path = f"events/{event.id}/links"
        return [api.get(path, headers=who).status_code, api.post(path, json={}, headers=who).status_code]

    def of_link(who, link_id) -> list[tuple[int, str]]:
        path = f"links/{link_id}"
        return [error(api.delete(path, headers=who)), error(api.get(f"{path}/qr", headers=who))]

    visit(api, visitor, sharing.address(backends, link))
    assert [of_event(who) for who in ({}, visitor, photographer)] == [[401, 401], [401, 401], [403, 403]]
    assert [of_event(who) for who in outsiders] == [[404, 404]] * 2
    assert [of_link(who, link.id) for who in ({}, visitor)] == [[(401, "SignInNeeded")] * 2] * 2
    assert of_link(photographer, link.id) == [(403, "Forbidden")] * 2
    for who in outsiders:
        assert of_link(who, link.id) == of_link(who, 999_999) == [(404, "NoSuchLink")] * 2
    assert api.get(f"events/{event.id}", headers=visitor).status_code == 200


# --- visitors ------------------------------------------------------------------------------


def test_a_visitor_is_a_new_secret_each_time(api):
    answers = [api.post("visitors") for _ in range(2)]

    secrets = [answer.json()["visitor"] for answer in answers]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].headers["cache-control"] == "no-store"
    assert [len(secret) for secret in secrets] == [43, 43]
    assert secrets[0] != secrets[1]


def test_a_visitor_opens_a_link_and_sees_what_it_opens(backends, api, event, link):
    visitor = {"X-Visitor": api.post("visitors").json()["visitor"]}
    another = {"X-Visitor": api.post("visitors").json()["visitor"]}

    answer = visit(api, visitor, sharing.address(backends, link))

    assert answer.status_code == 200
    assert answer.json()["event"] == api.get(f"events/{event.id}", headers=visitor).json()
    assert [gallery["name"] for gallery in answer.json()["galleries"]] == ["All photos"]
    assert api.get(f"events/{event.id}", headers=another).status_code == 404


def test_a_link_to_a_gallery_opens_that_gallery(backends, api, event, visitor):
    by = owner_of(backends, event)
    finish = galleries.add(backends, event.id, "Finish", by=by)
    link = sharing.create(backends, event.id, gallery_id=finish.id, by=by)

    answer = visit(api, visitor, sharing.address(backends, link).partition("share=")[2])

    assert [gallery["id"] for gallery in answer.json()["galleries"]] == [finish.id]


def test_an_account_needs_no_visitor_to_open_a_link(backends, api, bearer, event, link):
    guest = bearer(make_account(backends))

    opened = visit(api, guest, sharing.address(backends, link))

    assert opened.status_code == 200
    assert api.get(f"events/{event.id}", headers=guest).status_code == 200


def test_somebody_must_open_a_link(backends, api, link):
    address = sharing.address(backends, link)

    assert error(visit(api, {}, address)) == (422, "VisitorNeeded")
    assert error(visit(api, {"X-Visitor": "short"}, address)) == (422, "InvalidInput")


def test_a_link_that_is_none_opens_nothing(backends, api, visitor, event, link):
    token = sharing.address(backends, link).partition("share=")[2]
    other = sharing.create(backends, event.id, by=owner_of(backends, event))
    sharing.revoke(backends, other.id, by=owner_of(backends, event))
    texts = ["", "guess", token[1:], token[:-2], "http://[", "?share=", "รูป", f"{token}.", "x" * 1000]
    texts += [sharing.address(backends, other), f"{token}?share=guess"]

    answers = [error(visit(api, visitor, text)) for text in texts]
    too_long = [visit(api, visitor, text).status_code for text in ("x" * 1001, "a\0b")]

    assert answers == [(404, "LinkClosed")] * len(texts)
    assert too_long == [422, 422]


def test_a_link_of_an_event_that_is_closed_opens_nothing(backends, api, visitor, event, link):
    with backends.transaction() as session:
        session.get_one(Event, event.id).status = EventStatus.CLOSED

    assert error(visit(api, visitor, sharing.address(backends, link))) == (404, "LinkClosed")


def test_who_came_by_a_link_sees_nothing_once_it_has_ended(backends, api, event, owner, visitor, link):
    visit(api, visitor, sharing.address(backends, link))
    before = api.get(f"events/{event.id}", headers=visitor).status_code

    api.delete(f"links/{link.id}", headers=owner)

    assert (before, error(api.get(f"events/{event.id}", headers=visitor))) == (200, (404, "NoSuchEvent"))
    assert error(visit(api, visitor, sharing.address(backends, link))) == (404, "LinkClosed")


def test_guessing_links_ends_soon_for_everybody_at_an_address(api, monkeypatch):
    monkeypatch.setattr(limits, "LINK", limits.Bucket("link_test", 3, timedelta(minutes=1)))
    monkeypatch.setattr(limits, "OF_ADDRESSES", limits.OF_ADDRESSES | {limits.LINK})

    answers = [visit(api, {"X-Visitor": str(number) * 43}, "guess") for number in range(5)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
