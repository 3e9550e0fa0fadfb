"""Payouts over HTTP: drawn up and paid by admins."""

from datetime import timedelta

import pytest

from models.account import Role
from models.event import MemberRole
from tests.core.test_bookings import Sold, make_order
from tests.core.test_payouts import SHARE
from tests.makers import make_account, make_event, make_member


@pytest.fixture
def admin(backends, bearer):
    return bearer(make_account(backends, Role.ADMIN))


@pytest.fixture
def photographer(backends):
    """Who is owed a share of a photo that was sold two days ago."""
    event = make_event(backends)
    account = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    now = backends.now
    backends.now = lambda: now() - timedelta(days=2)
    make_order(backends, event, Sold(), photographer=account)
    backends.now = now
    return account


def period(backends) -> dict[str, str]:
    """The days up to yesterday."""
    today = backends.now().date()
    days = {"period_start": today - timedelta(days=30), "period_end": today}
    return {"currency": "THB"} | {name: day.isoformat() for name, day in days.items()}


def draw_up(backends, api, headers, **changes):
    return api.post("/payouts", json=period(backends) | changes, headers=headers)


def own(answer, photographer):
    """The payout of the photographer among those that were drawn up."""
    return next(one for one in answer.json()["items"] if one["account_id"] == photographer.id)


def test_a_payout_is_drawn_up_paid_and_seen_by_its_owner(backends, api, bearer, admin, photographer):
    drawn = draw_up(backends, api, admin)
    payout = own(drawn, photographer)
    paid = api.post(f"/payouts/{payout['id']}/paid", json={"reference": " SCB 1187 "}, headers=admin)

    seen = api.get("/earnings", headers=bearer(photographer)).json()
    assert drawn.status_code == 201
    assert payout == {
        "id": payout["id"],
        "account_id": photographer.id,
        "amount": SHARE,
        "status": "due",
        "created_at": payout["created_at"],
        "paid_at": None,
        "reference": "",
        **period(backends),
    }
    assert paid.json() == payout | {
        "status": "paid",
        "reference": "SCB 1187",
        "paid_at": paid.json()["paid_at"],
    }
    assert seen["payouts"] == [paid.json()]
    assert (seen["funds"][0]["owed_amount"], seen["funds"][0]["paid_amount"]) == (0, SHARE)


def test_nothing_is_drawn_up_twice(backends, api, admin, photographer):
    draw_up(backends, api, admin)

    again = draw_up(backends, api, admin)

    assert (again.status_code, again.json()) == (201, {"items": []})


def test_a_payout_that_is_cancelled_is_owed_as_before(backends, api, admin, photographer):
    payout = own(draw_up(backends, api, admin), photographer)

    cancelled = api.post(f"/payouts/{payout['id']}/cancel", headers=admin)
    late = api.post(f"/payouts/{payout['id']}/paid", json={"reference": "SCB 1187"}, headers=admin)

    assert cancelled.json() == payout | {"status": "cancelled"}
    assert (late.status_code, late.json()["error"]) == (409, "Settled")
    assert own(draw_up(backends, api, admin), photographer)["amount"] == SHARE


def test_admins_list_whose_payouts_they_are(backends, api, admin, photographer):
    payout = own(draw_up(backends, api, admin), photographer)

    found = api.get("/payouts", headers=admin).json()["items"]

    whose = {"name": photographer.name, "email": photographer.email}
    assert payout | whose in found
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)
    assert api.get("/payouts?status=paid", headers=admin).json()["items"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"period_end": "2099-01-01"},
        {"period_start": "2026-11-02", "period_end": "2026-11-01"},
        {"period_start": "0001-01-01", "period_end": "9999-12-31"},
        {"currency": "thb"},
        {"amount": 1},
        {"account_id": 1},
    ],
)
def test_what_is_no_period_is_refused(backends, api, admin, changes):
    assert draw_up(backends, api, admin, **changes).status_code == 422


@pytest.mark.parametrize(
    "sent", [{}, {"reference": ""}, {"reference": "  "}, {"reference": "x", "amount": 1}]
)
def test_a_payout_is_paid_with_a_reference_and_as_it_was_drawn_up(backends, api, admin, photographer, sent):
    payout = own(draw_up(backends, api, admin), photographer)

    answer = api.post(f"/payouts/{payout['id']}/paid", json=sent, headers=admin)

    assert answer.status_code == 422


@pytest.mark.parametrize(("way", "sent"), [("paid", {"reference": "x"}), ("cancel", None)])
def test_a_payout_that_is_not_there_is_neither_paid_nor_cancelled(api, admin, way, sent):
    answer = api.post(f"/payouts/999999/{way}", json=sent, headers=admin)

    assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchPayout")


def test_nobody_else_pays_anybody(backends, api, bearer, admin, photographer, visitor):
    payout = own(draw_up(backends, api, admin), photographer)
    others = [bearer(make_account(backends, role)) for role in Role if role is not Role.ADMIN]
    callers = {401: [{}, visitor], 403: [bearer(photographer), *others]}

    found = {
        (status, answer.status_code)
        for status, several in callers.items()
        for headers in several
        for answer in (
            draw_up(backends, api, headers),
            api.get("/payouts", headers=headers),
            api.post(f"/payouts/{payout['id']}/paid", json={"reference": "mine"}, headers=headers),
            api.post(f"/payouts/{payout['id']}/cancel", headers=headers),
        )
    }

    assert found == {(401, 401), (403, 403)}
