"""Orders found again by mail, without anyone learning who has bought."""

import pytest

from core import limits
from tests.core.money import EMAIL, make_paid


def ask(api, email: str):
    return api.post("/order-links", json={"email": email})


def test_a_buyer_is_mailed_the_links_to_their_orders(backends, api, work):
    make_paid(backends)
    work()
    backends.mailer.sent.clear()

    answer = ask(api, f" {EMAIL.upper()}")
    work()

    assert answer.status_code == 202
    assert [mail.to for mail in backends.mailer.sent] == [EMAIL]
    assert "/order?o=" in backends.mailer.sent[0].text


def test_who_asks_does_not_learn_who_has_bought(backends, api, work):
    make_paid(backends)
    work()
    backends.mailer.sent.clear()

    known, unknown = ask(api, EMAIL), ask(api, "nobody@example.org")
    work()

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    assert known.headers.keys() == unknown.headers.keys()
    assert [mail.to for mail in backends.mailer.sent] == [EMAIL]


def test_nobodys_inbox_is_filled_and_who_asks_does_not_see_that_either(backends, api, work):
    make_paid(backends)
    work()
    backends.mailer.sent.clear()

    answers = [ask(api, EMAIL) for _ in range(limits.LOST_LINK.size + 3)]
    work()

    assert {answer.status_code for answer in answers} == {202}
    assert len(backends.mailer.sent) == limits.LOST_LINK.size


def test_one_address_asks_only_so_often(api):
    answers = [ask(api, f"person{number}@example.org") for number in range(limits.REGISTER.size + 1)]

    assert answers[-1].status_code == 429
    assert answers[-2].status_code == 202


@pytest.mark.parametrize(
    "sent", [{"email": "no address"}, {"email": ""}, {}, {"email": EMAIL, "to": "x@y.z"}]
)
def test_what_is_no_address_is_refused(api, sent):
    assert api.post("/order-links", json=sent).status_code == 422
