"""Coupons over HTTP."""

import pytest

from core import carts, checkouts
from models.account import Role
from models.event import Event, MemberRole
from tests.makers import make_account, make_event, make_member, make_photo, make_viewer, owner_of


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends)


@pytest.fixture
def seller(backends, bearer, event):
    return bearer(owner_of(backends, event))


def make(api, headers, event: Event, **sent):
    return api.post(
        f"/events/{event.id}/coupons", json={"code": "Runner10", "percent": 10} | sent, headers=headers
    )


def test_a_coupon_is_made_and_listed_with_how_often_it_is_used(backends, api, event, seller):
    made = make(api, seller, event, limit=2, valid_until="2099-01-01T00:00:00Z")
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id])
    carts.enter_coupon(backends, viewer, "RUNNER10")
    checkouts.place(backends, viewer, "runner@example.org")

    (listed,) = api.get(f"/events/{event.id}/coupons", headers=seller).json()["items"]

    coupon = made.json()
    assert made.status_code == 201
    assert coupon == {
        "id": coupon["id"],
        "event_id": event.id,
        "code": "RUNNER10",
        "percent": 10,
        "amount": None,
        "limit": 2,
        "limit_per_buyer": None,
        "valid_from": None,
        "valid_until": "2099-01-01T00:00:00Z",
        "created_at": coupon["created_at"],
        "ended_at": None,
        "use_count": 0,
    }
    assert listed == coupon | {"use_count": 1}


def test_coupons_are_listed_page_by_page_the_newest_first(api, event, seller):
    codes = [make(api, seller, event, code=f"CODE{number}").json()["code"] for number in range(3)]

    first = api.get(f"/events/{event.id}/coupons?limit=2", headers=seller).json()
    second = api.get(
        f"/events/{event.id}/coupons?limit=2&cursor={first['next_cursor']}", headers=seller
    ).json()

    assert [one["code"] for one in (*first["items"], *second["items"])] == codes[::-1]
    assert second["next_cursor"] is None


def test_a_coupon_that_was_taken_back_stays_in_the_list_and_its_code_stays_taken(api, event, seller):
    coupon = make(api, seller, event).json()
    address = f"/events/{event.id}/coupons/{coupon['id']}"

    ended = [api.delete(address, headers=seller).status_code for _ in range(2)]
    again = make(api, seller, event)

    (listed,) = api.get(f"/events/{event.id}/coupons", headers=seller).json()["items"]
    assert ended == [204, 204]
    assert listed["ended_at"] is not None
    assert (again.status_code, again.json()["error"]) == (409, "CodeTaken")


def test_making_one_twice_with_one_key_makes_one(api, event, seller):
    headers = seller | {"Idempotency-Key": "coupon-of-the-day"}

    answers = [make(api, headers, event) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    "sent",
    [
        {"code": "no"},
        {"code": "two words"},
        {"percent": 101},
        {"percent": 0},
        {"percent": None},
        {"amount": 500},
        {"percent": None, "amount": 0},
        {"limit": 0},
        {"limit": 2**70},
        {"valid_until": "9999-12-31T23:59:59Z"},
        {"valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"},
        {"use_count": 0},
        {"event_id": 1},
    ],
)
def test_what_cannot_be_a_coupon_is_refused(api, event, seller, sent):
    assert make(api, seller, event, **sent).status_code == 422
    assert api.get(f"/events/{event.id}/coupons", headers=seller).json()["items"] == []


def test_a_coupon_of_another_event_is_not_ended(backends, api, bearer, event, seller):
    coupon = make(api, seller, event).json()
    other = make_event(backends)
    stranger = bearer(owner_of(backends, other))

    answers = [
        api.delete(f"/events/{event_id}/coupons/{coupon['id']}", headers=stranger)
        for event_id in (event.id, other.id)
    ]

    assert [answer.json()["error"] for answer in answers] == ["NoSuchEvent", "NoSuchCoupon"]
    assert api.get(f"/events/{event.id}/coupons", headers=seller).json()["items"][0]["ended_at"] is None


def test_coupons_are_the_business_of_those_only_who_sell(backends, api, bearer, event, seller, visitor):
    coupon = make(api, seller, event).json()
    parts = [make_member(backends, event, role) for role in MemberRole if role != MemberRole.CO_ORGANISER]
    others = [make_account(backends, role) for role in Role if role is not Role.ADMIN]
    callers = {401: [{}, visitor], 403: map(bearer, parts), 404: map(bearer, others)}

    found = {
        (status, answer.status_code)
        for status, several in callers.items()
        for headers in several
        for answer in (
            make(api, headers, event, code="OTHER"),
            api.get(f"/events/{event.id}/coupons", headers=headers),
            api.delete(f"/events/{event.id}/coupons/{coupon['id']}", headers=headers),
        )
    }

    assert found == {(401, 401), (403, 403), (404, 404)}
