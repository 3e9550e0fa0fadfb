"""Searching by selfie through the API: consent first, one's own results only, and nothing left behind."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select
from starlette.formparsers import MultiPartParser

from api import multipart
from api import search as api_search
from core import consent, limits, result_tokens, sharing
from core.access import Viewer
from core.results import Found
from core.signing import token_hash
from models.activity import Activity, ActivityKind
from models.consent import ConsentReceipt
from models.event import EventStatus, MemberRole, Visibility
from models.photo import Photo, Review
from tests.makers import (
    approve,
    make_account,
    make_event,
    make_jpeg,
    make_member,
    owner_of,
    some_id,
    upload,
)

SELFIE = make_jpeg("anna", seed=99)


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def album(backends, event, work) -> list[Photo]:
    """Three public photos: anna, anna and ben, ben."""
    return shoot(backends, event, work, ["anna"], ["anna", "ben"], ["ben"])


@pytest.fixture
def looked_at(backends, monkeypatch) -> list[bytes]:
    """The selfies whose pixels were looked at."""
    seen, real = [], backends.pixels.selfie

    def selfie(content: bytes, engine: str) -> list:
        seen.append(content)
        return real(content, engine)

    monkeypatch.setattr(backends.pixels, "selfie", selfie)
    return seen


def shoot(backends, event, work, *pictures: list[str]) -> list[Photo]:
    owner = owner_of(backends, event)
    photos = [
        upload(backends, event, make_jpeg(*people, seed=number), by=owner)
        for number, people in enumerate(pictures)
    ]
    approve(backends, *photos)
    work()
    return photos


def agree(api, event, headers) -> str:
    sent = {"purpose": "search", "version": consent.SEARCH_TEXT_VERSION}
    answer = api.post(f"events/{event.id}/consents", json=sent, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ask(api, event, headers, receipt: str | None, *selfies: bytes):
    """Search with selfies, and a consent unless it is None."""
    given = {} if receipt is None else {"consent": receipt}
    files = [("selfies", ("me.jpg", selfie, "image/jpeg")) for selfie in selfies or (SELFIE,)]
    return api.post(f"events/{event.id}/search", data=given, files=files, headers=headers)


def refine(api, event, headers, receipt: str, result: str, mine=(), not_mine=()):
    sent = {"result": result, "consent": receipt, "mine": list(mine), "not_mine": list(not_mine)}
    return api.post(f"events/{event.id}/search/refine", json=sent, headers=headers)


def refusal(answer) -> tuple[int, str]:
    assert answer.json()["status_code"] == answer.status_code
    return answer.status_code, answer.json()["error"]


def ids(hits: list[dict]) -> set[str]:
    return {hit["photo"]["id"] for hit in hits}


# --- consent -------------------------------------------------------------------------------


def test_the_words_are_those_of_the_page(api, event):
    words = consent.words()

    assert api.get(f"events/{event.id}/consent").json() == {
        "purpose": "search",
        "version": consent.SEARCH_TEXT_VERSION,
        "language": "en",
        "text": words.text,
        "agreement": words.agreement,
    }
    assert "**this event only**" in words.text


def test_a_consent_is_written_down_for_its_visitor(backends, api, event, visitor):
    sent = {"purpose": "search", "version": consent.SEARCH_TEXT_VERSION}

    answer = api.post(f"events/{event.id}/consents", json=sent, headers=visitor)

    with backends.reading() as session:
        receipt = session.exec(select(ConsentReceipt)).one()
    assert receipt.visitor_key == token_hash(visitor["X-Visitor"])
    assert (answer.status_code, answer.json()["id"]) == (201, str(receipt.id))
    assert "visitor_key" not in answer.json()


def test_older_words_are_refused_with_the_version_of_today(api, event, visitor):
    sent = {"purpose": "search", "version": "2020-01"}

    answer = api.post(f"events/{event.id}/consents", json=sent, headers=visitor)

    assert refusal(answer) == (409, "WordsChanged")
    assert consent.SEARCH_TEXT_VERSION in answer.json()["message"]


def test_nobody_in_particular_agrees_to_nothing(api, event):
    sent = {"purpose": "search", "version": consent.SEARCH_TEXT_VERSION}

    answer = api.post(f"events/{event.id}/consents", json=sent)

    assert refusal(answer) == (422, "VisitorNeeded")


def test_a_hidden_event_asks_nobody(backends, api, visitor):
    hidden = make_event(backends, visibility=Visibility.BY_LINK)
    sent = {"purpose": "search", "version": "2020-01"}

    for event_id in (hidden.id, 990_001):
        assert refusal(api.get(f"events/{event_id}/consent")) == (404, "NoSuchEvent")
        answer = api.post(f"events/{event_id}/consents", json=sent, headers=visitor)
        assert refusal(answer) == (404, "NoSuchEvent")


def test_a_consent_is_withdrawn_by_its_visitor_only(api, event, album, visitor):
    receipt, other = agree(api, event, visitor), {"X-Visitor": "w" * 43}

    assert refusal(api.delete(f"consents/{receipt}", headers=other)) == (404, "NoSuchConsent")
    assert refusal(api.delete(f"consents/{some_id()}", headers=visitor)) == (404, "NoSuchConsent")
    assert refusal(api.delete(f"consents/{receipt}")) == (422, "VisitorNeeded")
    assert ask(api, event, visitor, receipt).status_code == 200
    assert api.delete(f"consents/{receipt}", headers=visitor).status_code == 204
    assert refusal(ask(api, event, visitor, receipt)) == (422, "ConsentMissing")


# --- the search ----------------------------------------------------------------------------


def test_a_selfie_finds_its_owners_photos(api, event, album, visitor):
    answer = ask(api, event, visitor, agree(api, event, visitor))

    found = answer.json()
    assert answer.status_code == 200
    assert ids(found["sure"]) == {str(album[0].id), str(album[1].id)}
    assert (ids(found["maybe"]) & ids(found["sure"]), found["searched_photos"]) == (set(), 3)
    assert all(0 <= hit["certainty"] <= 1 and UUID(hit["face_id"]) for hit in found["sure"])
    assert found["sure"][0]["photo"] in api.get(f"events/{event.id}/photos").json()["items"]


def test_an_account_needs_no_visitor_of_its_own(backends, api, event, album, bearer):
    guest = bearer(make_account(backends))

    assert ids(ask(api, event, guest, agree(api, event, guest)).json()["sure"]) == {
        str(album[0].id),
        str(album[1].id),
    }


def test_several_selfies_of_one_person_are_one_search(api, event, album, visitor, looked_at):
    receipt, selfies = agree(api, event, visitor), [make_jpeg("anna", seed=n) for n in range(5)]

    assert len(ask(api, event, visitor, receipt, *selfies).json()["sure"]) == 2
    assert looked_at == selfies
    assert refusal(ask(api, event, visitor, receipt, *selfies, SELFIE)) == (422, "TooManyParts")
    assert refusal(ask(api, event, visitor, receipt, SELFIE, make_jpeg("ben"))) == (422, "NotOnePerson")


def test_no_selfie_is_taken_before_the_consent(api, event, album, visitor, looked_at):
    receipt = agree(api, event, visitor)
    parts = [("selfies", ("me.jpg", SELFIE, "image/jpeg")), ("consent", (None, receipt))]

    answer = api.post(f"events/{event.id}/search", files=parts, headers=visitor)

    assert (refusal(answer), looked_at) == ((422, "ConsentMissing"), [])


def test_selfies_wait_outside_when_the_memory_for_them_is_full(api, event, album, visitor, monkeypatch):
    receipt = agree(api, event, visitor)
    monkeypatch.setattr(api_search, "_ROOM", multipart.Room(100, api_search.TooManySearches))

    answer = ask(api, event, visitor, receipt)

    assert refusal(answer) == (503, "TooManySearches")
    monkeypatch.setattr(api_search, "_ROOM", multipart.Room(2 * len(SELFIE), api_search.TooManySearches))
    for _ in range(3):  # what one request took is given back
        assert ask(api, event, visitor, receipt).status_code == 200


def test_without_a_consent_of_ones_own_for_this_event_in_todays_words_no_face_is_looked_at(
    backends, api, event, album, visitor, looked_at, monkeypatch
):
    withdrawn, outdated = agree(api, event, visitor), agree(api, event, visitor)
    api.delete(f"consents/{withdrawn}", headers=visitor)
    elsewhere = agree(api, make_event(backends), visitor)
    foreign = agree(api, event, {"X-Visitor": "w" * 43})
    monkeypatch.setattr(consent, "SEARCH_TEXT_VERSION", "2027-01")
    today = agree(api, event, visitor)

    wrong = [None, "", "yes", "x" * 65, "é", str(some_id()), withdrawn, outdated, elsewhere, foreign]
    refused = {refusal(ask(api, event, visitor, receipt)) for receipt in wrong}

    assert refused == {(422, "ConsentMissing")}
    assert looked_at == []
    assert ask(api, event, visitor, today).status_code == 200


@pytest.mark.parametrize(
    ("selfie", "error"),
    [
        (b"no picture", "UnsupportedType"),
        (b"", "EmptyFile"),
        (make_jpeg(), "NoFace"),
        (make_jpeg("anna", "ben"), "SeveralFaces"),
        (make_jpeg("anna:small"), "FaceTooSmall"),
    ],
)
def test_what_is_no_selfie_is_refused_kindly(api, event, album, visitor, selfie, error):
    assert refusal(ask(api, event, visitor, agree(api, event, visitor), selfie)) == (422, error)


def test_a_selfie_too_big_is_refused_before_its_end(backends, api, event, visitor, looked_at):
    backends.settings.max_selfie_mib = 1

    answer = ask(api, event, visitor, agree(api, event, visitor), bytes(2**20 + 1))

    assert (refusal(answer), looked_at) == ((413, "FileTooBig"), [])


def test_a_part_that_nobody_asked_for_is_refused(api, event, visitor, looked_at):
    parts = [("consent", (None, agree(api, event, visitor))), ("selfie", ("a.jpg", SELFIE, "image/jpeg"))]

    answer = api.post(f"events/{event.id}/search", files=parts, headers=visitor)

    assert (refusal(answer), looked_at) == ((422, "UnknownPart"), [])


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"files": [("selfie", ("a.jpg", SELFIE, "image/jpeg"))]}, "ConsentMissing"),
        ({"json": {"consent": str(some_id())}}, "NoForm"),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "BrokenForm"),
    ],
)
def test_what_is_no_form_of_selfies_is_refused(api, event, visitor, sent, error):
    headers = visitor | sent.pop("headers", {})

    assert refusal(api.post(f"events/{event.id}/search", headers=headers, **sent)) == (422, error)


def test_a_consent_without_a_selfie_searches_nothing(api, event, album, visitor):
    parts = [("consent", (None, agree(api, event, visitor)))]

    answer = api.post(f"events/{event.id}/search", files=parts, headers=visitor)

    assert refusal(answer) == (422, "InvalidInput")


def test_a_selfie_never_touches_the_disk_and_is_let_go_of(backends, api, event, album, visitor, monkeypatch):
    given: list[list[bytes]] = []
    real = api_search.search.by_selfies

    def by_selfies(backends, event_id, pictures, **others) -> Found:
        given.append(pictures)
        return real(backends, event_id, pictures, **others)

    monkeypatch.setattr(api_search.search, "by_selfies", by_selfies)
    monkeypatch.setattr(MultiPartParser, "__init__", None)  # it would spool
    before = sorted(backends.settings.data.rglob("*"))

    answers = [ask(api, event, visitor, agree(api, event, visitor), one) for one in (SELFIE, make_jpeg())]

    assert [answer.status_code for answer in answers] == [200, 422]
    assert given == [[], []]
    assert sorted(backends.settings.data.rglob("*")) == before


def test_a_selfie_searches_no_other_event(backends, api, event, album, visitor, work):
    other = make_event(backends)
    shoot(backends, other, work, ["anna"])

    found = ask(api, event, visitor, agree(api, event, visitor)).json()

    assert {hit["photo"]["event_id"] for hit in found["sure"]} == {event.id}
    assert refusal(ask(api, other, visitor, agree(api, event, visitor))) == (422, "ConsentMissing")


def test_what_is_not_public_is_not_found(backends, api, event, album, visitor):
    with backends.transaction() as session:
        session.get_one(Photo, album[0].id).review = Review.REJECTED

    found = ask(api, event, visitor, agree(api, event, visitor)).json()

    assert (ids(found["sure"]), found["searched_photos"]) == ({str(album[1].id)}, 2)


def test_who_may_not_see_an_event_does_not_search_it(backends, api, visitor, looked_at, bearer):
    hidden = make_event(backends, visibility=Visibility.BY_LINK)
    draft = make_event(backends, status=EventStatus.DRAFT)
    organiser = bearer(owner_of(backends, make_event(backends)))

    for headers in (visitor, organiser):
        for event in (hidden, draft, type(hidden)(id=990_001)):
            assert refusal(ask(api, event, headers, str(some_id()))) == (404, "NoSuchEvent")
            answer = refine(api, event, headers, str(some_id()), "x")
            assert refusal(answer) == (404, "NoSuchEvent")
    assert refusal(ask(api, hidden, {}, None)) == (422, "VisitorNeeded")
    assert looked_at == []


def test_searches_are_counted_by_visitor_address_and_link(backends, api, visitor, monkeypatch):
    event = make_event(backends, visibility=Visibility.BY_LINK)
    link = sharing.create(backends, event.id, by=owner_of(backends, event))
    token = sharing.address(backends, link).partition("share=")[2]
    viewer = Viewer(token_hash(visitor["X-Visitor"]))
    sharing.open_link(backends, token, by=viewer)
    taken: list[tuple[str, object]] = []
    monkeypatch.setattr(limits, "take", lambda _, bucket, key: taken.append((bucket.name, key)))

    ask(api, event, visitor, None)

    searching = [one for one in taken if one[0].startswith("search")]
    assert searching == [
        ("search", viewer.visitor_key),
        ("search_address", "testclient"),
        ("search_link", link.id),
    ]


def test_too_many_searches_wait(backends, api, event, visitor):
    for _ in range(limits.SEARCH.size):
        limits.take(backends, limits.SEARCH, token_hash(visitor["X-Visitor"]))

    answer = ask(api, event, visitor, agree(api, event, visitor))

    assert refusal(answer) == (429, "TooOften")
    assert int(answer.headers["Retry-After"]) > 0


# --- the person's own words ----------------------------------------------------------------


def test_a_face_that_is_not_theirs_leaves_the_result(api, event, album, visitor):
    receipt = agree(api, event, visitor)
    found = ask(api, event, visitor, receipt).json()
    wrong = next(hit for hit in found["sure"] if hit["photo"]["id"] == str(album[1].id))

    answer = refine(api, event, visitor, receipt, found["result"], not_mine=[wrong["face_id"]])

    assert answer.status_code == 200, answer.text
    assert str(album[1].id) not in ids(answer.json()["sure"] + answer.json()["maybe"])


def test_the_result_of_a_refined_search_is_the_first_ones(api, event, album, visitor):
    receipt = agree(api, event, visitor)
    found = ask(api, event, visitor, receipt).json()
    mine = [found["sure"][0]["face_id"]]

    once = refine(api, event, visitor, receipt, found["result"], mine=mine).json()
    taken_back = refine(api, event, visitor, receipt, once["result"]).json()

    assert once["result"] == found["result"]
    assert once["sure"][0]["certainty"] > 0.99
    assert ids(taken_back["sure"]) == ids(found["sure"])


def test_a_face_that_no_search_showed_is_not_searched_with(backends, api, event, album, visitor):
    receipt = agree(api, event, visitor)
    found = ask(api, event, visitor, receipt).json()
    other = {"X-Visitor": "w" * 43}
    bens = ask(api, event, other, agree(api, event, other), make_jpeg("ben")).json()
    shown = {hit["face_id"] for hit in found["sure"] + found["maybe"]}
    his = [hit["face_id"] for hit in bens["sure"] if hit["face_id"] not in shown]

    refined = refine(api, event, visitor, receipt, found["result"], mine=his).json()

    assert his
    assert str(album[2].id) not in ids(refined["sure"])


def test_nobody_learns_of_anothers_search(backends, api, event, album, visitor):
    receipt, other = agree(api, event, visitor), {"X-Visitor": "w" * 43}
    result = ask(api, event, visitor, receipt).json()["result"]

    answer = refine(api, event, other, agree(api, event, other), result)

    assert refusal(answer) == (422, "ResultUnknown")
    assert refusal(refine(api, event, other, receipt, result)) == (422, "ResultUnknown")
    assert refusal(refine(api, event, {}, receipt, result)) == (422, "VisitorNeeded")


def test_a_result_is_of_its_event_signed_and_an_hour_old_at_most(
    backends, api, event, album, visitor, monkeypatch
):
    other = make_event(backends)
    receipt, elsewhere = agree(api, event, visitor), agree(api, other, visitor)
    result = ask(api, event, visitor, receipt).json()["result"]

    assert refusal(refine(api, other, visitor, elsewhere, result)) == (422, "ResultUnknown")
    for wrong in ("", "x", result[:-1], "x" + result):
        assert refusal(refine(api, event, visitor, receipt, wrong)) == (422, "ResultUnknown")
    later = backends.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(backends, "now", lambda: later)
    assert refusal(refine(api, event, visitor, receipt, result)) == (422, "ResultUnknown")


def test_a_result_of_faces_that_were_sorted_anew_is_outdated(backends, api, event, album, visitor):
    receipt = agree(api, event, visitor)
    result = ask(api, event, visitor, receipt).json()["result"]
    viewer = Viewer(token_hash(visitor["X-Visitor"]))
    known = result_tokens.read(backends, event.id, result, by=viewer)
    gone = Found([], [], 0, (known.index_id or 0) + 1)
    anew = result_tokens.write(backends, event.id, gone, by=viewer)

    assert refusal(refine(api, event, visitor, receipt, anew)) == (409, "ResultOutdated")


def test_words_need_the_consent_too(api, event, album, visitor):
    receipt = agree(api, event, visitor)
    result = ask(api, event, visitor, receipt).json()["result"]
    api.delete(f"consents/{receipt}", headers=visitor)

    assert refusal(refine(api, event, visitor, receipt, result)) == (422, "ConsentMissing")
    assert refusal(refine(api, event, visitor, str(some_id()), result)) == (422, "ConsentMissing")


def test_only_counts_of_a_search_are_kept(backends, api, event, album, visitor):
    receipt = agree(api, event, visitor)
    result = ask(api, event, visitor, receipt).json()["result"]
    refine(api, event, visitor, receipt, result)

    with backends.reading() as session:
        kinds = (ActivityKind.SEARCH, ActivityKind.FEEDBACK)
        kept = session.exec(select(Activity).where(Activity.kind.in_(kinds)).order_by(Activity.id)).all()
    assert [one.numbers for one in kept] == [{"sure": 2, "maybe": 0}, {"mine": 0, "not_mine": 0}]


def test_members_get_addresses_for_programs(backends, api, event, album, bearer):
    member = bearer(make_member(backends, event, MemberRole.ANALYST))

    found = ask(api, event, member, agree(api, event, member)).json()

    url = found["sure"][0]["photo"]["renditions"][0]["url"]
    assert "/api/v1/photos/" in url
    assert api.get(url, headers=member).status_code == 200
