"""What becomes of an order's money, whatever the gateway says, how often and in which order."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core import attempts, audit, carts, checkouts, ledger, orders, payments, refunds
from core.adapters.demo_gateway import SIGNATURE_HEADER
from core.errors import Forbidden, Unavailable
from core.gateway import PaymentState, RefundState
from models.account import Role
from models.activity import Activity, ActivityKind
from models.audit import AuditEntry
from models.cart import CartItem
from models.fields import utc_now
from models.job import Job, JobKind
from models.ledger import Book, LedgerEntry
from models.mail import MailKind, OutboxMail
from models.order import Download, Order, OrderStatus, ReceivedEvent
from models.photo import Photo
from models.refund import Receipt, RefundStatus
from tests.core.money import GatewayAway, at_once, count, fill_cart, make_order, make_paid
from tests.makers import make_account, make_event, make_photo

EMAIL = "runner@example.org"
PAID, FAILED, EXPIRED = PaymentState.PAID, PaymentState.FAILED, PaymentState.EXPIRED


def message(backends, **fields) -> tuple[bytes, dict[str, str]]:
    """A message that the gateway signed, whatever it says."""
    content = {"type": "payment", "id": uuid4().hex, "kind": "payment.paid", "payment_id": "demo_x"}
    body = json.dumps(content | fields).encode()
    return body, {SIGNATURE_HEADER: backends.payments.signature(body)}


def tell(backends, order: Order, state: PaymentState) -> None:
    """The bank decides, its message comes, and its job is done."""
    payments.receive(backends, *backends.payments.decide(order.checkout_id, state))
    payments.settle(backends, str(order.id))


def change(backends, order: Order, **fields) -> None:
    """Change what the order asks for, as nothing of ours ever does."""
    with backends.transaction() as session:
        session.get_one(Order, order.id).sqlmodel_update(fields)


# --- messages ------------------------------------------------------------------------------


def test_a_payment_makes_the_order_paid_and_grants_its_files(backends, work):
    viewer = fill_cart(backends, photos=2)
    order = checkouts.place(backends, viewer, EMAIL)
    later = make_photo(backends, make_event(backends))
    carts.add(backends, viewer, [later.id])

    payments.receive(backends, *backends.payments.decide(order.checkout_id, PAID))
    before = orders.find(backends, order.id).status
    work()

    paid = orders.find(backends, order.id)
    assert (before, paid.status, paid.pending_key) == (OrderStatus.PENDING, OrderStatus.PAID, None)
    assert count(backends, Download, Download.order_id == order.id) == 2
    with backends.reading() as session:
        assert [item.photo_id for item in session.exec(select(CartItem))] == [later.id]
        activity = session.exec(select(Activity).where(Activity.kind == ActivityKind.PAID)).one()
        assert ledger.totals(session)[Book.GATEWAY, "THB"] == 24_000
        assert session.exec(select(Receipt)).one().amount == 24_000
        kinds = session.exec(select(OutboxMail.kind).order_by(OutboxMail.kind)).all()
    assert activity.numbers == {"amount": 24_000, "count": 2}
    assert (activity.subject, activity.visitor_key) == (str(order.id), viewer.visitor_key)
    assert kinds == [MailKind.ORDER_CONFIRMATION, MailKind.RECEIPT]


def test_what_a_message_says_is_not_believed(backends, work):
    order = make_order(backends)

    payments.receive(backends, *message(backends, order_id=str(order.id), payment_id=order.checkout_id))
    work()

    assert orders.find(backends, order.id).status is OrderStatus.PENDING
    assert count(backends, ReceivedEvent, ReceivedEvent.handled_at.is_not(None)) == 1


def test_an_unsigned_message_changes_nothing(backends):
    order = make_order(backends)
    body, _ = backends.payments.decide(order.checkout_id, PAID)

    with pytest.raises(Forbidden):
        payments.receive(backends, body, {SIGNATURE_HEADER: f"t=1,v1={'0' * 64}"})

    assert count(backends, ReceivedEvent) == 0


def test_a_message_that_comes_twice_is_written_down_once(backends):
    order = make_order(backends)
    body, headers = backends.payments.decide(order.checkout_id, PAID)

    payments.receive(backends, body, headers)
    payments.receive(backends, body, headers)

    assert count(backends, ReceivedEvent) == 1
    assert count(backends, Job, Job.kind == JobKind.SETTLE_ORDER) == 1


def test_two_deliveries_of_a_message_at_once_are_one(backends):
    order = make_order(backends)
    body, headers = backends.payments.decide(order.checkout_id, PAID)

    results = at_once(6, lambda: payments.receive(backends, body, headers))
    settled = at_once(6, lambda: payments.settle(backends, str(order.id)))

    assert results == [None] * 6
    assert settled == [None] * 6
    assert count(backends, ReceivedEvent) == 1
    assert count(backends, Download) == 2
    assert count(backends, Activity, Activity.kind == ActivityKind.PAID) == 1


def test_paying_without_looking_at_the_status_would_grant_twice(backends, monkeypatch):
    """The negative control: without the condition of the UPDATE, a second payment tries to grant again."""
    order = make_paid(backends)
    monkeypatch.setattr(orders, "UNPAID", tuple(OrderStatus))

    with pytest.raises(Exception, match="UNIQUE"):
        payments.settle(backends, str(order.id))


def test_an_older_answer_is_never_applied_after_a_newer_one(backends, work, monkeypatch):
    """One thread asks while a refund is on its way; before it can act, another hears that it failed."""
    backends.payments.are_refunds_slow = True
    order = make_paid(backends)
    refunds.give_back(backends, order.id, None, "Rained off", by=make_account(backends, Role.ADMIN))
    work()
    (refund,) = refunds.of_order(backends, order)
    real, looks = backends.payments.look_up, []

    def look_up(payment_id):
        standing = real(payment_id)
        looks.append(standing)
        if len(looks) == 1:
            backends.payments.settle_refund(payment_id, refund.gateway_id, RefundState.FAILED)
            payments.settle(backends, str(order.id))
        return standing

    monkeypatch.setattr(backends.payments, "look_up", look_up)
    payments.settle(backends, str(order.id))

    assert [look.refunds[0].state for look in looks] == ["pending", "failed", "failed"]
    assert refunds.of_order(backends, order)[0].status is RefundStatus.FAILED
    assert orders.find(backends, order.id).status is OrderStatus.PAID


@pytest.mark.parametrize("state", [FAILED, EXPIRED])
def test_a_refused_or_ended_payment_frees_the_cart(backends, state):
    viewer = fill_cart(backends)
    first = checkouts.place(backends, viewer, EMAIL)

    tell(backends, first, state)
    second = checkouts.place(backends, viewer, EMAIL)

    ended = orders.find(backends, first.id)
    assert (ended.status, ended.pending_key) == (OrderStatus(state), None)
    assert second.id != first.id
    assert carts.count(backends, viewer) == 2


def test_a_payment_wins_over_an_end_that_came_first(backends):
    """PromptPay may pay minutes after we gave the order up (T45)."""
    order = make_order(backends)
    change(backends, order, status=OrderStatus.EXPIRED, pending_key=None)

    tell(backends, order, PAID)

    assert orders.find(backends, order.id).status is OrderStatus.PAID
    assert count(backends, Download) == 2


@pytest.mark.parametrize("wrong", [{"total_amount": 1}, {"total_amount": 24_001}, {"currency": "USD"}])
def test_money_that_does_not_fit_is_put_aside_and_delivers_nothing(backends, wrong):
    order = make_order(backends)
    change(backends, order, **wrong)

    tell(backends, order, PAID)
    payments.settle(backends, str(order.id))

    with backends.reading() as session:
        entry = session.exec(select(AuditEntry)).one()
        totals = ledger.totals(session)
    assert orders.find(backends, order.id).status is OrderStatus.HELD
    assert (entry.action, entry.subject) == ("order.held", str(order.id))
    assert totals == {(Book.GATEWAY, "THB"): 24_000, (Book.HELD, "THB"): -24_000}
    assert count(backends, Download) == 0
    assert audit.first_break(backends) is None


def test_money_for_a_photo_that_is_gone_is_put_aside(backends):
    order = make_order(backends)
    with backends.transaction() as session:
        session.exec(select(Photo)).first().removed_at = utc_now()

    tell(backends, order, PAID)

    assert orders.find(backends, order.id).status is OrderStatus.HELD


def test_a_second_payment_of_a_paid_order_is_put_aside_and_takes_nothing_back(backends):
    order, other = make_paid(backends), make_order(backends)
    backends.payments.decide(other.checkout_id, PAID)

    payments.receive(backends, *message(backends, order_id=str(order.id), payment_id=other.checkout_id))
    payments.settle(backends, str(order.id))

    with backends.reading() as session:
        assert ledger.totals(session)[Book.HELD, "THB"] == -24_000
    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_message_whose_order_is_not_known_is_traced_by_asking(backends, work):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PAID)
    change(backends, order, checkout_id=None)  # the site died before it could write it down

    payments.receive(backends, *message(backends, order_id=str(uuid4()), payment_id=order.checkout_id))
    work()

    paid = orders.find(backends, order.id)
    assert (paid.status, paid.checkout_id) == (OrderStatus.PAID, order.checkout_id)


def test_a_message_about_somebody_elses_payment_is_let_be(backends, work):
    make_order(backends)

    payments.receive(backends, *message(backends, order_id=str(uuid4()), payment_id="demo_" + "0" * 40))
    work()

    assert count(backends, ReceivedEvent, ReceivedEvent.handled_at.is_not(None)) == 1
    assert count(backends, LedgerEntry) == 0


# --- asking without being told -------------------------------------------------------------


def test_the_return_page_asks_the_gateway_itself(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PAID)  # its message is lost

    refreshed = payments.refresh(backends, order.id)

    assert refreshed.status is OrderStatus.PAID
    assert count(backends, Download) == 2


def test_asking_and_being_told_pay_once(backends, work):
    order = make_order(backends)
    body, headers = backends.payments.decide(order.checkout_id, PAID)

    payments.refresh(backends, order.id)
    payments.receive(backends, body, headers)
    payments.refresh(backends, order.id)
    work()

    assert count(backends, Download) == 2
    assert count(backends, Activity, Activity.kind == ActivityKind.PAID) == 1
    assert count(backends, OutboxMail, OutboxMail.kind == MailKind.ORDER_CONFIRMATION) == 1


def test_asking_about_an_open_checkout_changes_nothing(backends):
    order = make_order(backends)

    assert payments.refresh(backends, order.id).status is OrderStatus.PENDING
    assert count(backends, ReceivedEvent) == 0


def test_a_gateway_that_is_away_does_not_break_the_return_page(backends):
    order = make_order(backends)
    backends.payments = GatewayAway()

    assert payments.refresh(backends, order.id).status is OrderStatus.PENDING


def test_an_unpaid_order_ends_when_its_time_is_over_and_can_be_paid_no_more(backends):
    viewer = fill_cart(backends)
    order = checkouts.place(backends, viewer, EMAIL)

    attempts.expire(backends, str(order.id))
    backends.payments.decide(order.checkout_id, PAID)

    ended = payments.refresh(backends, order.id)
    assert (ended.status, ended.pending_key) == (OrderStatus.EXPIRED, None)
    assert carts.count(backends, viewer) == 2


def test_an_order_that_was_paid_unheard_is_paid_when_its_time_is_over(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PAID)

    attempts.expire(backends, str(order.id))

    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_an_order_does_not_end_while_the_gateway_is_away(backends):
    order = make_order(backends)
    backends.payments = GatewayAway()

    with pytest.raises(Unavailable):
        attempts.expire(backends, str(order.id))

    assert orders.find(backends, order.id).status is OrderStatus.PENDING


def test_the_end_of_an_order_is_a_job_at_its_expiry(backends):
    order = make_order(backends)

    with backends.reading() as session:
        job = session.exec(select(Job).where(Job.kind == JobKind.EXPIRE_ORDER)).one()

    assert job.subject == str(order.id)
    assert abs(job.run_at - order.expires_at) < timedelta(seconds=5)


def test_an_order_of_a_gateway_that_is_no_longer_set_up_is_let_be(backends):
    order = make_paid(backends)
    backends.payments.name = "another"

    payments.settle(backends, str(order.id))

    assert orders.find(backends, order.id).status is OrderStatus.PAID


# --- every history -------------------------------------------------------------------------


HAPPENINGS = st.lists(
    st.sampled_from(["paid", "failed", "repeat", "rumour", "look", "bank", "time is over"]), max_size=8
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HAPPENINGS)
def test_whatever_happens_an_order_is_what_it_is_at_the_gateway(backends, history):
    order = make_order(backends)
    checkout_id, last = order.checkout_id, None

    for happening in history:
        last = happen(backends, order, happening, last)
    payments.settle(backends, str(order.id))

    status = orders.find(backends, order.id).status
    granted = count(backends, Download, Download.order_id == order.id)
    paid = count(backends, Activity, Activity.kind == ActivityKind.PAID, Activity.subject == str(order.id))
    at_gateway = backends.payments.look_up(checkout_id).state
    assert (granted, paid) == ((2, 1) if status is OrderStatus.PAID else (0, 0))
    assert status in {
        PaymentState.OPEN: (OrderStatus.PENDING,),
        PaymentState.PAID: (OrderStatus.PAID,),
    }.get(at_gateway, (OrderStatus.FAILED, OrderStatus.EXPIRED))


def happen(backends, order: Order, happening: str, last: tuple[bytes, dict[str, str]] | None):
    """One thing of a history; returns the last message sent."""
    match happening:
        case "look":
            payments.refresh(backends, order.id)
        case "bank":  # the visitor pays, and the message is lost
            backends.payments.decide(order.checkout_id, PAID)
        case "time is over":
            attempts.expire(backends, str(order.id))
        case "rumour":
            last = message(backends, order_id=str(order.id), payment_id=order.checkout_id)
        case "paid" | "failed":
            last = backends.payments.decide(order.checkout_id, PaymentState(happening))
    if last is not None:
        payments.receive(backends, *last)
    return last


def test_a_checkout_opened_for_an_order_that_was_ended_meanwhile_cannot_be_paid(backends):
    order = make_order(backends)
    change(backends, order, checkout_id=None, checkout_url=None, status=OrderStatus.EXPIRED)

    attempts.note(backends, order, order.checkout_id, order.checkout_url)

    assert backends.payments.look_up(order.checkout_id).state is EXPIRED


def test_the_end_of_a_payment_that_we_ended_ourselves_is_not_the_orders(backends):
    order = make_order(backends)
    attempts.end(backends, order.id)

    payments.receive(backends, *message(backends, order_id=str(order.id), payment_id=order.checkout_id))
    payments.settle(backends, str(order.id))

    assert backends.payments.look_up(order.checkout_id).state is EXPIRED
    assert orders.find(backends, order.id).status is OrderStatus.PENDING
