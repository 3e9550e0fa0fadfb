"""Members over HTTP: who has a part, who gives it, and who does not (T22, T32)."""

import pytest

from models.account import Account, Role
from models.event import Event, MemberRole
from tests.makers import make_account, make_event, make_member, owner_of


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends)


@pytest.fixture
def organiser(backends, event) -> Account:
    return owner_of(backends, event)


@pytest.fixture
def owner(bearer, organiser) -> dict[str, str]:
    return bearer(organiser)


def listed(api, event, who) -> list[dict]:
    answer = api.get(f"events/{event.id}/members", headers=who)
    assert answer.status_code == 200
    return answer.json()["items"]


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_member_is_put_changed_and_removed(backends, api, event, owner, organiser):
    account = make_account(backends, name="Zoe")
    part = {"email": account.email.upper(), "role": "photographer", "commission_percent": 60}

    put = api.put(f"events/{event.id}/members", json=part, headers=owner)
    changed = api.put(
        f"events/{event.id}/members", json={"email": account.email, "role": "door"}, headers=owner
    )
    between = listed(api, event, owner)
    removed = [
        api.delete(f"events/{event.id}/members/{account.id}", headers=owner).status_code for _ in range(2)
    ]

    zoe = {"account_id": account.id, "name": "Zoe", "email": account.email}
    assert (put.status_code, put.json()) == (200, zoe | {"role": "photographer", "commission_percent": 60})
    assert changed.json() == between[-1] == zoe | {"role": "door", "commission_percent": 0}
    assert removed == [204, 204]
    assert [member["account_id"] for member in listed(api, event, owner)] == [organiser.id]


def test_only_who_may_edit_the_event_reads_addresses(backends, api, event, owner, organiser, bearer):
    door = bearer(make_member(backends, event, MemberRole.DOOR))

    assert {member["email"] for member in listed(api, event, door)} == {""}
    assert organiser.email in {member["email"] for member in listed(api, event, owner)}


def test_an_event_keeps_a_co_organiser(api, event, owner, organiser):
    down = api.put(
        f"events/{event.id}/members", json={"email": organiser.email, "role": "door"}, headers=owner
    )
    away = api.delete(f"events/{event.id}/members/{organiser.id}", headers=owner)

    assert [error(one) for one in (down, away)] == [(409, "Conflict")] * 2
    assert [member["role"] for member in listed(api, event, owner)] == ["co_organiser"]


def test_a_part_that_cannot_be_is_refused(backends, api, event, owner):
    good = {"email": make_account(backends).email, "role": "door"}
    wrong = [
        {"role": "admin"},
        {"role": None},
        {"email": "x" * 255},
        {"email": "a\0@example.org"},
        {"email": ""},
        {"commission_percent": -1},
        {"commission_percent": 101},
        {"commission_percent": 10**30},
        {"commission_percent": 0.5},
        {"account_id": 1},
        {"created_at": "2026-10-17T00:00:00Z"},
    ]

    answers = [
        api.put(f"events/{event.id}/members", json=good | fields, headers=owner).status_code
        for fields in wrong
    ]
    unknown = api.put(f"events/{event.id}/members", json=good | {"email": "no@example.org"}, headers=owner)

    assert answers == [422] * len(wrong)
    assert error(unknown) == (404, "NotFound")
    assert len(listed(api, event, owner)) == 1


def test_who_has_no_part_neither_reads_nor_takes_one(backends, api, bearer, visitor, event, organiser):
    thief = make_account(backends, Role.ORGANISER)
    other = make_event(backends)
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    path = f"events/{event.id}/members"

    def answers(who, email="thief@example.org") -> list[int]:
        taking = api.put(path, json={"email": email, "role": "co_organiser"}, headers=who)
        removing = api.delete(f"{path}/{organiser.id}", headers=who)
        return [api.get(path, headers=who).status_code, taking.status_code, removing.status_code]

    assert [answers({}), answers(visitor)] == [[401] * 3] * 2
    assert answers(bearer(thief), thief.email) == [404] * 3
    assert answers(bearer(owner_of(backends, other))) == [404] * 3
    assert answers(bearer(photographer), photographer.email) == [200, 403, 403]
    assert len(listed(api, event, bearer(organiser))) == 2


def test_a_number_that_is_no_id_is_refused(api, event, owner):
    numbers = {0: 422, 2**31: 422, "x": 422, 2**31 - 1: 204}

    answers = {
        number: api.delete(f"events/{event.id}/members/{number}", headers=owner).status_code
        for number in numbers
    }

    assert answers == numbers
