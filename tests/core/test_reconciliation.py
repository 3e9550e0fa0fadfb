"""What lost messages left is found by asking."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import ledger, orders, payments, reconciliation, refunds
from core.__main__ import main
from core.errors import Unavailable
from core.gateway import DisputeState, PaymentState
from models.account import Role
from models.fields import utc_now
from models.job import Job, JobKind, JobStatus
from models.ledger import Book, EntryKind, LedgerEntry
from models.order import Order, OrderStatus, ReceivedEvent
from tests.core.money import count, make_order, make_paid
from tests.makers import make_account


def reconcile(backends, days: int = 3) -> reconciliation.Report:
    return reconciliation.reconcile(backends, utc_now() - timedelta(days=days))


def test_a_payment_whose_message_was_lost_is_found(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    report = reconcile(backends)

    assert (report.orders, report.changed, report.unknown, report.faults) == (1, 1, 0, ())
    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_late_payment_of_an_order_that_was_given_up_is_found(backends):
    order = make_order(backends)
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = OrderStatus.EXPIRED
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    reconcile(backends)

    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_refunds_and_disputes_of_which_nothing_was_heard_are_found(backends):
    refunded, disputed = make_paid(backends), make_paid(backends)
    backends.payments.refund(refunded.checkout_id, 24_000, "by hand")
    dispute_id, _ = backends.payments.dispute(disputed.checkout_id, 24_000)
    backends.payments.close_dispute(dispute_id, DisputeState.LOST)

    report = reconcile(backends)

    assert report.changed == 2
    with backends.reading() as session:
        assert not any(ledger.totals(session).values())


def test_what_agrees_is_left_as_it_is(backends):
    make_paid(backends), make_order(backends)
    reconcile(backends)

    assert reconcile(backends).changed == 0


def test_a_second_payment_that_nobody_spoke_of_is_put_aside(backends):
    order = make_paid(backends)
    again = make_order(backends)
    backends.payments.decide(again.checkout_id, PaymentState.PAID)
    with backends.transaction() as session:  # its order is another's, by what the gateway says
        session.get_one(Order, again.id).checkout_id = order.checkout_id + "x"

    reconcile(backends)

    with backends.reading() as session:
        assert ledger.totals(session)[Book.HELD, "THB"] == -24_000


def test_payments_of_others_at_the_same_gateway_are_counted_and_let_be(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    theirs = make_order(backends)
    with backends.transaction() as session:
        for line in orders.lines(backends, theirs):
            session.delete(session.merge(line))
        session.flush()
        session.delete(session.get_one(Order, theirs.id))

    assert reconcile(backends).unknown == 1


def test_a_sale_from_before_there_were_books_is_booked(backends):
    order = make_paid(backends)
    with backends.transaction() as session:
        session.get_one(Order, order.id).gateway = "another"
    unbooked = make_order(backends)
    with backends.transaction() as session:
        row = session.get_one(Order, unbooked.id)
        row.status, row.gateway, row.paid_at = OrderStatus.PAID, "another", utc_now()

    reconcile(backends)

    with backends.reading() as session:
        booked = session.exec(select(LedgerEntry.order_id).where(LedgerEntry.kind == EntryKind.SALE)).all()
    assert set(booked) == {order.id, unbooked.id}
    assert reconcile(backends).changed == 0


def test_a_gateway_that_is_away_is_said_and_nothing_is_lost(backends, monkeypatch):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    def away(*_):
        raise Unavailable("The payment service does not answer. Try again in a minute.")

    with monkeypatch.context() as patched:
        patched.setattr(backends.payments, "look_up", away)
        with pytest.raises(Unavailable):
            reconcile(backends)
    reconcile(backends)

    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_refund_whose_job_gave_up_is_asked_for(backends):
    order = make_paid(backends)
    refunds.give_back(backends, order.id, None, "Rained off", by=make_account(backends, Role.ADMIN))
    with backends.transaction() as session:
        session.exec(select(Job).where(Job.kind == JobKind.GIVE_BACK)).one().status = JobStatus.FAILED

    reconcile(backends)

    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED


def test_the_nightly_job_does_the_same(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    reconciliation.run(backends, "daily")

    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_the_command_says_what_it_found(backends, capsys):
    order = make_order(backends)
    body = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    assert main(["reconcile", "--days", "1"]) == 0

    assert "1 orders asked about, 1 of them changed." in capsys.readouterr().out
    payments.receive(backends, *body)
    payments.settle(backends, str(order.id))
    assert count(backends, ReceivedEvent, ReceivedEvent.handled_at.is_(None)) == 0


def test_the_audit_command_checks_the_books_too(backends, capsys):
    make_paid(backends)

    assert main(["audit"]) == 0

    assert "The ledger is whole." in capsys.readouterr().out


def test_a_refund_that_must_wait_holds_up_nothing_else(backends, monkeypatch):
    order, unheard = make_paid(backends), make_order(backends)
    refunds.give_back(backends, order.id, None, "Rained off", by=make_account(backends, Role.ADMIN))
    backends.payments.decide(unheard.checkout_id, PaymentState.PAID)

    def broke(*_):
        raise Unavailable("There is not enough money at the payment service.")

    monkeypatch.setattr(backends.payments, "refund", broke)
    with pytest.raises(Unavailable):
        reconcile(backends)

    assert orders.find(backends, unheard.id).status is OrderStatus.PAID
