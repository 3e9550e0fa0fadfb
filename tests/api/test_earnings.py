"""What people earn, over HTTP: their own."""

import csv
import io
from datetime import timedelta

import pytest

from models.account import Role
from models.event import EventMember, MemberRole
from tests.api.test_disputes import dispute
from tests.core.money import make_paid
from tests.makers import make_account, make_event, make_member, owner_of


@pytest.fixture
def event(backends):
    return make_event(backends, name="Night run")


@pytest.fixture
def photographer(backends, event):
    account = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    with backends.transaction() as session:
        session.get_one(EventMember, (event.id, account.id)).commission_percent = 50
    return account


@pytest.fixture
def order(backends, event, photographer):
    """A paid order of two photos of the photographer's."""
    return make_paid(backends, event, uploaded_by=photographer.id)


def this_month(backends) -> dict[str, str]:
    today = backends.now().date()
    period = {"period_start": today.replace(day=1), "period_end": today + timedelta(days=1)}
    return {"currency": "THB"} | {name: day.isoformat() for name, day in period.items()}


def test_a_photographer_sees_what_is_owed(backends, api, bearer, event, photographer, order):
    found = api.get("/earnings", headers=bearer(photographer)).json()

    first = backends.now().date().replace(day=1).isoformat()
    assert found == {
        "funds": [
            {
                "currency": "THB",
                "owed_amount": 10_800,
                "frozen_amount": 0,
                "due_amount": 0,
                "paid_amount": 0,
            }
        ],
        "frozen": [],
        "months": [
            {"first": first, "currency": "THB", "sold_amount": 10_800, "back_amount": 0, "paid_amount": 0}
        ],
        "events": [
            {
                "event_id": event.id,
                "name": "Night run",
                "currency": "THB",
                "earned_amount": 10_800,
                "sale_count": 2,
            }
        ],
        "payouts": [],
    }


def test_a_dispute_freezes_a_share_and_says_so(backends, api, bearer, photographer, order):
    dispute(backends, {"id": str(order.id)})

    found = api.get("/earnings", headers=bearer(photographer)).json()

    assert (found["funds"][0]["owed_amount"], found["funds"][0]["frozen_amount"]) == (0, 10_800)
    assert found["frozen"] == [
        {"order_id": str(order.id), "event": "Night run", "currency": "THB", "amount": 10_800}
    ]


def test_each_share_of_a_statement_can_be_computed_again(backends, api, bearer, photographer, order):
    found = api.get("/earnings/statement", params=this_month(backends), headers=bearer(photographer)).json()

    row = found["rows"][0]
    assert (found["account_id"], found["currency"], len(found["rows"])) == (photographer.id, "THB", 2)
    assert found["opening"] == {"owed_amount": 0, "frozen_amount": 0}
    assert found["closing"] == {"owed_amount": 10_800, "frozen_amount": 0}
    assert (row["kind"], row["book"], row["order_id"]) == ("sale", "owed", str(order.id))
    assert row["amount"] == row["base_amount"] * row["percent"] // 100 == 5_400
    assert [one["after_amount"] for one in found["rows"]] == [5_400, 10_800]


def test_a_statement_is_a_table_too(backends, api, bearer, photographer, order):
    asked = this_month(backends)

    answer = api.get("/earnings/statement.csv", params=asked, headers=bearer(photographer))

    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    name = f"statement-{photographer.id}-THB-{asked['period_start']}.csv"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert [row["amount_minor"] for row in rows] == ["5400", "5400"]


def test_an_admin_reads_anybodys_statement_and_nobody_else_does(
    backends, api, bearer, event, photographer, order
):
    asked = this_month(backends) | {"account_id": photographer.id}
    admin = bearer(make_account(backends, Role.ADMIN))
    others = [bearer(owner_of(backends, event)), bearer(make_account(backends))]

    answers = [
        api.get(f"/earnings/{name}", params=asked, headers=headers)
        for headers in others
        for name in ("statement", "statement.csv")
    ]

    found = api.get("/earnings/statement", params=asked, headers=admin).json()
    assert found["closing"]["owed_amount"] == 10_800
    assert {(one.status_code, one.json()["error"]) for one in answers} == {(404, "NoSuchStatement")}


def test_who_earned_nothing_has_nothing(backends, api, bearer):
    found = api.get("/earnings", headers=bearer(make_account(backends))).json()

    assert found == {"funds": [], "frozen": [], "months": [], "events": [], "payouts": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "baht"},
        {"period_start": "2026-13-01"},
        {"period_start": "9999-12-31", "period_end": "9999-12-30"},
        {"period_end": None},
        {"account_id": 2**70},
    ],
)
def test_what_is_no_period_is_refused(backends, api, bearer, changes):
    asked = {name: value for name, value in (this_month(backends) | changes).items() if value is not None}

    answer = api.get("/earnings/statement", params=asked, headers=bearer(make_account(backends)))

    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["", "/statement", "/statement.csv"])
def test_nobody_earns_without_an_account(backends, api, visitor, name):
    answers = [
        api.get(f"/earnings{name}", params=this_month(backends), headers=headers) for headers in ({}, visitor)
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
