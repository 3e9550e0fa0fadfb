"""The outbox, for admins."""

import pytest

from core import outbox
from models.account import Role
from models.mail import MailKind
from tests.core.money import EMAIL, make_paid
from tests.makers import make_account, some_id


@pytest.fixture
def admin(backends, bearer):
    return bearer(make_account(backends, Role.ADMIN))


def put(backends, number: int) -> None:
    """Have a mail wait for its turn."""
    with backends.transaction() as session:
        outbox.put(session, MailKind.INVITATION, f"1:{number}", f"person{number}@example.org", event_id=1)


def listed(api, headers, **asked):
    return api.get("/admin/mails", params=asked, headers=headers).json()


def test_mails_are_listed_newest_first_without_what_they_say(backends, api, admin):
    for number in range(3):
        put(backends, number)

    first = listed(api, admin, limit=2)
    second = listed(api, admin, limit=2, cursor=first["next_cursor"])

    found = [*first["items"], *second["items"]]
    assert [mail["to"] for mail in found] == [f"person{number}@example.org" for number in (2, 1, 0)]
    assert found[0] == {
        "id": found[0]["id"],
        "kind": "invitation",
        "to": "person2@example.org",
        "language": "en",
        "status": "waiting",
        "created_at": found[0]["created_at"],
        "sent_at": None,
        "last_error": None,
    }


def test_a_mail_that_was_given_up_is_tried_again(backends, api, admin, work):
    backends.mailer.refused.add(EMAIL)
    make_paid(backends)
    work()
    failed = listed(api, admin, status="failed")["items"]
    backends.mailer.refused.clear()

    answers = [api.post(f"/admin/mails/{mail['id']}/retry", headers=admin) for mail in failed]
    work()

    assert {mail["kind"] for mail in failed} == {"order_confirmation", "receipt"}
    assert {mail["last_error"] for mail in failed} == {"The mail server refuses this address."}
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    assert [mail["last_error"] for mail in listed(api, admin, status="sent")["items"]] == [None] * 2
    assert [mail.to for mail in backends.mailer.sent] == [EMAIL] * 2


def test_there_is_no_other_status_of_a_mail(api, admin):
    assert api.get("/admin/mails?status=lost", headers=admin).status_code == 422


def test_nobody_else_sees_who_is_written_to(backends, api, bearer, admin, visitor):
    put(backends, 1)
    mail_id = listed(api, admin)["items"][0]["id"]
    others = [bearer(make_account(backends, role)) for role in Role if role is not Role.ADMIN]

    found = [
        (
            api.get("/admin/mails", headers=headers).status_code,
            api.post(f"/admin/mails/{mail_id}/retry", headers=headers).status_code,
        )
        for headers in ({}, visitor, *others)
    ]

    assert found == [(401, 401)] * 2 + [(403, 403)] * len(others)


def test_a_mail_that_is_not_there_is_not_tried(api, admin):
    answer = api.post(f"/admin/mails/{some_id()}/retry", headers=admin)

    assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchMail")
