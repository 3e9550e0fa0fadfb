"""A buyer's orders found again by mail, without anyone learning who is a customer."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event as engine_event

from core import buyer_letters, limits, lost_links, orders
from core.errors import InvalidInput
from models.job import Job
from models.mail import OutboxMail
from models.order import OrderStatus
from tests.core.test_correspondence import BUYER, PAID_AT, buy, link
from tests.core.test_outbox import all_of
from tests.makers import make_event


@pytest.fixture
def event(backends):
    return make_event(backends, name="Night run")


def links(backends) -> list[str]:
    """The private addresses in the last mail, in its order."""
    return re.findall(r"^http\S+/order\?o=\S+$", backends.mailer.sent[-1].text, re.MULTILINE)


def test_all_paid_orders_of_an_address_come_in_one_mail_newest_first(backends, work, event):
    early, late = (buy(backends, event, created_at=PAID_AT + timedelta(days=day)).order for day in (0, 1))
    for status in set(OrderStatus) - {OrderStatus.PAID}:
        buy(backends, event, status=status)
    buy(backends, event, email="somebody.else@example.org")

    lost_links.ask(backends, f" {BUYER.upper()} ")
    work()

    (mail,) = backends.mailer.sent
    assert (mail.to, mail.subject) == (BUYER, "The links to your photos")
    assert links(backends) == [link(backends, late), link(backends, early)]
    assert "19 Oct 2026 · Night run" in mail.text


def test_a_link_from_the_mail_opens_its_order_and_so_do_those_from_before(backends, work, event):
    order = buy(backends, event).order
    before = orders.address_token(backends, order)

    lost_links.ask(backends, BUYER)
    work()

    (address,) = links(backends)
    assert address.endswith(before)
    assert orders.by_token(backends, before).id == order.id


def test_one_mail_has_no_more_than_so_many_links(backends, work, event, monkeypatch):
    monkeypatch.setattr(buyer_letters, "MOST_ORDERS", 2)
    for _ in range(3):
        buy(backends, event)

    lost_links.ask(backends, BUYER)
    work()

    assert len(links(backends)) == 2


def test_it_may_be_asked_for_again(backends, work, event):
    buy(backends, event)
    for _ in range(2):
        lost_links.ask(backends, BUYER)

    work()

    assert len(backends.mailer.sent) == 2


def test_an_address_without_paid_orders_gets_the_same_answer_and_no_mail(backends, work, event):
    buy(backends, event, email="late@example.org", status=OrderStatus.EXPIRED)

    for email in ("late@example.org", "nobody@example.org"):
        assert lost_links.ask(backends, email) is None

    assert work() == 0
    assert backends.mailer.sent == []
    assert all_of(backends, OutboxMail) == all_of(backends, Job) == []


def test_an_address_without_orders_costs_no_less_than_one_with_some(backends, event):
    buy(backends, event)
    written: list[str] = []
    engine_event.listen(
        backends.engine, "before_cursor_execute", lambda *given: written.append(given[2].split()[0])
    )

    lost_links.ask(backends, BUYER)
    for_buyer = written.copy()
    written.clear()
    lost_links.ask(backends, "nobody@example.org")

    assert for_buyer == ["BEGIN", "SELECT", "INSERT", "INSERT"]
    assert written == [*for_buyer, "DELETE", "DELETE"]


def test_an_address_asked_for_too_often_is_sent_nothing_more_and_nobody_notices(backends, work, event):
    buy(backends, event)

    for _ in range(limits.LOST_LINK.size + 3):
        assert lost_links.ask(backends, BUYER) is None
    work()

    assert len(backends.mailer.sent) == limits.LOST_LINK.size


def test_what_is_no_address_is_refused(backends):
    with pytest.raises(InvalidInput, match="email address"):
        lost_links.ask(backends, "runner")


def test_an_order_that_went_back_before_the_mail_left_is_not_in_it(backends, work, event):
    order = buy(backends, event).order
    lost_links.ask(backends, BUYER)
    with backends.transaction() as session:
        session.merge(order).status = OrderStatus.REFUNDED

    work()

    assert backends.mailer.sent == []
