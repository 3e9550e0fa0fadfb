"""What is promised of every payment gateway: the demo one, and Stripe's SDK before a contract double."""

from dataclasses import replace

import pytest

from core.errors import Conflict, Forbidden, NotFound
from core.gateway import DisputeState, PaymentState, RefundState, Standing
from tests.contracts.payment_rigs import WHILE, events, make_request, paid
from tests.makers import some_id

# Opening.


def test_the_same_attempt_at_an_order_gets_the_same_checkout(rig):
    request = make_request()

    first = rig.gateway.start_checkout(request)
    rig.wait(WHILE / 3)

    assert rig.gateway.start_checkout(request) == first


def test_the_same_attempt_with_other_content_is_refused(rig):
    request = make_request()
    rig.gateway.start_checkout(request)

    with pytest.raises(Conflict):
        rig.gateway.start_checkout(replace(request, email="other@example.org"))


def test_another_attempt_gets_another_checkout(rig):
    request = make_request()

    first = rig.gateway.start_checkout(request)

    assert rig.gateway.start_checkout(replace(request, attempt=1)) != first


def test_two_orders_get_two_checkouts(rig):
    assert rig.gateway.start_checkout(make_request()) != rig.gateway.start_checkout(make_request())


def test_programs_pay_where_there_is_a_way(rig):
    request = make_request()

    if rig.gateway.has_intents:
        intent = rig.gateway.start_intent(request)
        assert rig.gateway.start_intent(request) == intent
        assert rig.gateway.look_up(intent.id).order_id == request.order_id
    else:
        with pytest.raises(Conflict, match="on its page"):
            rig.gateway.start_intent(request)


# Messages.


@pytest.mark.parametrize("hand", ["pay", "refuse"])
def test_a_signed_message_names_the_payment_and_the_order(rig, hand):
    request = make_request()
    checkout = rig.gateway.start_checkout(request)

    getattr(rig, hand)(checkout.id)
    heard = events(rig)

    assert checkout.id in {event.payment_id for event in heard}
    assert {event.order_id for event in heard} == {request.order_id}


def test_a_message_that_comes_twice_has_the_same_id(rig):
    checkout = rig.gateway.start_checkout(make_request())
    rig.pay(checkout.id)
    body, headers = rig.sent()[-1]

    first = rig.gateway.read_event(body, headers)
    second = rig.gateway.read_event(body, {rig.signature_header: rig.sign(body, 10)})

    assert first == second
    assert first is not None


def test_every_message_has_an_id_of_its_own(rig):
    checkout_id = paid(rig)
    rig.slow_down()
    for key in ("first", "second"):
        refund = rig.gateway.refund(checkout_id, 1_000, key)
        rig.settle(checkout_id, refund.id, RefundState.DONE)
    for amount in (2_000, 3_000):
        rig.decide(rig.dispute(checkout_id, amount), DisputeState.WON)

    ids = [event.id for event in events(rig)]

    assert len(ids) >= 6
    assert len(set(ids)) == len(ids)


def test_a_changed_message_is_refused(rig):
    request = make_request()
    rig.pay(rig.gateway.start_checkout(request).id)
    body, headers = rig.sent()[-1]

    with pytest.raises(Forbidden):
        rig.gateway.read_event(body.replace(str(request.order_id).encode(), str(some_id()).encode()), headers)


@pytest.mark.parametrize("value", ["", "t=1,v1=", "nonsense", "t,v1", f"t=0,v1={'0' * 64}", "t=1,v1=é"])
def test_a_message_with_a_forged_signature_is_refused(rig, value):
    with pytest.raises(Forbidden):
        rig.gateway.read_event(b'{"object": "event"}', {rig.signature_header: value})


@pytest.mark.parametrize("body", [b"{}", b"", b"\xff\xfe"])
def test_a_message_without_a_signature_is_refused(rig, body):
    with pytest.raises(Forbidden):
        rig.gateway.read_event(body, {})


@pytest.mark.parametrize(("age", "is_taken"), [(295, True), (305, False)])
def test_a_message_is_taken_for_five_minutes(rig, age, is_taken):
    rig.pay(rig.gateway.start_checkout(make_request()).id)
    body, _ = rig.sent()[-1]
    headers = {rig.signature_header: rig.sign(body, age)}

    if is_taken:
        assert rig.gateway.read_event(body, headers) is not None
    else:
        with pytest.raises(Forbidden, match="too old"):
            rig.gateway.read_event(body, headers)


def test_the_name_of_a_header_may_be_written_in_any_case(rig):
    rig.pay(rig.gateway.start_checkout(make_request()).id)
    body, headers = rig.sent()[-1]

    for written in (str.title, str.upper, str.lower):
        assert rig.gateway.read_event(body, {written(name): value for name, value in headers.items()})


def test_a_message_about_something_else_is_not_for_us(rig):
    body = b'{"type": "weather", "object": "event"}'

    assert rig.gateway.read_event(body, {rig.signature_header: rig.sign(body, 0)}) is None


# Looking.


def test_looking_tells_all_of_a_payment(rig):
    request = make_request()
    checkout = rig.gateway.start_checkout(request)

    before = rig.gateway.look_up(checkout.id)
    rig.pay(checkout.id)
    after = rig.gateway.look_up(checkout.id)

    assert before == Standing(checkout.id, None, request.order_id, PaymentState.OPEN, 24_000, "THB")
    assert after == replace(before, state=PaymentState.PAID, intent_id=after.intent_id)
    assert after.intent_id is not None
    assert rig.gateway.look_up(after.intent_id) == replace(after, payment_id=after.intent_id)


def test_a_refused_payment_is_failed(rig):
    checkout = rig.gateway.start_checkout(make_request())

    rig.refuse(checkout.id)

    assert rig.gateway.look_up(checkout.id).state is PaymentState.FAILED


def test_a_checkout_that_nobody_paid_expires(rig):
    checkout = rig.gateway.start_checkout(make_request())

    rig.wait(WHILE)

    assert rig.gateway.look_up(checkout.id).state is PaymentState.EXPIRED


@pytest.mark.parametrize("payment_id", ["demo_" + "0" * 40, "cs_test_0", "pi_0", "../x", "", "re_1"])
@pytest.mark.parametrize("ask", ["look_up", "cancel"])
def test_an_unknown_payment_is_not_found(rig, ask, payment_id):
    with pytest.raises(NotFound):
        getattr(rig.gateway, ask)(payment_id)


# Ending.


def test_a_cancelled_checkout_is_over_and_may_be_cancelled_again(rig):
    checkout = rig.gateway.start_checkout(make_request())

    rig.gateway.cancel(checkout.id)
    rig.gateway.cancel(checkout.id)

    assert rig.gateway.look_up(checkout.id).state is PaymentState.EXPIRED


@pytest.mark.parametrize("end", ["refuse", "wait"])
def test_cancelling_what_ended_unpaid_is_no_error(rig, end):
    checkout = rig.gateway.start_checkout(make_request())
    rig.refuse(checkout.id) if end == "refuse" else rig.wait(WHILE)
    before = rig.gateway.look_up(checkout.id)

    rig.gateway.cancel(checkout.id)

    assert rig.gateway.look_up(checkout.id) == before


def test_what_is_paid_is_not_cancelled(rig):
    checkout_id = paid(rig)

    with pytest.raises(Conflict):
        rig.gateway.cancel(checkout_id)

    assert rig.gateway.look_up(checkout_id).state is PaymentState.PAID
