"""Money that goes back, over HTTP: by buyers themselves, and by organisers."""

from uuid import UUID

import pytest

from core import prices, refund_answers
from core.terms import Terms
from models.account import Role
from models.event import Event, MemberRole
from models.photo import Photo
from models.refund import Refund
from tests.api.test_orders import pay, place, token_of
from tests.makers import make_account, make_event, make_member, make_photo, owner_of, some_id

REASON = {"reason": "Bought twice by mistake."}


@pytest.fixture
def event(backends) -> Event:
    event = make_event(backends, price_amount=12_000)
    terms = Terms(price_amount=12_000, refund_days=7)
    prices.save(backends, event.id, terms, by=owner_of(backends, event))
    return event


@pytest.fixture
def photos(backends, event) -> list[Photo]:
    return [make_photo(backends, event, filename=f"IMG_{number}.jpg") for number in range(2)]


@pytest.fixture
def seller(backends, bearer, event):
    return bearer(owner_of(backends, event))


@pytest.fixture
def order(api, visitor, photos):
    """A paid order of two photos."""
    return pay(api, visitor, place(api, visitor, *photos).json())


def ask(api, headers, order, **sent):
    return api.post(f"/orders/{order['id']}/refunds", json=sent, headers=headers)


def give(api, headers, event: Event, order, **sent):
    address = f"/events/{event.id}/orders/{order['id']}/refunds"
    return api.post(address, json=REASON | sent, headers=headers)


# --- by the buyer --------------------------------------------------------------------------


def test_a_buyer_gives_a_photo_back_and_its_link_is_dead(api, visitor, order, work):
    links = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"]
    line = order["lines"][0]

    asked = ask(api, visitor, order, line_ids=[line["id"]])
    work()

    (refund,) = api.get(f"/orders/{order['id']}/refunds", headers=visitor).json()["items"]
    later = api.get(f"/orders/{order['id']}", headers=visitor).json()
    assert asked.status_code == 201
    assert asked.json() == refund | {"status": "requested", "finished_at": None}
    assert (refund["amount"], refund["currency"], later["refunds"]) == (12_000, "THB", [refund])
    assert [one["refunded_amount"] for one in later["lines"]] == [12_000, 0]
    assert later["status"] == "paid"
    statuses = {link["photo_id"]: api.get(link["url"]).status_code for link in links}
    assert statuses == {line["photo_id"]: 403, order["lines"][1]["photo_id"]: 200}


def test_what_was_given_back_is_listed_as_withdrawn(api, visitor, order):
    ask(api, visitor, order, line_ids=[order["lines"][0]["id"]])

    found = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"]

    assert [(one["is_withdrawn"], one["url"] is None, one["left"]) for one in found] == [
        (True, True, 0),
        (False, False, 20),
    ]


def test_an_order_that_was_given_back_whole_is_refunded(api, visitor, order, work):
    ask(api, visitor, order)
    work()

    later = api.get(f"/orders/{order['id']}", headers=visitor).json()
    papers = api.get(f"/orders/{order['id']}/receipts", headers=visitor).json()["items"]

    assert (later["status"], later["archive_url"]) == ("refunded", None)
    assert {paper["kind"]: paper["amount"] for paper in papers} == {"receipt": 24_000, "credit_note": 24_000}


def test_who_has_the_private_address_may_give_it_back_too(api, order):
    answer = api.post(f"/orders/{order['id']}/refunds", json={}, params={"token": token_of(order)})

    assert (answer.status_code, answer.json()["amount"]) == (201, 24_000)


def test_what_was_fetched_is_not_given_back_here(api, visitor, order):
    link = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"][0]
    api.get(link["url"])

    answer = ask(api, visitor, order)

    assert (answer.status_code, answer.json()["error"]) == (403, "NoSelfService")


def test_without_a_rule_of_the_event_buyers_write_to_the_organiser(backends, api, visitor):
    photo = make_photo(backends, make_event(backends))
    order = pay(api, visitor, place(api, visitor, photo).json())

    answer = ask(api, visitor, order)

    assert (answer.status_code, answer.json()["error"]) == (403, "NoSelfService")


def test_asking_twice_with_one_key_is_once(api, visitor, order):
    headers = visitor | {"Idempotency-Key": "give-it-back"}

    answers = [ask(api, headers, order) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len(api.get(f"/orders/{order['id']}/refunds", headers=visitor).json()["items"]) == 1


@pytest.mark.parametrize(
    "sent", [{"line_ids": []}, {"line_ids": ["x"]}, {"amount": 24_000}, {"reason": "Because."}]
)
def test_a_buyer_says_which_lines_and_nothing_else(api, visitor, order, sent):
    assert ask(api, visitor, order, **sent).status_code == 422


def test_to_everybody_else_there_is_no_order_to_give_back(backends, api, bearer, order):
    strangers = [{}, {"X-Visitor": "o" * 43}, *(bearer(make_account(backends, role)) for role in Role)]

    found = {
        (answer.status_code, answer.json()["error"])
        for headers in strangers
        for answer in (
            ask(api, headers, order),
            api.get(f"/orders/{order['id']}/refunds", headers=headers),
            api.get(f"/orders/{order['id']}/receipts", headers=headers),
        )
    }

    assert found == {(404, "NoSuchOrder")}


# --- by the organiser ----------------------------------------------------------------------


def test_an_organiser_gives_a_line_back_with_a_reason_that_buyers_are_not_told(
    api, event, seller, visitor, order, work
):
    line = order["lines"][0]

    given = give(api, seller, event, order, line_ids=[line["id"]])
    work()

    refund, seen = given.json(), api.get(f"/orders/{order['id']}/refunds", headers=visitor).json()["items"]
    assert given.status_code == 201
    assert refund == {
        "id": refund["id"],
        "status": "requested",
        "amount": 12_000,
        "currency": "THB",
        "created_at": refund["created_at"],
        "finished_at": None,
        "reason": "Bought twice by mistake.",
        "is_by_buyer": False,
        "is_foreign": False,
        "last_error": None,
    }
    assert seen[0]["id"] == refund["id"]
    assert "reason" not in seen[0]


def test_of_an_order_over_two_events_one_gives_back_the_own_lines_only(
    backends, api, event, seller, visitor, photos
):
    elsewhere = make_photo(backends, make_event(backends, price_amount=50_000))
    order = pay(api, visitor, place(api, visitor, photos[0], elsewhere).json())
    foreign = next(line["id"] for line in order["lines"] if line["photo_id"] == str(elsewhere.id))

    refused = give(api, seller, event, order, line_ids=[foreign])
    given = give(api, seller, event, order)

    assert (refused.status_code, refused.json()["error"]) == (404, "NoSuchOrder")
    assert given.json()["amount"] == 12_000


def test_who_sells_at_two_events_gives_back_in_the_one_that_is_named(
    backends, api, event, seller, visitor, photos
):
    elsewhere = make_photo(backends, make_event(backends, owner_of(backends, event), price_amount=50_000))
    order = pay(api, visitor, place(api, visitor, photos[0], elsewhere).json())
    foreign = next(line["id"] for line in order["lines"] if line["photo_id"] == str(elsewhere.id))

    refused = give(api, seller, event, order, line_ids=[foreign])
    given = give(api, seller, event, order)

    assert (refused.status_code, refused.json()["error"]) == (404, "NoSuchOrder")
    assert given.json()["amount"] == 12_000


def test_what_went_back_does_not_go_back_again(api, event, seller, order):
    give(api, seller, event, order)

    again = give(api, seller, event, order)

    assert (again.status_code, again.json()["error"]) == (409, "NothingToRefund")


@pytest.mark.parametrize(
    "sent",
    [
        {"reason": ""},
        {"reason": "   "},
        {"reason": "x" * 501},
        {"amount": 1},
        {"line_ids": []},
        {"by_account_id": 1},
    ],
)
def test_an_organiser_says_which_lines_and_why_and_nothing_else(api, event, seller, order, sent):
    assert give(api, seller, event, order, **sent).status_code == 422


def test_a_refund_that_failed_is_asked_for_again(backends, api, event, seller, order, work):
    refund = give(api, seller, event, order).json()
    with backends.transaction() as session:
        row = session.get_one(Refund, UUID(refund["id"]))
        refund_answers.end(backends, session, row, "The card is closed.")

    retried = api.post(f"/refunds/{refund['id']}/retry", headers=seller)
    work()

    found = api.get(f"/events/{event.id}/orders/{order['id']}", headers=seller).json()["refunds"]
    assert (retried.status_code, retried.json()["amount"]) == (201, 24_000)
    assert [(one["status"], one["last_error"]) for one in found] == [
        ("failed", "The card is closed."),
        ("done", None),
    ]


def test_only_a_refund_that_failed_is_asked_for_again(api, event, seller, order):
    refund = give(api, seller, event, order).json()

    answers = [
        api.post(f"/refunds/{refund_id}/retry", headers=seller) for refund_id in (refund["id"], some_id())
    ]

    assert [(one.status_code, one.json()["error"]) for one in answers] == [(404, "NoSuchRefund")] * 2


def test_money_is_given_back_by_those_only_who_sell(backends, api, bearer, event, visitor, order):
    parts = [make_member(backends, event, role) for role in MemberRole if role != MemberRole.CO_ORGANISER]
    others = [make_account(backends, role) for role in Role if role is not Role.ADMIN]
    callers = {401: [{}, visitor], 403: map(bearer, parts), 404: map(bearer, others)}

    found = {
        (status, give(api, headers, event, order).status_code)
        for status, several in callers.items()
        for headers in several
    }

    assert found == {(401, 401), (403, 403), (404, 404)}
    assert api.get(f"/orders/{order['id']}/refunds", headers=visitor).json()["items"] == []
