"""Events over HTTP: found, made, changed; and by whom not (T22, T23, T32)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event as listening

from core import covers, events, galleries, keys, sharing
from models.account import ApiScope, Role
from models.event import Event, EventMember, EventStatus, MemberRole, Visibility
from models.photo import Review
from tests.makers import make_account, make_event, make_member, make_photo, owner_of, some_id

NEW = {"name": "River Run", "held_on": "2026-10-17"}


@pytest.fixture
def organiser(backends):
    return make_account(backends, Role.ORGANISER)


@pytest.fixture
def event(backends, organiser) -> Event:
    return make_event(backends, organiser, visibility=Visibility.BY_LINK)


@pytest.fixture
def owner(bearer, organiser) -> dict[str, str]:
    return bearer(organiser)


def ids(answer) -> list[int]:
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()["items"]]


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


# --- listing -------------------------------------------------------------------------------


def test_everyone_finds_open_listed_events_the_latest_first(backends, api, visitor, organiser):
    first, second, third = (make_event(backends, held_on=date(2026, 1, day)) for day in (1, 3, 2))
    make_event(backends, visibility=Visibility.BY_LINK)
    make_event(backends, status=EventStatus.DRAFT)
    make_event(backends, expires_at=backends.now() - timedelta(days=1))

    found = [ids(api.get("events", headers=who)) for who in ({}, visitor)]
    oldest = ids(api.get("events", params={"sort": "held_on"}))

    assert found == [[second.id, third.id, first.id]] * 2
    assert oldest == [first.id, third.id, second.id]


def test_events_come_page_by_page_in_both_orders_also_where_days_are_the_same(backends, api):
    made = [make_event(backends, held_on=date(2026, 1, day)).id for day in (1, 2, 2, 2, 3)]

    for sort, expected in (("held_on", made), ("-held_on", made[::-1])):
        seen, params = [], {"limit": 2, "sort": sort}
        while True:
            answer = api.get("events", params=params)
            seen += ids(answer)
            if (cursor := answer.json()["next_cursor"]) is None:
                break
            params["cursor"] = cursor
        assert seen == expected


def test_a_cursor_goes_on_in_its_own_order_only(backends, api):
    for _ in range(2):
        make_event(backends)
    cursor = api.get("events", params={"limit": 1}).json()["next_cursor"]

    answer = api.get("events", params={"cursor": cursor, "sort": "held_on"})

    assert error(answer) == (422, "CursorUnknown")


def test_ones_own_events_are_listed_in_any_status_and_admins_have_all(
    backends, api, event, organiser, bearer
):
    draft = make_event(backends, organiser, status=EventStatus.DRAFT)
    foreign = make_event(backends)
    admin = make_account(backends, Role.ADMIN)

    mine = api.get("events", params={"mine": True}, headers=bearer(organiser))
    every = api.get("events", params={"mine": True}, headers=bearer(admin))
    drafts = api.get("events", params={"mine": True, "status": "draft"}, headers=bearer(organiser))

    assert ids(mine) == [draft.id, event.id]
    assert ids(every) == [foreign.id, draft.id, event.id]
    assert ids(drafts) == [draft.id]


def test_a_status_lets_nobody_find_what_is_not_open(backends, api):
    make_event(backends, status=EventStatus.DRAFT)
    open_one = make_event(backends, status=EventStatus.SHOOTING)

    assert ids(api.get("events", params={"status": "draft"})) == []
    assert ids(api.get("events", params={"status": "shooting"})) == [open_one.id]


def test_events_are_searched_by_their_words(backends, api):
    hill = make_event(backends, name="Hill Run", place="Chiang Mai")
    make_event(backends, name="Sunday")

    assert ids(api.get("events", params={"text": "chiang"})) == [hill.id]
    assert ids(api.get("events", params={"text": "%"})) == []


NO_LISTS = [
    {"text": "x" * 81},
    {"text": "a\0b"},
    {"status": "gone"},
    {"sort": "name"},
    {"limit": 0},
    {"limit": 201},
    {"mine": "perhaps"},
    {"cursor": "guess"},
]


def test_what_cannot_be_listed_is_refused(api):
    answers = [api.get("events", params=params).status_code for params in NO_LISTS]

    assert answers == [422] * len(NO_LISTS)


def test_ones_own_events_need_an_account(api, visitor):
    for who in ({}, visitor):
        assert error(api.get("events", params={"mine": True}, headers=who)) == (401, "SignInNeeded")


def test_a_bad_token_is_not_taken_for_nobody(backends, api):
    event, bad = make_event(backends), {"Authorization": "Bearer guess"}

    assert [api.get(path, headers=bad).status_code for path in ("events", f"events/{event.id}")] == [401, 401]


# --- one event -----------------------------------------------------------------------------


def test_an_event_is_answered_whole(backends, api):
    event = make_event(backends, name="Hill Run", slug="hill-run", place="Chiang Mai")

    answer = api.get(f"events/{event.id}")

    assert (answer.status_code, answer.headers["etag"][:3]) == (200, 'W/"')
    assert answer.json() == {
        "id": event.id,
        "slug": "hill-run",
        "name": "Hill Run",
        "held_on": "2026-10-17",
        "time_zone": "Asia/Bangkok",
        "place": "Chiang Mai",
        "description": "",
        "price_amount": 12_000,
        "currency": "THB",
        "status": "on_sale",
        "visibility": "listed",
        "expires_at": None,
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
        "page_url": "http://localhost:8501/gallery?event=hill-run",
    }


def test_members_see_an_event_in_any_status_others_do_not_know_of_it(
    backends, api, event, owner, bearer, visitor
):
    events.set_status(backends, event.id, EventStatus.DRAFT, by=owner_of(backends, event))
    door = bearer(make_member(backends, event, MemberRole.DOOR))
    outsiders = [
        {},
        visitor,
        bearer(make_account(backends)),
        bearer(owner_of(backends, make_event(backends))),
    ]

    seen = [api.get(f"events/{event.id}", headers=who).status_code for who in (owner, door)]
    unseen = [error(api.get(f"events/{event.id}", headers=who)) for who in outsiders]

    assert seen == [200, 200]
    assert unseen == [(404, "NoSuchEvent")] * 4


def test_an_event_by_link_is_seen_by_who_opened_the_link(backends, api, event, visitor):
    link = sharing.create(backends, event.id, by=owner_of(backends, event))
    before = api.get(f"events/{event.id}", headers=visitor).status_code

    api.post("visits", json={"link": sharing.address(backends, link)}, headers=visitor)

    assert (before, api.get(f"events/{event.id}", headers=visitor).status_code) == (404, 200)
    assert api.get(f"events/{event.id}").status_code == 404


def test_a_number_that_is_no_id_is_refused_and_an_unknown_one_not_found(api):
    none = [api.get(f"events/{one}").status_code for one in ("0", "-1", 2**31, "9" * 30, "x", "1.5", "%00")]
    unknown = [error(api.get(f"events/{one}")) for one in (999_999, 2**31 - 1)]

    assert none == [422] * 7
    assert unknown == [(404, "NoSuchEvent")] * 2


def test_an_event_is_answered_with_few_questions_to_the_database(backends, api, bearer):
    event = make_event(backends)
    guest = bearer(make_account(backends))
    api.get(f"events/{event.id}", headers=guest)

    asked = {}
    for name, headers in (("nobody", {}), ("a guest", guest)):
        with counting(backends) as count:
            api.get(f"events/{event.id}", headers=headers)
        asked[name] = len(count)

    assert asked["nobody"] <= 1
    assert asked["a guest"] <= 4


@contextmanager
def counting(backends) -> Iterator[list[str]]:
    """The questions that the database is asked meanwhile."""
    found = []

    def note(_connection, _cursor, statement, *_) -> None:
        if statement.startswith("SELECT"):
            found.append(statement)

    listening.listen(backends.engine, "before_cursor_execute", note)
    yield found
    listening.remove(backends.engine, "before_cursor_execute", note)


# --- making and changing -------------------------------------------------------------------


def test_an_organiser_makes_a_draft(backends, api, organiser, owner):
    answer = api.post("events", json=NEW | {"name": "  River Run "}, headers=owner)

    made = answer.json()
    assert answer.status_code == 201
    assert (made["name"], made["slug"], made["status"]) == ("River Run", "river-run", "draft")
    assert (made["visibility"], made["time_zone"], made["price_amount"]) == ("by_link", "Asia/Bangkok", 0)
    with backends.reading() as session:
        assert session.get_one(EventMember, (made["id"], organiser.id)).role is MemberRole.CO_ORGANISER
    assert len(galleries.listing(backends, made["id"], by=organiser)) == 1


def test_an_event_is_made_once_for_one_key(api, owner):
    headers = owner | {"Idempotency-Key": "the-very-first"}

    answers = [api.post("events", json=NEW, headers=headers).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(ids(api.get("events", params={"mine": True}, headers=owner))) == 1


NO_EVENTS = [
    {"name": ""},
    {"name": "   "},
    {"name": "x" * 121},
    {"name": "a\0b"},
    {"held_on": "yesterday"},
    {"held_on": "0001-01-01"},
    {"held_on": "9999-12-31"},
    {"held_on": "2026-02-30"},
    {"time_zone": "Mars/Olympus"},
    {"time_zone": "Asia"},
    {"time_zone": "x" * 65},
    {"time_zone": "../etc/passwd"},
    {"time_zone": "zone.tab"},
    {"place": "x" * 121},
    {"description": "x" * 2001},
    {"price_amount": -1},
    {"price_amount": 100_000_001},
    {"price_amount": 10**30},
    {"price_amount": 0.5},
    {"visibility": "secret"},
    {"expires_at": "2026-10-17T00:00:00"},
    {"expires_at": "0001-01-01T00:00:00+14:00"},
    {"expires_at": "9999-12-31T23:59:59-14:00"},
    {"expires_at": "9999-12-31T23:59:59Z"},
    {"expires_at": 1e300},
    {"status": "on_sale"},
    {"created_by": 1},
    {"currency": "USD"},
    {"slug": "mine"},
]


def test_what_cannot_be_an_event_is_refused_and_changes_nothing(api, event, owner):
    before = api.get(f"events/{event.id}", headers=owner).json()

    made = [api.post("events", json=NEW | fields, headers=owner).status_code for fields in NO_EVENTS]
    changed = [
        api.patch(f"events/{event.id}", json=fields, headers=owner).status_code for fields in NO_EVENTS
    ]

    assert made == changed == [422] * len(NO_EVENTS)
    assert api.get(f"events/{event.id}", headers=owner).json() == before
    assert ids(api.get("events", params={"mine": True}, headers=owner)) == [event.id]


def test_the_first_and_the_last_days_are_told_in_any_zone(backends, api, owner):
    zones = ("Pacific/Kiritimati", "Etc/GMT+12")
    wanted = [
        NEW | {"held_on": day, "time_zone": zone, "expires_at": f"{day}T12:00:00Z"}
        for day in ("1826-01-01", "2199-12-31")
        for zone in zones
    ]

    answers = [api.post("events", json=one, headers=owner) for one in wanted]

    assert [answer.json()["expires_at"] for answer in answers] == [one["expires_at"] for one in wanted]
    with backends.reading() as session:
        made = [session.get_one(Event, answer.json()["id"]) for answer in answers]
    assert [event.held_on.isoformat() for event in made] == [one["held_on"] for one in wanted]
    assert all(event.expires_at.astimezone(event.zone) == event.expires_at for event in made)


@pytest.mark.parametrize("role", [Role.PHOTOGRAPHER, Role.ANALYST, Role.GUEST])
def test_only_organisers_and_admins_make_events(backends, api, bearer, role):
    answer = api.post("events", json=NEW, headers=bearer(make_account(backends, role)))

    assert error(answer) == (403, "Forbidden")


def test_a_change_leaves_what_it_does_not_name(api, event, owner):
    before = api.get(f"events/{event.id}", headers=owner).json()
    ends = {"expires_at": "2030-01-01T07:00:00+07:00"}

    named = api.patch(f"events/{event.id}", json={"name": " Hill Run ", "place": None}, headers=owner)
    ended = api.patch(f"events/{event.id}", json=ends, headers=owner)
    endless = api.patch(f"events/{event.id}", json={"expires_at": None}, headers=owner)

    assert named.json() == before | {"name": "Hill Run"}
    assert ended.json() == before | {"name": "Hill Run", "expires_at": "2030-01-01T00:00:00Z"}
    assert endless.json() == named.json()
    assert api.patch(f"events/{event.id}", json={}, headers=owner).json() == named.json()


def test_the_status_moves(api, event, owner):
    answer = api.put(f"events/{event.id}/status", json={"status": "closed"}, headers=owner)

    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    assert api.put(f"events/{event.id}/status", json={"status": "gone"}, headers=owner).status_code == 422


def test_the_cover_is_a_photo_of_the_event(backends, api, event, owner):
    early = datetime(2026, 10, 16, tzinfo=UTC)
    second, first = make_photo(backends, event), make_photo(backends, event, taken_at=early)
    foreign = make_photo(backends, make_event(backends))
    path = f"events/{event.id}/cover"
    before = api.get(path, headers=owner).json()

    chosen = api.put(path, json={"photo_id": str(second.id)}, headers=owner)
    refused = [
        api.put(path, json={"photo_id": str(one)}, headers=owner).status_code
        for one in (foreign.id, some_id())
    ]

    assert (chosen.status_code, chosen.content, refused) == (204, b"", [404, 404])
    assert before == {"photo_id": str(first.id)}
    assert api.get(path, headers=owner).json() == {"photo_id": str(second.id)}


def test_the_cover_is_one_that_its_reader_sees(backends, api, event, visitor):
    by = owner_of(backends, event)
    finish = galleries.add(backends, event.id, "Finish", by=by)
    unseen, seen = make_photo(backends, event), make_photo(backends, event, gallery_id=finish.id)
    covers.choose(backends, event.id, unseen.id, by=by)
    link = sharing.create(backends, event.id, gallery_id=finish.id, by=by)
    before = error(api.get(f"events/{event.id}/cover", headers=visitor))

    api.post("visits", json={"link": sharing.address(backends, link)}, headers=visitor)

    assert before == (404, "NoSuchEvent")
    assert api.get(f"events/{event.id}/cover", headers=visitor).json() == {"photo_id": str(seen.id)}


def test_an_event_without_a_photo_has_no_cover(backends, api):
    assert error(api.get(f"events/{make_event(backends).id}/cover")) == (404, "NotFound")


def test_photos_are_counted(backends, api, event, owner):
    make_photo(backends, event, face_count=2)
    make_photo(backends, event, review=Review.REJECTED, face_count=None)

    answer = api.get(f"events/{event.id}/counts", headers=owner)

    counted = {"uploaded": 2, "indexed": 2, "pending": 0, "approved": 1, "rejected": 1, "faces": 2}
    assert answer.json() == counted


ROUTES = {
    "change_event": ("PATCH", "", {"name": "Mine now"}),
    "set_event_status": ("PUT", "/status", {"status": "draft"}),
    "set_event_cover": ("PUT", "/cover", {"photo_id": str(some_id())}),
    "count_event_photos": ("GET", "/counts", None),
}


@pytest.mark.parametrize("route", ROUTES)
def test_events_of_others_stay_as_they_are(backends, api, bearer, visitor, route):
    event = make_event(backends)  # listed: everybody may know of it
    method, path, body = ROUTES[route]
    photographer = bearer(make_member(backends, event, MemberRole.PHOTOGRAPHER))
    outsiders = [bearer(make_account(backends)), bearer(owner_of(backends, make_event(backends)))]

    def status(who) -> int:
        return api.request(method, f"events/{event.id}{path}", json=body, headers=who).status_code

    assert [status({}), status(visitor)] == [401, 401]
    assert [status(who) for who in outsiders] == [404, 404]
    assert status(photographer) == (200 if method == "GET" else 403)
    with backends.reading() as session:
        assert session.get_one(Event, event.id) == event


def test_a_key_does_no_more_than_its_scopes(backends, api, event):
    _, secret = keys.create(backends, "booth", [ApiScope.EVENTS_READ], None, by=owner_of(backends, event))
    key = {"X-API-Key": secret}

    assert api.get(f"events/{event.id}", headers=key).status_code == 200
    assert error(api.patch(f"events/{event.id}", json={}, headers=key)) == (403, "ScopeMissing")
