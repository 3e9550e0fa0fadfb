"""Prices over HTTP: said by those who sell, shown to those who buy."""

from datetime import timedelta
from uuid import UUID

import pytest

from core import coupons, prices
from core.terms import Terms
from models.account import Role
from models.event import Event, MemberRole, Visibility
from tests.makers import gallery_of, make_account, make_event, make_member, make_photo, owner_of

TERMS = {
    "price_amount": 12_000,
    "web_amount": 6_000,
    "tiers": [{"count": 5, "percent": 10}, {"count": 10, "percent": 20}],
    "bundle_amount": 60_000,
    "pass_amount": 250_000,
    "free_count": 0,
    "early_percent": 0,
    "early_until": None,
    "tax_basis_points": 700,
    "is_tax_included": True,
    "refund_days": 7,
}


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends)


@pytest.fixture
def seller(backends, bearer, event):
    return bearer(owner_of(backends, event))


def say(api, headers, event: Event, **changes):
    """What saying the prices anew is answered."""
    return api.put(f"/events/{event.id}/prices", json=TERMS | changes, headers=headers)


def preview(api, headers, event: Event, photo_count: int, terms=TERMS, **more):
    sent = {"terms": terms, "photo_count": photo_count} | more
    return api.post(f"/events/{event.id}/price-preview", json=sent, headers=headers)


def test_prices_are_said_anew_and_read_again(api, event, seller):
    before = api.get(f"/events/{event.id}/prices", headers=seller).json()

    said = say(api, seller, event)

    assert (before["price_amount"], before["tiers"], before["web_amount"]) == (12_000, [], None)
    assert (said.status_code, said.json()) == (200, TERMS)
    assert api.get(f"/events/{event.id}/prices", headers=seller).json() == TERMS


def test_what_is_left_out_is_not_offered_any_more(api, event, seller):
    say(api, seller, event)

    answer = api.put(f"/events/{event.id}/prices", json={"price_amount": 5_000}, headers=seller)

    nothing = {"web_amount": None, "tiers": [], "bundle_amount": None, "pass_amount": None}
    assert answer.json() == TERMS | nothing | {
        "price_amount": 5_000,
        "tax_basis_points": 0,
        "refund_days": 0,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"price_amount": -1},
        {"price_amount": 100_000_001},
        {"price_amount": 120.5},
        {"price_amount": None},
        {"tiers": [{"count": 1, "percent": 10}]},
        {"tiers": [{"count": 5, "percent": 10}, {"count": 5, "percent": 20}]},
        {"tiers": [{"count": 5, "percent": 10, "amount": 1}]},
        {"early_percent": 10},
        {"early_until": "9999-12-31T23:59:59Z", "early_percent": 10},
        {"tax_basis_points": 10_001},
        {"refund_days": 366},
        {"platform_percent": 0},
        {"currency": "JPY"},
    ],
)
def test_nonsense_and_what_is_not_theirs_to_say_is_refused(api, event, seller, changes):
    answer = say(api, seller, event, **changes)

    assert answer.status_code == 422, answer.text
    assert api.get(f"/events/{event.id}/prices", headers=seller).json()["refund_days"] == 0


def test_a_preview_explains_what_a_buyer_would_pay_by_terms_that_are_not_saved(api, event, seller):
    found = preview(api, seller, event, 6).json()

    assert found == {
        "bill": [
            {"kind": "photos", "text": f"{event.name} · full size: 6 × ฿120", "amount": 72_000},
            {"kind": "tier", "text": "5 photos or more −10 %", "amount": -7_200},
            {"kind": "tax_included", "text": "Includes VAT 7 %", "amount": 4_239},
        ],
        "total_amount": 64_800,
        "tax_amount": 4_239,
        "currency": "THB",
    }
    assert api.get(f"/events/{event.id}/prices", headers=seller).json()["tiers"] == []


def test_a_preview_knows_bundles_passes_sizes_and_coupons(backends, api, event, seller):
    coupons.create(backends, event.id, coupons.Draft("RUNNER10", 10), by=owner_of(backends, event))

    totals = [
        preview(api, seller, event, 9, is_bundle=True).json()["total_amount"],
        preview(api, seller, event, 0, is_pass=True).json()["total_amount"],
        preview(api, seller, event, 1, size="web").json()["total_amount"],
        preview(api, seller, event, 1, coupon_code="runner10").json()["total_amount"],
    ]

    assert totals == [60_000, 250_000, 6_000, 10_800]


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        ({"coupon_code": "NONE"}, 404, "NoSuchCoupon"),
        ({"photo_count": 1_001}, 422, "InvalidRequest"),
        ({"total_amount": 1}, 422, "InvalidRequest"),
    ],
)
def test_a_preview_of_what_is_not_there_is_refused(api, event, seller, more, status, error):
    answer = preview(api, seller, event, **({"photo_count": 1} | more))

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_gallery_and_a_photo_have_prices_of_their_own(backends, api, event, seller, visitor):
    gallery, photos = gallery_of(backends, event), [make_photo(backends, event) for _ in range(2)]
    dear = api.put(f"/photos/{photos[0].id}/price", json={"price_amount": 30_000}, headers=seller)
    own = api.put(
        f"/galleries/{gallery.id}/prices", json={"price_amount": 15_000, "web_amount": 1}, headers=seller
    )

    listed = api.get(f"/events/{event.id}/photos", headers=visitor).json()["items"]

    assert dear.json() == {"photo_id": str(photos[0].id), "price_amount": 30_000}
    assert own.json() == {"gallery_id": gallery.id, "price_amount": 15_000, "web_amount": 1}
    assert api.get(f"/galleries/{gallery.id}/prices", headers=seller).json() == own.json()
    assert {one["id"]: one["price_amount"] for one in listed} == {
        str(photos[0].id): 30_000,
        str(photos[1].id): 15_000,
    }
    assert api.get(f"/photos/{photos[0].id}", headers=visitor).json()["price_amount"] == 30_000


def test_who_buys_is_told_the_offer_of_the_moment(backends, api, event, visitor):
    until = backends.now() + timedelta(days=3)
    early = {"early_percent": 50, "early_until": until, "free_count": 2, "tiers": ((5, 10),)}
    terms = Terms(price_amount=12_000, web_amount=6_000, pass_amount=90_000, **early)
    prices.save(backends, event.id, terms, by=owner_of(backends, event))

    offer = api.get(f"/events/{event.id}/offer", headers=visitor)

    assert offer.json() == {
        "currency": "THB",
        "price_amount": 12_000,
        "from_amount": 3_000,
        "web_amount": 6_000,
        "tiers": [{"count": 5, "percent": 10}],
        "bundle_amount": None,
        "pass_amount": 90_000,
        "free_left": 2,
        "early_percent": 50,
        "early_until": until.isoformat().replace("+00:00", "Z"),
        "tax_basis_points": 0,
        "is_tax_included": True,
        "refund_days": 0,
    }
    assert api.get(f"/events/{event.id}/offer").json() == offer.json()


def test_an_offer_is_told_to_those_only_who_see_the_event(backends, api, visitor):
    hidden = make_event(backends, visibility=Visibility.BY_LINK)

    answers = [api.get(f"/events/{hidden.id}/offer", headers=headers) for headers in ({}, visitor)]

    assert {(one.status_code, one.json()["error"]) for one in answers} == {(404, "NoSuchEvent")}


def places(backends, event: Event):
    """Every route of those who sell: method, address, body."""
    gallery, photo = gallery_of(backends, event), make_photo(backends, event)
    sample = {"terms": TERMS, "photo_count": 1}
    return [
        ("GET", f"/events/{event.id}/prices", None),
        ("PUT", f"/events/{event.id}/prices", TERMS),
        ("POST", f"/events/{event.id}/price-preview", sample),
        ("GET", f"/galleries/{gallery.id}/prices", None),
        ("PUT", f"/galleries/{gallery.id}/prices", {"price_amount": 1}),
        ("PUT", f"/photos/{photo.id}/price", {"price_amount": 1}),
    ]


def test_prices_are_said_by_those_only_who_sell(backends, api, bearer, event, visitor):
    parts = [make_member(backends, event, role) for role in MemberRole if role != MemberRole.CO_ORGANISER]
    others = [make_account(backends, role) for role in Role if role is not Role.ADMIN]
    callers = {401: [{}, visitor], 403: map(bearer, parts), 404: map(bearer, others)}

    found = {
        (status, api.request(method, address, json=body, headers=headers).status_code)
        for status, several in callers.items()
        for headers in several
        for method, address, body in places(backends, event)
    }

    assert found == {(401, 401), (403, 403), (404, 404)}


@pytest.mark.parametrize("address", [f"/photos/{UUID(int=0xDEAD)}/price", "/galleries/999999/prices"])
def test_what_is_not_there_has_no_price(api, seller, address):
    assert api.put(address, json={"price_amount": 1}, headers=seller).status_code == 404
