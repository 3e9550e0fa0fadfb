"""The cart over HTTP: a visitor's, at our prices."""

import pytest

from models.event import Event, EventStatus
from models.photo import Photo, Review
from tests.makers import gallery_of, make_account, make_event, make_photo, some_id


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, price_amount=12_000)


@pytest.fixture
def photo(backends, event) -> Photo:
    return make_photo(backends, event, filename="IMG_7.jpg")


def put(api, headers, *photos: Photo):
    """What putting photos into the cart is answered."""
    return api.post("/cart/photos", json={"photo_ids": [str(photo.id) for photo in photos]}, headers=headers)


def test_a_photo_is_put_into_the_cart_at_our_price(backends, api, visitor, event, photo):
    answer = put(api, visitor, photo)

    found = answer.json()
    thumbnail = found["items"][0].pop("thumbnail_url")
    assert answer.status_code == 200
    assert found == {
        "items": [
            {
                "photo_id": str(photo.id),
                "event_id": event.id,
                "label": f"{event.name} · IMG_7.jpg",
                "amount": 12_000,
                "currency": "THB",
                "is_bought": False,
            }
        ],
        "total_amount": 12_000,
        "currency": "THB",
        "unavailable": [],
    }
    assert api.get("/cart", headers=visitor).json()["total_amount"] == 12_000
    assert thumbnail.startswith("http://localhost:8501/img/")
    assert api.get(thumbnail).status_code == 200


def test_an_empty_cart_costs_nothing(api, visitor):
    answer = api.get("/cart", headers=visitor)

    assert answer.json() == {"items": [], "total_amount": 0, "currency": "THB", "unavailable": []}


def test_putting_a_photo_in_twice_is_once(api, visitor, photo):
    put(api, visitor, photo, photo)

    again = put(api, visitor, photo)

    assert len(again.json()["items"]) == 1


def test_photos_are_taken_out_one_by_one_or_all(backends, api, visitor, event, photo):
    others = [make_photo(backends, event) for _ in range(2)]
    put(api, visitor, photo, *others)

    one = api.delete(f"/cart/photos/{photo.id}", headers=visitor)
    again = api.delete(f"/cart/photos/{photo.id}", headers=visitor)
    left = api.get("/cart", headers=visitor).json()
    everything = api.delete("/cart", headers=visitor)

    assert [one.status_code, again.status_code, everything.status_code] == [204, 204, 204]
    assert {item["photo_id"] for item in left["items"]} == {str(other.id) for other in others}
    assert api.get("/cart", headers=visitor).json()["items"] == []


def test_what_was_withdrawn_is_named_and_not_part_of_the_total(backends, api, visitor, event, photo):
    put(api, visitor, photo, make_photo(backends, event))
    with backends.transaction() as session:
        session.get_one(Photo, photo.id).review = Review.REJECTED

    found = api.get("/cart", headers=visitor).json()

    assert (found["unavailable"], found["total_amount"]) == ([str(photo.id)], 12_000)


def test_an_account_has_a_cart_of_its_own(backends, api, bearer, visitor, photo):
    signed_in = bearer(make_account(backends))
    put(api, signed_in, photo)

    assert len(api.get("/cart", headers=signed_in).json()["items"]) == 1
    for other in (visitor, bearer(make_account(backends))):
        assert api.get("/cart", headers=other).json()["items"] == []


@pytest.mark.parametrize("fields", [{"review": Review.PENDING}, {"review": Review.REJECTED}, None])
def test_what_may_not_be_seen_is_not_there_to_be_bought(backends, api, visitor, event, fields):
    seen = make_photo(backends, event)
    hidden = make_photo(backends, event, **fields) if fields else Photo(id=some_id(), filename="")

    answer = put(api, visitor, seen, hidden)

    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")
    assert api.get("/cart", headers=visitor).json()["items"] == []


@pytest.mark.parametrize("status", [one for one in EventStatus if one is not EventStatus.ON_SALE])
def test_nothing_is_bought_where_nothing_is_on_sale(backends, api, visitor, status):
    event = make_event(backends, status=status)

    answer = put(api, visitor, make_photo(backends, event, gallery_id=gallery_of(backends, event).id))

    assert answer.status_code == 404


def test_two_currencies_do_not_go_into_one_cart(backends, api, visitor, photo):
    dollars = make_photo(backends, make_event(backends, currency="USD"))

    answer = put(api, visitor, photo, dollars)

    assert (answer.status_code, answer.json()["error"]) == (422, "MixedCurrencies")


@pytest.mark.parametrize(
    "sent",
    [
        {"photo_ids": []},
        {"photo_ids": ["not-an-id"]},
        {"photo_ids": [str(some_id()) for _ in range(501)]},
        {"photo_ids": [str(some_id())], "amount": 1},
        {"photo_ids": [str(some_id())], "visitor_key": "v" * 64},
        {},
    ],
)
def test_what_is_no_wish_is_refused(api, visitor, sent):
    answer = api.post("/cart/photos", json=sent, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")


def test_nobody_has_a_cart(api):
    answers = [
        api.get("/cart"),
        api.delete("/cart"),
        api.delete(f"/cart/photos/{some_id()}"),
        api.post("/cart/photos", json={"photo_ids": [str(some_id())]}),
    ]

    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(422, "VisitorNeeded")}
