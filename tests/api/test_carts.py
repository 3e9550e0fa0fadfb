"""The cart over HTTP: a visitor's, at our prices."""

import pytest

from core import coupons, prices
from core.terms import Terms
from models.event import Event, EventStatus
from models.photo import Photo, Review
from tests.api.test_search import agree, ask
from tests.core.test_search import shoot
from tests.makers import gallery_of, make_account, make_event, make_jpeg, make_photo, owner_of, some_id


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, price_amount=12_000)


@pytest.fixture
def photo(backends, event) -> Photo:
    return make_photo(backends, event, filename="IMG_7.jpg")


def put(api, headers, *photos: Photo, **more):
    """What putting photos into the cart is answered."""
    sent = {"photo_ids": [str(photo.id) for photo in photos]} | more
    return api.post("/cart/photos", json=sent, headers=headers)


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
                "size": "full",
                "list_amount": 12_000,
                "amount": 12_000,
                "currency": "THB",
                "is_gift": False,
                "is_found": False,
                "is_bought": False,
            }
        ],
        "passes": [],
        "coupon": None,
        "bill": [{"kind": "photos", "text": f"{event.name} · full size: 1 × ฿120", "amount": 12_000}],
        "total_amount": 12_000,
        "tax_amount": 0,
        "currency": "THB",
        "unavailable": [],
        "unavailable_passes": [],
    }
    assert api.get("/cart", headers=visitor).json()["total_amount"] == 12_000
    assert thumbnail.startswith("http://localhost:8501/img/")
    assert api.get(thumbnail).status_code == 200


def test_an_empty_cart_costs_nothing(api, visitor):
    answer = api.get("/cart", headers=visitor)

    assert answer.json() == {
        "items": [],
        "passes": [],
        "coupon": None,
        "bill": [],
        "total_amount": 0,
        "tax_amount": 0,
        "currency": "THB",
        "unavailable": [],
        "unavailable_passes": [],
    }


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

    assert (answer.status_code, answer.json()["error"]) == (404, "NotForSale")
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
        {"photo_ids": [str(some_id())], "list_amount": 1},
        {"photo_ids": [str(some_id())], "size": "huge"},
        {},
    ],
)
def test_what_is_no_wish_is_refused(api, visitor, sent):
    answer = api.post("/cart/photos", json=sent, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")


# Sizes


def sell(backends, event: Event, **terms) -> None:
    prices.save(backends, event.id, Terms(price_amount=12_000, **terms), by=owner_of(backends, event))


def test_a_photo_is_bought_in_the_size_that_is_wished_for(backends, api, visitor, event, photo):
    sell(backends, event, web_amount=5_000)
    put(api, visitor, photo, size="web")

    changed = api.put(f"/cart/photos/{photo.id}", json={"size": "full"}, headers=visitor).json()
    again = api.put(f"/cart/photos/{photo.id}", json={"size": "web"}, headers=visitor).json()

    assert [(cart["items"][0]["size"], cart["total_amount"]) for cart in (changed, again)] == [
        ("full", 12_000),
        ("web", 5_000),
    ]


def test_a_size_that_is_not_sold_is_refused(api, visitor, photo):
    refused = put(api, visitor, photo, size="web")
    put(api, visitor, photo)
    also = api.put(f"/cart/photos/{photo.id}", json={"size": "web"}, headers=visitor)

    assert [(one.status_code, one.json()["error"]) for one in (refused, also)] == [(409, "SizeNotSold")] * 2


def test_only_a_photo_of_ones_own_cart_has_a_size(backends, api, visitor, event, photo):
    sell(backends, event, web_amount=5_000)
    put(api, {"X-Visitor": "o" * 43}, photo)

    answer = api.put(f"/cart/photos/{photo.id}", json={"size": "web"}, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (404, "NotForSale")


# All my photos, and passes


def found_by(api, event: Event, headers) -> str:
    """The result of a search for Anna."""
    return ask(api, event, headers, agree(api, event, headers), make_jpeg("anna")).json()["result"]


def test_all_that_a_search_found_costs_no_more_than_the_bundle(backends, api, visitor, event, work):
    sell(backends, event, bundle_amount=20_000)
    found = [shoot(backends, event, "anna", seed=seed) for seed in range(3)]
    work()
    result = found_by(api, event, visitor)

    cart = api.post("/cart/found", json={"event_id": event.id, "result": result}, headers=visitor).json()

    assert {item["photo_id"] for item in cart["items"]} == {str(one.id) for one in found}
    assert [(item["is_found"], item["list_amount"]) for item in cart["items"]] == [(True, 12_000)] * 3
    assert [(row["kind"], row["amount"]) for row in cart["bill"]] == [("photos", 36_000), ("bundle", -16_000)]
    assert cart["total_amount"] == sum(item["amount"] for item in cart["items"]) == 20_000


def test_what_another_found_is_not_ones_bundle(backends, api, visitor, event, work):
    shoot(backends, event, "anna")
    work()
    result = found_by(api, event, visitor)
    sent = {"event_id": event.id, "result": result}
    other = make_event(backends)

    stolen = api.post("/cart/found", json=sent, headers={"X-Visitor": "o" * 43})
    elsewhere = api.post("/cart/found", json=sent | {"event_id": other.id}, headers=visitor)

    assert [(one.status_code, one.json()["error"]) for one in (stolen, elsewhere)] == [
        (422, "ResultUnknown")
    ] * 2


def test_a_pass_takes_the_place_of_its_events_photos(backends, api, visitor, event, photo):
    sell(backends, event, pass_amount=90_000)
    put(api, visitor, photo)

    cart = api.post("/cart/passes", json={"event_id": event.id}, headers=visitor).json()
    beside = put(api, visitor, photo)
    taken_out = api.delete(f"/cart/passes/{event.id}", headers=visitor)

    (row,) = cart["passes"]
    assert (cart["items"], cart["total_amount"]) == ([], 90_000)
    assert (row["event_id"], row["amount"], row["is_bought"]) == (event.id, 90_000, False)
    assert (beside.status_code, beside.json()["error"]) == (409, "PassCovers")
    assert taken_out.status_code == 204
    assert api.get("/cart", headers=visitor).json()["passes"] == []


def test_a_pass_that_is_not_sold_any_more_is_named_and_not_part_of_the_total(backends, api, visitor, event):
    sell(backends, event, pass_amount=90_000)
    api.post("/cart/passes", json={"event_id": event.id}, headers=visitor)
    sell(backends, event)

    cart = api.get("/cart", headers=visitor).json()

    assert (cart["passes"], cart["unavailable_passes"], cart["total_amount"]) == ([], [event.id], 0)


@pytest.mark.parametrize(("of", "status", "error"), [("own", 409, "NoPass"), ("none", 404, "NoSuchEvent")])
def test_a_pass_is_there_only_where_it_is_sold(api, visitor, event, of, status, error):
    event_id = event.id if of == "own" else 999_999

    answer = api.post("/cart/passes", json={"event_id": event_id}, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


# The coupon


def coupon(backends, event: Event, **terms) -> None:
    draft = coupons.Draft("RUNNER10", **terms or {"percent": 10})
    coupons.create(backends, event.id, draft, by=owner_of(backends, event))


def test_a_coupon_takes_its_part_off_and_is_dropped_again(backends, api, visitor, event, photo):
    coupon(backends, event)
    put(api, visitor, photo)

    cart = api.put("/cart/coupon", json={"code": " runner10 "}, headers=visitor).json()
    dropped = api.delete("/cart/coupon", headers=visitor)

    assert cart["coupon"] == {"code": "RUNNER10", "is_used": True, "refusal": None}
    assert cart["bill"][-1] == {"kind": "coupon", "text": "Coupon RUNNER10 −10 %", "amount": -1_200}
    assert (cart["total_amount"], cart["items"][0]["amount"]) == (10_800, 10_800)
    assert dropped.status_code == 204
    assert api.get("/cart", headers=visitor).json()["total_amount"] == 12_000


def test_a_coupon_that_cannot_be_used_any_more_says_why(backends, api, visitor, event, photo):
    coupon(backends, event)
    put(api, visitor, photo)
    api.put("/cart/coupon", json={"code": "RUNNER10"}, headers=visitor)
    (counted,) = coupons.listing(backends, event.id, by=owner_of(backends, event)).items
    coupons.end(backends, event.id, counted.coupon.id, by=owner_of(backends, event))

    cart = api.get("/cart", headers=visitor).json()

    refusal = "This coupon is no longer valid. Take it out, or use another one."
    assert cart["coupon"] == {"code": "RUNNER10", "is_used": False, "refusal": refusal}
    assert cart["total_amount"] == 12_000


@pytest.mark.parametrize("code", ["ELSEWHERE", "", "x", "☃" * 64])
def test_a_code_of_nothing_in_the_cart_is_not_there(backends, api, visitor, photo, code):
    coupons.create(
        backends,
        (other := make_event(backends)).id,
        coupons.Draft("ELSEWHERE", 10),
        by=owner_of(backends, other),
    )
    put(api, visitor, photo)

    answer = api.put("/cart/coupon", json={"code": code}, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchCoupon")


def test_codes_are_not_guessed(api, visitor, photo):
    put(api, visitor, photo)

    answers = [
        api.put("/cart/coupon", json={"code": f"GUESS{number}"}, headers=visitor) for number in range(21)
    ]

    assert [answer.status_code for answer in answers] == [404] * 20 + [429]


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/cart/passes", {"event_id": 1, "amount": 1}),
        ("/cart/found", {"event_id": 1, "result": "x", "bundle_amount": 1}),
    ],
)
def test_nobody_says_a_price_of_their_own(api, visitor, address, sent):
    answer = api.post(address, json=sent, headers=visitor)

    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")


def test_nobody_has_a_cart(api):
    answers = [
        api.get("/cart"),
        api.delete("/cart"),
        api.delete(f"/cart/photos/{some_id()}"),
        api.post("/cart/photos", json={"photo_ids": [str(some_id())]}),
        api.put(f"/cart/photos/{some_id()}", json={"size": "web"}),
        api.post("/cart/found", json={"event_id": 1, "result": "x"}),
        api.post("/cart/passes", json={"event_id": 1}),
        api.delete("/cart/passes/1"),
        api.put("/cart/coupon", json={"code": "RUNNER10"}),
        api.delete("/cart/coupon"),
    ]

    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(422, "VisitorNeeded")}
