"""The audit log over HTTP: for admins."""

import pytest
from sqlalchemy import text

from core import audit
from models.account import Role
from models.audit import AuditEntry
from tests.makers import make_account


@pytest.fixture
def account(backends):
    return make_account(backends, Role.ADMIN)


@pytest.fixture
def admin(account, bearer):
    return bearer(account)


@pytest.fixture
def entries(backends, account, admin) -> list[AuditEntry]:
    """Four entries by an admin, who has signed in before."""
    made = []
    for number in range(4):
        with backends.transaction() as session:
            made.append(
                audit.record(session, "photo.review", number, by=account, photos=number, to=["a", "é"])
            )
    return made


def ids(answer) -> list[int]:
    return [entry["id"] for entry in answer.json()["items"]]


def test_an_entry_is_told_with_its_detail_as_names_and_values(backends, api, account, admin, entries):
    with backends.transaction() as session:
        entry = audit.record(session, "order.held", "7", by=None, paid={"amount": 1}, message="m", gone=None)

    found = api.get("/audit?limit=1", headers=admin).json()["items"]

    assert found == [
        {
            "id": entry.id,
            "at": entry.at.isoformat().replace("+00:00", "Z"),
            "account_id": None,
            "action": "order.held",
            "subject": "7",
            "detail": [
                {"name": "paid", "value": '{"amount": 1}'},
                {"name": "message", "value": "m"},
                {"name": "gone", "value": "null"},
            ],
            "hash": entry.hash,
        }
    ]


def test_the_log_is_read_newest_first_page_by_page(api, admin, entries):
    query = {"action": "photo.", "limit": 3}

    first = api.get("/audit", params=query, headers=admin)
    second = api.get("/audit", params=query | {"cursor": first.json()["next_cursor"]}, headers=admin)

    assert ids(first) + ids(second) == [entry.id for entry in entries[::-1]]
    assert second.json()["next_cursor"] is None


def test_the_log_is_searched_by_what_who_and_when(api, account, admin, entries):
    def found(**query: object) -> list[int]:
        return ids(api.get("/audit", params={"action": "photo"} | query, headers=admin))

    assert found(account_id=account.id) == [entry.id for entry in entries[::-1]]
    assert found(account_id=990_001) == found(action="photo.delete") == []
    assert found(**{"from": entries[1].at.isoformat(), "until": entries[3].at.isoformat()}) == [
        entries[2].id,
        entries[1].id,
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-10-17T00:00:00"},  # where?
        {"from": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"account_id": 10**40},
        {"account_id": "me"},
        {"action": "x" * 65},
        {"action": "a\0"},
        {"cursor": "made-up"},
        {"limit": 0},
    ],
)
def test_what_cannot_be_asked_is_refused(api, admin, query):
    assert api.get("/audit", params=query, headers=admin).status_code == 422


def test_a_whole_log_is_whole_and_a_touched_one_is_not(backends, api, admin, entries):
    whole = api.get("/audit/check", headers=admin).json()
    with backends.transaction() as session:
        changing = text("UPDATE audit_entry SET subject = '99' WHERE id = :id")
        session.connection().execute(changing, {"id": entries[1].id})

    broken = api.get("/audit/check", headers=admin).json()

    assert whole == {"is_whole": True, "first_break_id": None}
    assert broken == {"is_whole": False, "first_break_id": entries[1].id}


@pytest.mark.parametrize("path", ["/audit", "/audit/check"])
def test_the_log_is_for_admins_only(backends, api, bearer, visitor, path):
    others = [bearer(make_account(backends, role)) for role in Role if role is not Role.ADMIN]

    statuses = [api.get(path, headers=headers).status_code for headers in [*others, {}, visitor]]

    assert statuses == [*[403] * len(others), 401, 401]
