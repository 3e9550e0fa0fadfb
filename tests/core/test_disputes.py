"""Payments that a bank wants back: nobody is paid of them until it is decided."""

import pytest
from sqlmodel import select

from core import disputes, downloads, ledger, orders, payments, refunds
from core.errors import Forbidden, SignInNeeded
from core.gateway import DisputeState, RefundState
from models.account import Role
from models.event import EventMember, MemberRole
from models.ledger import Book
from models.notice import Notice, NoticeKind
from models.order import OrderStatus
from models.refund import DisputeStatus
from tests.core.money import make_paid
from tests.makers import make_account, make_event, make_member


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def photographer(backends, event):
    account = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    with backends.transaction() as session:
        session.get_one(EventMember, (event.id, account.id)).commission_percent = 50
    return account


def make_disputed(backends, event, photographer, amount: int = 24_000):
    """A paid order of two photos whose buyer's bank wants money back, and the dispute's id."""
    order = make_paid(backends, event, uploaded_by=photographer.id)
    dispute_id, message = backends.payments.dispute(order.checkout_id, amount)
    payments.receive(backends, *message)
    payments.settle(backends, str(order.id))
    return order, dispute_id


def close(backends, order, dispute_id: str, state: DisputeState) -> None:
    payments.receive(backends, *backends.payments.close_dispute(dispute_id, state))
    payments.settle(backends, str(order.id))


def balance(backends, account):
    with backends.reading() as session:
        return ledger.balance(session, account.id, "THB")


def test_an_open_dispute_freezes_the_photographers_share(backends, event, photographer):
    order, _ = make_disputed(backends, event, photographer)

    (dispute,) = disputes.of_order(backends, order)
    frozen = balance(backends, photographer)
    with backends.reading() as session:
        told = session.exec(select(Notice).where(Notice.kind == NoticeKind.ORDER_DISPUTED)).one()
    assert (dispute.status, dispute.amount) == (DisputeStatus.OPEN, 24_000)
    assert (frozen.owed, frozen.frozen) == (0, 10_800)
    assert told.data == {"order_id": str(order.id), "amount": 24_000, "currency": "THB"}
    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_dispute_that_is_won_gives_everybody_their_share_back(backends, event, photographer):
    order, dispute_id = make_disputed(backends, event, photographer)

    close(backends, order, dispute_id, DisputeState.WON)
    payments.settle(backends, str(order.id))

    assert disputes.of_order(backends, order)[0].status is DisputeStatus.WON
    assert balance(backends, photographer).owed == 10_800
    assert len(downloads.links(backends, orders.find(backends, order.id))) == 2


def test_a_dispute_that_is_lost_takes_the_money_and_the_files(backends, event, photographer):
    order, dispute_id = make_disputed(backends, event, photographer)

    close(backends, order, dispute_id, DisputeState.LOST)

    with backends.reading() as session:
        assert not any(ledger.totals(session).values())
    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED
    with pytest.raises(downloads.Withdrawn):
        downloads.links(backends, orders.find(backends, order.id))


def test_half_a_dispute_that_is_lost_leaves_the_other_half(backends, event, photographer):
    order, dispute_id = make_disputed(backends, event, photographer, amount=12_000)

    close(backends, order, dispute_id, DisputeState.LOST)

    with backends.reading() as session:
        assert ledger.totals(session)[Book.GATEWAY, "THB"] == 12_000
    assert balance(backends, photographer).owed == 5_400
    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_dispute_of_which_only_the_end_was_heard_is_booked_as_a_whole(backends, event, photographer):
    order = make_paid(backends, event, uploaded_by=photographer.id)
    dispute_id, _ = backends.payments.dispute(order.checkout_id, 24_000)
    close(backends, order, dispute_id, DisputeState.LOST)

    with backends.reading() as session:
        assert not any(ledger.totals(session).values())
    assert list(ledger.faults(backends)) == []


def test_admins_see_what_waits_for_an_answer_and_nobody_else_does(backends, event, photographer):
    _, first = make_disputed(backends, event, photographer)
    order, closed = make_disputed(backends, event, photographer)
    close(backends, order, closed, DisputeState.WON)

    waiting = disputes.open_ones(backends, by=make_account(backends, Role.ADMIN)).items

    assert [dispute.id for dispute in waiting] == [first]
    for account, refusal in ((None, SignInNeeded), (photographer, Forbidden)):
        with pytest.raises(refusal):
            disputes.open_ones(backends, by=account)


def test_one_of_two_disputes_that_is_won_leaves_frozen_what_the_other_is_about(backends, event, photographer):
    order, first = make_disputed(backends, event, photographer, amount=6_000)
    second, _ = backends.payments.dispute(order.checkout_id, 6_000)
    payments.settle(backends, str(order.id))

    close(backends, order, first, DisputeState.WON)
    between = balance(backends, photographer)
    close(backends, order, second, DisputeState.WON)

    assert (between.owed, between.frozen) == (0, 10_800)
    assert balance(backends, photographer).owed == 10_800


def test_what_one_lost_dispute_leaves_stays_frozen_for_the_other(backends, event, photographer):
    order, first = make_disputed(backends, event, photographer, amount=12_000)
    second, _ = backends.payments.dispute(order.checkout_id, 6_000)
    payments.settle(backends, str(order.id))

    close(backends, order, first, DisputeState.LOST)
    between = balance(backends, photographer)
    close(backends, order, second, DisputeState.WON)

    assert (between.owed, between.frozen) == (0, 5_400)
    assert balance(backends, photographer).owed == 5_400


def test_what_a_failed_refund_brings_back_during_a_dispute_is_frozen_too(backends, event, photographer, work):
    backends.payments.are_refunds_slow = True
    order = make_paid(backends, event, uploaded_by=photographer.id)
    line = orders.lines(backends, order)[0]
    refunds.give_back(backends, order.id, [line.id], "Blurred", by=make_account(backends, Role.ADMIN))
    work()
    backends.payments.dispute(order.checkout_id, 12_000)
    payments.settle(backends, str(order.id))

    (refund,) = refunds.of_order(backends, order)
    backends.payments.settle_refund(order.checkout_id, refund.gateway_id, RefundState.FAILED)
    payments.settle(backends, str(order.id))

    after = balance(backends, photographer)
    assert (after.owed, after.frozen) == (0, 10_800)
