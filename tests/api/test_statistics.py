"""What events sold, over HTTP: for those who may analyse, and never who bought."""

from datetime import UTC, datetime

import pytest
from sqlmodel import update

from core import carts, checkouts, payments
from core.gateway import PaymentState
from models.account import Role
from models.event import MemberRole
from models.order import Order
from tests.makers import add_member, make_account, make_event, make_member, make_photo, make_viewer

EMAIL = "secret.runner@example.org"


def sell(backends, *photos) -> Order:
    """A paid order of these photos, on the 17th."""
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id for photo in photos])
    order = checkouts.place(backends, viewer, EMAIL)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)
    with backends.transaction() as session:
        session.execute(update(Order).values(paid_at=datetime(2026, 10, 17, 3, 0, tzinfo=UTC)))
    return order


@pytest.fixture
def event(backends):
    return make_event(backends, name="City Run", price_amount=12_000)


def test_an_events_sales_are_whole_numbers_of_minor_units(backends, api, bearer, event):
    one, two = (make_photo(backends, event, filename=f"IMG_{number}.jpg") for number in (1, 2))
    sell(backends, one, two)
    sell(backends, one)

    answer = api.get(
        f"/events/{event.id}/sales", headers=bearer(make_member(backends, event, MemberRole.ANALYST))
    )

    assert answer.json() == {
        "event_id": event.id,
        "event_name": "City Run",
        "currency": "THB",
        "revenue_amount": 36_000,
        "order_count": 2,
        "photo_count": 3,
        "average_amount": 18_000,
        "days": [{"day": "2026-10-17", "revenue_amount": 36_000, "photo_count": 3}],
        "best": [
            {"photo_id": str(one.id), "filename": "IMG_1.jpg", "sold_count": 2},
            {"photo_id": str(two.id), "filename": "IMG_2.jpg", "sold_count": 1},
        ],
    }
    assert "." not in answer.text.replace(".jpg", "")


def test_an_event_without_sales_has_zeros(backends, api, bearer, event):
    headers = bearer(make_account(backends, Role.ADMIN))

    found = api.get(f"/events/{event.id}/sales", headers=headers).json()

    assert (found["revenue_amount"], found["average_amount"], found["days"], found["best"]) == (0, 0, [], [])


def test_all_events_stand_side_by_side_page_by_page(backends, api, bearer, event):
    analyst = make_member(backends, event, MemberRole.ANALYST)
    more = [make_event(backends) for _ in range(2)]
    for other in more:
        add_member(backends, other, analyst, MemberRole.CO_ORGANISER)
    add_member(backends, make_event(backends), analyst, MemberRole.DOOR)
    make_event(backends)
    sell(backends, make_photo(backends, event))
    headers = bearer(analyst)

    first = api.get("/sales?limit=2", headers=headers).json()
    second = api.get(f"/sales?limit=2&cursor={first['next_cursor']}", headers=headers).json()

    assert [line["event_id"] for line in first["items"]] == [more[1].id, more[0].id]
    assert second == {
        "items": [
            {
                "event_id": event.id,
                "event_name": "City Run",
                "currency": "THB",
                "revenue_amount": 12_000,
                "order_count": 1,
                "photo_count": 1,
            }
        ],
        "next_cursor": None,
    }


def test_nothing_tells_who_bought(backends, api, bearer, event):
    order = sell(backends, make_photo(backends, event))
    headers = bearer(make_account(backends, Role.ADMIN))

    told = (
        api.get(f"/events/{event.id}/sales", headers=headers).text + api.get("/sales", headers=headers).text
    )

    for secret in (EMAIL, order.visitor_key, str(order.id)):
        assert secret not in told


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.DOOR])
def test_members_with_another_part_may_not_know(backends, api, bearer, event, role):
    headers = bearer(make_member(backends, event, role))

    assert api.get(f"/events/{event.id}/sales", headers=headers).status_code == 403
    assert api.get("/sales", headers=headers).json()["items"] == []


def test_to_strangers_there_is_no_such_event(backends, api, bearer, event):
    make_event(backends, stranger := make_account(backends, Role.ORGANISER))
    headers = [bearer(stranger), bearer(make_account(backends, Role.ANALYST)), bearer(make_account(backends))]

    refusals = {
        (answer.status_code, answer.json()["error"])
        for one in headers
        for event_id in (event.id, 990_001)
        for answer in [api.get(f"/events/{event_id}/sales", headers=one)]
    }

    assert refusals == {(404, "NoSuchEvent")}


def test_without_an_account_there_are_no_statistics(api, visitor, event):
    for headers in ({}, visitor):
        for path in ("/sales", f"/events/{event.id}/sales"):
            assert api.get(path, headers=headers).status_code == 401
