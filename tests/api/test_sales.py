"""Orders as an event's organiser reads them over HTTP."""

import csv
import io

import pytest

from core import keys
from models.account import ApiScope, Role
from models.event import Event, MemberRole
from tests.api.test_disputes import dispute
from tests.api.test_orders import EMAIL, pay, place
from tests.makers import make_account, make_event, make_member, make_photo, owner_of, some_id


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, price_amount=12_000)


@pytest.fixture
def seller(backends, bearer, event):
    return bearer(owner_of(backends, event))


@pytest.fixture
def order(backends, api, visitor, event):
    """A paid order over two events."""
    mine = make_photo(backends, event, filename="=IMG_7.jpg")
    elsewhere = make_photo(backends, make_event(backends, price_amount=50_000))
    return pay(api, visitor, place(api, visitor, mine, elsewhere).json())


def own_line(order, event: Event):
    return next(line for line in order["lines"] if line["event_id"] == event.id)


def test_an_organiser_sees_the_lines_of_the_event_and_nothing_of_another(api, event, seller, order):
    found = api.get(f"/events/{event.id}/orders", headers=seller).json()

    assert found == {
        "items": [
            {
                "id": order["id"],
                "status": "paid",
                "email": EMAIL,
                "created_at": order["created_at"],
                "paid_at": order["paid_at"],
                "amount": 12_000,
                "refunded_amount": 0,
                "currency": "THB",
                "lines": [own_line(order, event)],
            }
        ],
        "next_cursor": None,
    }


def test_an_order_is_opened_with_all_that_became_of_it(api, event, seller, visitor, order):
    line = own_line(order, event)
    links = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"]
    api.get(next(link["url"] for link in links if link["photo_id"] == line["photo_id"]))

    found = api.get(f"/events/{event.id}/orders/{order['id']}", headers=seller).json()

    assert (found["lines"], found["refunds"], found["is_disputed"]) == ([line], [], False)
    assert [one["line_id"] for one in found["fetched"]] == [line["id"]]
    assert [code[0] for code in found["receipts"]] == ["R"]


def test_a_dispute_is_seen_by_who_sold(backends, api, event, seller, visitor, order):
    dispute(backends, order)

    assert api.get(f"/events/{event.id}/orders/{order['id']}", headers=seller).json()["is_disputed"]
    assert api.get(f"/orders/{order['id']}", headers=visitor).json()["is_disputed"]


def test_orders_are_searched_and_filtered(api, event, seller, order):
    def found(**asked: str) -> list[str]:
        answer = api.get(f"/events/{event.id}/orders", params=asked, headers=seller)
        return [one["id"] for one in answer.json()["items"]]

    assert found(text="RUNNER@") == found(text=order["id"][:8]) == found(text="IMG_7") == [order["id"]]
    assert found(status="paid") == [order["id"]]
    assert found(text="nobody@") == found(status="pending") == found(text="%") == []


def test_orders_come_page_by_page_the_newest_first(backends, api, event, seller):
    placed = [
        place(api, {"X-Visitor": str(number) * 43}, make_photo(backends, event)).json()["id"]
        for number in range(3)
    ]

    first = api.get(f"/events/{event.id}/orders?limit=2", headers=seller).json()
    second = api.get(
        f"/events/{event.id}/orders?limit=2&cursor={first['next_cursor']}", headers=seller
    ).json()

    assert [one["id"] for one in (*first["items"], *second["items"])] == placed[::-1]


def test_what_was_sold_is_a_table_that_no_spreadsheet_runs(api, event, seller, order):
    answer = api.get(f"/events/{event.id}/orders.csv", headers=seller)

    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="orders-{event.id}.csv"'
    assert (row["order"], row["email"], row["paid_minor"]) == (order["id"], EMAIL, "12000")
    assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())


def test_links_are_sent_again_and_those_before_are_dead(backends, api, event, seller, visitor, order, work):
    before = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"][0]["url"]
    work()
    backends.mailer.sent.clear()

    answer = api.post(f"/events/{event.id}/orders/{order['id']}/links", headers=seller)
    work()

    after = api.get(f"/orders/{order['id']}/downloads", headers=visitor).json()["items"][0]["url"]
    assert (answer.status_code, answer.content) == (202, b"")
    assert [mail.to for mail in backends.mailer.sent] == [EMAIL]
    assert (api.get(before).status_code, api.get(after).status_code) == (404, 200)


def test_an_unpaid_order_has_no_links(backends, api, event, seller, visitor):
    order = place(api, visitor, make_photo(backends, event)).json()

    answer = api.post(f"/events/{event.id}/orders/{order['id']}/links", headers=seller)

    assert (answer.status_code, answer.json()["error"]) == (403, "NotPaid")


def test_orders_are_the_business_of_those_only_who_sell(backends, api, bearer, event, visitor, order):
    parts = [make_member(backends, event, role) for role in MemberRole if role != MemberRole.CO_ORGANISER]
    others = [make_account(backends, role) for role in Role if role is not Role.ADMIN]
    callers = {401: [{}, visitor], 403: map(bearer, parts), 404: map(bearer, others)}

    found = {
        (status, answer.status_code)
        for status, several in callers.items()
        for headers in several
        for answer in (
            api.get(f"/events/{event.id}/orders", headers=headers),
            api.get(f"/events/{event.id}/orders.csv", headers=headers),
            api.get(f"/events/{event.id}/orders/{order['id']}", headers=headers),
            api.post(f"/events/{event.id}/orders/{order['id']}/links", headers=headers),
        )
    }

    assert found == {(401, 401), (403, 403), (404, 404)}


def test_an_order_of_another_event_is_not_there(backends, api, bearer, seller, event, order):
    other = make_event(backends)
    stranger = bearer(owner_of(backends, other))

    answers = [
        api.get(f"/events/{other.id}/orders/{order['id']}", headers=stranger),
        api.get(f"/events/{event.id}/orders/{some_id()}", headers=seller),
    ]

    assert {(one.status_code, one.json()["error"]) for one in answers} == {(404, "NoSuchOrder")}


@pytest.mark.parametrize("scope", sorted(set(ApiScope) - {ApiScope.SALES, ApiScope.ACCOUNT}))
def test_no_other_scope_reads_buyers_addresses_or_gives_money_back(backends, api, event, order, scope):
    owner = owner_of(backends, event)
    _, other = keys.create(backends, "Till", [scope], None, by=owner)
    _, selling = keys.create(backends, "Desk", [ApiScope.SALES], None, by=owner)
    path, back = f"/events/{event.id}/orders", {"reason": "Blurred"}

    refused = [
        api.get(path, headers={"X-API-Key": other}),
        api.get(f"{path}.csv", headers={"X-API-Key": other}),
        api.post(f"{path}/{order['id']}/refunds", json=back, headers={"X-API-Key": other}),
    ]

    assert [(one.status_code, one.json()["error"]) for one in refused] == [(403, "ScopeMissing")] * 3
    assert api.get(path, headers={"X-API-Key": selling}).status_code == 200


@pytest.mark.parametrize("scope", [ApiScope.REPORTS, ApiScope.EVENTS_WRITE])
def test_all_that_is_sold_needs_the_scope_of_sales(backends, api, event, order, scope):
    owner = owner_of(backends, event)
    _, other = keys.create(backends, "Till", [scope], None, by=owner)
    _, selling = keys.create(backends, "Desk", [ApiScope.SALES], None, by=owner)
    sold, back = f"/events/{event.id}/orders/{order['id']}", {"reason": "Blurred"}
    period = "currency=THB&period_start=2026-10-01&period_end=2026-11-01"
    calls = [
        ("GET", f"/events/{event.id}/orders", None),
        ("GET", f"/events/{event.id}/orders.csv", None),
        ("GET", sold, None),
        ("POST", f"{sold}/links", None),
        ("POST", f"{sold}/refunds", back),
        ("POST", f"/refunds/{some_id()}/retry", None),
        ("GET", "/earnings", None),
        ("GET", f"/earnings/statement?{period}", None),
        ("GET", f"/earnings/statement.csv?{period}", None),
    ]

    def answers(secret: str):
        return [api.request(*call[:2], json=call[2], headers={"X-API-Key": secret}) for call in calls]

    refused, taken = answers(other), answers(selling)

    assert [one.status_code for one in refused] == [403] * len(calls)
    assert all("the scope sales." in one.json()["message"] for one in refused)
    assert [one.status_code for one in taken] == [200, 200, 200, 202, 201, 404, 200, 200, 200]
