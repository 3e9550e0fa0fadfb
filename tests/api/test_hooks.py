"""Webhooks over HTTP: made, changed, tried and ended by who may edit their event."""

import pytest

from models.account import Role
from models.event import MemberRole
from models.notice import NoticeKind
from tests.makers import make_account, make_event, make_member, some_id

URL = "https://booth.example.org/encore"


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def organiser(backends, bearer, event):
    return bearer(make_member(backends, event, MemberRole.CO_ORGANISER))


@pytest.fixture
def webhook(api, organiser, event):
    """A new webhook, as it was answered."""
    answer = api.post(f"/events/{event.id}/webhooks", json={"url": URL}, headers=organiser)
    assert answer.status_code == 201
    return answer.json()


def without_secret(webhook):
    return {name: value for name, value in webhook.items() if name != "secret"}


def test_a_webhook_is_made_with_a_secret(api, organiser, event):
    sent = {"url": URL, "kinds": ["order.paid", "photo.indexed"]}

    answer = api.post(f"/events/{event.id}/webhooks", json=sent, headers=organiser)

    made = answer.json()
    listed = api.get(f"/events/{event.id}/webhooks", headers=organiser)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert without_secret(made) == {
        "id": made["id"],
        "event_id": event.id,
        "url": URL,
        "kinds": ["photo.indexed", "order.paid"],
        "is_active": True,
        "created_at": made["created_at"],
    }
    assert made["secret"].startswith("whsec_")
    assert listed.json() == {"items": [without_secret(made)], "next_cursor": None}
    assert made["secret"] not in listed.text


def test_making_one_twice_under_one_key_makes_one(api, organiser, event):
    headers = organiser | {"Idempotency-Key": "webhook-1"}

    answers = [api.post(f"/events/{event.id}/webhooks", json={"url": URL}, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len(api.get(f"/events/{event.id}/webhooks", headers=organiser).json()["items"]) == 1


def test_what_is_left_out_of_a_change_stays(api, organiser, webhook):
    path = f"/webhooks/{webhook['id']}"

    off = api.patch(path, json={"is_active": False}, headers=organiser).json()
    moved = api.patch(path, json={"url": f"{URL}/2", "kinds": ["order.paid"]}, headers=organiser).json()
    everything = api.patch(path, json={"kinds": []}, headers=organiser).json()

    assert off == without_secret(webhook) | {"is_active": False}
    assert moved == off | {"url": f"{URL}/2", "kinds": ["order.paid"]}
    assert everything == moved | {"kinds": []}


def test_a_webhook_that_was_removed_is_gone(api, organiser, event, webhook):
    path = f"/webhooks/{webhook['id']}"

    assert api.delete(path, headers=organiser).status_code == 204
    assert api.delete(path, headers=organiser).status_code == 404
    assert api.get(f"{path}/deliveries", headers=organiser).status_code == 404
    assert api.get(f"/events/{event.id}/webhooks", headers=organiser).json()["items"] == []


def test_a_new_secret_takes_the_place_of_the_old_one(api, organiser, webhook):
    answer = api.post(f"/webhooks/{webhook['id']}/rotate", headers=organiser)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["secret"] != webhook["secret"]
    assert without_secret(answer.json()) == without_secret(webhook)


def test_a_test_message_is_sent_listed_and_sent_again(backends, api, organiser, webhook, work):
    path = f"/webhooks/{webhook['id']}"

    ping = api.post(f"{path}/ping", headers=organiser)
    work()
    listed = api.get(f"{path}/deliveries", headers=organiser).json()
    again = api.post(f"/deliveries/{ping.json()['id']}/resend", headers=organiser)
    work()

    (delivery,) = listed["items"]
    assert (ping.status_code, ping.json()["status"], ping.json()["kind"]) == (202, "waiting", "ping")
    assert delivery == ping.json() | {
        "status": "delivered",
        "attempts": 1,
        "last_answer": delivery["last_answer"],
        "delivered_at": delivery["delivered_at"],
    }
    assert (delivery["webhook_id"], again.status_code, again.json()["status"]) == (
        webhook["id"],
        202,
        "waiting",
    )
    assert [(url, headers["webhook-id"]) for url, _, headers in backends.hooks.sent] == [
        (URL, delivery["id"])
    ] * 2


def test_deliveries_come_newest_first_page_by_page_and_by_status(backends, api, organiser, webhook, work):
    path = f"/webhooks/{webhook['id']}"
    sent = [api.post(f"{path}/ping", headers=organiser).json()["id"] for _ in range(2)]
    work()
    sent.append(api.post(f"{path}/ping", headers=organiser).json()["id"])

    def found(**query: object):
        return api.get(f"{path}/deliveries", params=query, headers=organiser).json()

    first = found(limit=2)
    second = found(limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + second["items"]] == sent[::-1]
    assert [one["id"] for one in found(status="waiting")["items"]] == sent[2:]
    assert [one["id"] for one in found(status="delivered")["items"]] == sent[1::-1]
    assert found(status="failed") == {"items": [], "next_cursor": None}


def test_a_webhook_that_is_switched_off_sends_no_test(api, organiser, webhook):
    path = f"/webhooks/{webhook['id']}"
    api.patch(path, json={"is_active": False}, headers=organiser)

    answer = api.post(f"{path}/ping", headers=organiser)

    assert (answer.status_code, answer.json()["error"]) == (409, "SwitchedOff")


@pytest.mark.parametrize(
    "sent",
    [
        {"url": ""},
        {"url": "http://booth.example.org"},
        {"url": "ftp://booth.example.org"},
        {"url": "x" * 3000},
        {"url": f"{URL}\0"},
        {"url": None},
        {"url": URL, "kinds": ["photo.stolen"]},
        {"url": URL, "kinds": ["order.paid"] * 100},
        {"url": URL, "secret": "mine"},
        {"url": URL, "event_id": 1},
        {"url": URL, "created_by": 1},
    ],
)
def test_what_cannot_be_a_webhook_is_refused(api, organiser, event, sent):
    answer = api.post(f"/events/{event.id}/webhooks", json=sent, headers=organiser)

    assert answer.status_code == 422


def requests(api, event, webhook_id: int, delivery_id: object, headers):
    """Every request about webhooks."""
    path = f"/webhooks/{webhook_id}"
    return [
        api.get(f"/events/{event.id}/webhooks", headers=headers),
        api.post(f"/events/{event.id}/webhooks", json={"url": URL}, headers=headers),
        api.patch(path, json={"is_active": False}, headers=headers),
        api.post(f"{path}/rotate", headers=headers),
        api.post(f"{path}/ping", headers=headers),
        api.get(f"{path}/deliveries", headers=headers),
        api.post(f"/deliveries/{delivery_id}/resend", headers=headers),
        api.delete(path, headers=headers),
    ]


@pytest.fixture
def delivery(api, organiser, webhook) -> str:
    return api.post(f"/webhooks/{webhook['id']}/ping", headers=organiser).json()["id"]


@pytest.mark.parametrize("role", [role for role in MemberRole if role is not MemberRole.CO_ORGANISER])
def test_other_members_may_not_have_webhooks(backends, api, bearer, event, webhook, delivery, role):
    headers = bearer(make_member(backends, event, role))

    answers = requests(api, event, webhook["id"], delivery, headers)

    assert {answer.status_code for answer in answers} == {403}


def test_to_strangers_there_are_no_such_webhooks(backends, api, bearer, event, webhook, delivery):
    make_event(backends, organiser := make_account(backends, Role.ORGANISER))

    for account in (organiser, make_account(backends)):
        headers = bearer(account)
        theirs = requests(api, event, webhook["id"], delivery, headers)
        nothing = requests(api, event, 990_001, some_id(), headers)
        assert {answer.status_code for answer in theirs} == {404}
        assert [answer.json()["message"] for answer in theirs] == [
            answer.json()["message"] for answer in nothing
        ]


def test_without_an_account_there_are_no_webhooks(api, visitor, event, webhook, delivery):
    for headers in ({}, visitor):
        answers = requests(api, event, webhook["id"], delivery, headers)
        assert {answer.status_code for answer in answers} == {401}


def test_every_kind_of_notice_can_be_asked_for(api, organiser, event):
    kinds = [kind.value for kind in NoticeKind]

    answer = api.post(f"/events/{event.id}/webhooks", json={"url": URL, "kinds": kinds}, headers=organiser)

    assert answer.json()["kinds"] == kinds
