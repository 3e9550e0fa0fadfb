"""What is promised of every payment gateway about money that goes back, and about what was not heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import Conflict, InvalidInput
from core.gateway import DisputeState, RefundState
from tests.contracts.payment_rigs import WHILE, Rig, events, make_request, paid

# Giving back.


def test_more_than_was_paid_is_never_given_back(rig):
    checkout_id = paid(rig)
    first = rig.gateway.refund(checkout_id, 20_000, "first")

    with pytest.raises(Conflict, match="more than"):
        rig.gateway.refund(checkout_id, 4_001, "second")
    third = rig.gateway.refund(checkout_id, 4_000, "third")
    with pytest.raises(Conflict, match="more than"):
        rig.gateway.refund(checkout_id, 1, "fourth")

    assert rig.gateway.look_up(checkout_id).refunds == (first, third)


def test_a_refund_asked_for_twice_is_given_once(rig):
    checkout_id = paid(rig)

    first = rig.gateway.refund(checkout_id, 20_000, "key")
    rig.wait(timedelta(days=30))  # gateways forget what they were asked, but not what they gave

    assert rig.gateway.refund(checkout_id, 20_000, "key") == first
    with pytest.raises(Conflict):
        rig.gateway.refund(checkout_id, 1_000, "key")
    assert rig.gateway.look_up(checkout_id).refunds == (first,)


@pytest.mark.parametrize("hand", ["none", "refuse", "wait"])
def test_what_was_not_paid_is_not_given_back(rig, hand):
    checkout = rig.gateway.start_checkout(make_request())
    {"none": lambda: None, "refuse": lambda: rig.refuse(checkout.id), "wait": lambda: rig.wait(WHILE)}[hand]()

    with pytest.raises(Conflict):
        rig.gateway.refund(checkout.id, 1, "key")


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_cannot_be_given_back(rig, amount):
    with pytest.raises(InvalidInput):
        rig.gateway.refund(paid(rig), amount, "key")


def test_a_slow_refund_waits_and_is_done(rig):
    checkout_id = paid(rig)
    rig.slow_down()
    refund = rig.gateway.refund(checkout_id, 1_000, "key")

    rig.settle(checkout_id, refund.id, RefundState.DONE)

    assert (refund.key, refund.amount, refund.state) == ("key", 1_000, RefundState.PENDING)
    assert rig.gateway.look_up(checkout_id).refunds == (replace(refund, state=RefundState.DONE),)
    assert checkout_id in known(rig, checkout_id)


def test_a_refund_that_failed_stays_known_and_its_money_can_be_given_again(rig):
    checkout_id = paid(rig)
    failed = rig.gateway.refund(checkout_id, 24_000, "first")
    rig.settle(checkout_id, failed.id, RefundState.FAILED)

    again = rig.gateway.refund(checkout_id, 24_000, "second")

    refunds = rig.gateway.look_up(checkout_id).refunds
    assert refunds == (replace(failed, state=RefundState.FAILED), again)


def known(rig: Rig, checkout_id: str) -> set[str]:
    """Return the checkouts that the messages lead to, by themselves or through the intent."""
    intent_id = rig.gateway.look_up(checkout_id).intent_id
    named = {event.payment_id for event in events(rig)}
    return {checkout_id} if named & {checkout_id, intent_id} else set()


# Disputes.


@pytest.mark.parametrize("state", [DisputeState.WON, DisputeState.LOST])
def test_a_dispute_is_told_of_until_it_is_decided(rig, state):
    checkout_id = paid(rig)
    dispute_id = rig.dispute(checkout_id, 9_000)
    [opened] = rig.gateway.look_up(checkout_id).disputes

    rig.decide(dispute_id, state)

    assert (opened.id, opened.amount, opened.state) == (dispute_id, 9_000, DisputeState.OPEN)
    assert rig.gateway.look_up(checkout_id).disputes == (replace(opened, state=state),)
    assert checkout_id in known(rig, checkout_id)


def test_a_disputed_payment_is_given_back_only_after_it_was_won(rig):
    checkout_id = paid(rig)
    dispute_id = rig.dispute(checkout_id, 24_000)

    with pytest.raises(Conflict, match="bank"):
        rig.gateway.refund(checkout_id, 1_000, "during")
    rig.decide(dispute_id, DisputeState.WON)

    assert rig.gateway.refund(checkout_id, 1_000, "after").amount == 1_000


# What happened lately.


def test_what_happened_lately_is_found_and_nothing_else(rig):
    old, quiet = paid(rig), paid(rig)
    rig.wait(timedelta(days=60))
    rig.gateway.refund(old, 1_000, "key")
    new = rig.gateway.start_checkout(make_request(expires_at=rig.now + timedelta(minutes=30))).id

    recent = set(rig.gateway.recent(rig.now - timedelta(days=1)))

    named = {new, old, rig.gateway.look_up(old).intent_id}
    assert new in recent
    assert recent & {old, rig.gateway.look_up(old).intent_id}
    assert recent <= named
    assert quiet not in recent


def test_what_became_of_an_old_refund_or_dispute_is_found(rig):
    refunded, disputed = paid(rig), paid(rig)
    rig.slow_down()
    refund, dispute_id = rig.gateway.refund(refunded, 1_000, "key"), rig.dispute(disputed, 1_000)
    rig.wait(timedelta(days=60))
    rig.settle(refunded, refund.id, RefundState.FAILED)
    rig.decide(dispute_id, DisputeState.LOST)

    recent = set(rig.gateway.recent(rig.now - timedelta(days=1)))

    for payment_id in (refunded, disputed):
        assert recent & {payment_id, rig.gateway.look_up(payment_id).intent_id}
