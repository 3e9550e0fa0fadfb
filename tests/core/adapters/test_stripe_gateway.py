"""What only the Stripe adapter promises: what it asks Stripe for, and how it reads what Stripe says."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from core.adapters.stripe_gateway import StripeGateway
from core.errors import Conflict, Forbidden
from core.gateway import CheckoutLine, DisputeState, PaymentEvent, PaymentState, RefundState
from tests.contracts.payment_rigs import NOW, make_request
from tests.stripe_double import Message, StripeDouble, gateway
from tests.stripe_double.wire import InProcess


@pytest.fixture
def clock() -> list[float]:
    """The time at Stripe, moved by hand."""
    return [NOW.timestamp()]


@pytest.fixture
def double(clock) -> StripeDouble:
    """Stripe's side."""
    return StripeDouble(clock=lambda: clock[0])


@pytest.fixture
def payments(double) -> StripeGateway:
    """Our side."""
    return gateway(double)


def asked(double: StripeDouble) -> dict:
    """Return the parameters of the last request."""
    return double.asked[-1][2]


# What Stripe is asked for.


def test_a_session_says_what_is_bought_for_whom_and_for_how_long(payments, double):
    request = make_request(attempt=3)

    checkout = payments.start_checkout(request)

    ours = {"order_id": str(request.order_id), "attempt": "3"}
    assert checkout.url.startswith("https://checkout.stripe.example/")
    assert asked(double) == {
        "mode": "payment",
        "line_items": [
            {
                "quantity": "2",
                "price_data": {
                    "currency": "thb",
                    "unit_amount": "12000",
                    "product_data": {"name": "Run"},
                },
            }
        ],
        "client_reference_id": str(request.order_id),
        "metadata": ours,
        "payment_intent_data": {"metadata": ours},
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "customer_email": "runner@example.org",
        "allowed_payment_method_types": ["card", "promptpay"],
        "expires_at": str(int((request.expires_at + timedelta(minutes=31)).timestamp())),
    }


def test_pieces_that_do_not_cost_the_same_are_one_and_gifts_are_lines(payments, double):
    lines = [CheckoutLine("Run", 10_001, 3), CheckoutLine("Gift", 0, 2), CheckoutLine("x" * 300, 1_000, 1)]

    payments.start_checkout(make_request(lines=lines, amount=11_001))

    shown = [
        (item["price_data"]["product_data"]["name"], item["quantity"], item["price_data"]["unit_amount"])
        for item in asked(double)["line_items"]
    ]
    assert shown == [("3 × Run", "1", "10001"), ("Gift", "2", "0"), ("x" * 250, "1", "1000")]


def test_more_lines_than_stripe_takes_are_put_together_to_the_last_satang(payments):
    lines = [CheckoutLine(f"Event {number}", 100 + number, 1) for number in range(150)]
    amount = sum(line.amount for line in lines)

    checkout = payments.start_checkout(make_request(lines=lines, amount=amount))

    assert payments.look_up(checkout.id).amount == amount


@pytest.mark.parametrize(
    ("methods", "currency", "expected"),
    [
        (("card", "promptpay"), "THB", ["card", "promptpay"]),
        (("card", "promptpay"), "EUR", ["card"]),
        ((), "THB", None),
    ],
)
def test_promptpay_is_offered_for_baht_only_and_no_list_means_as_set_at_stripe(
    double, methods, currency, expected
):
    payments = gateway(double, methods=methods)

    payments.start_checkout(make_request(currency=currency))
    of_session = asked(double).get("allowed_payment_method_types")
    payments.start_intent(make_request(currency=currency))

    assert of_session == asked(double).get("allowed_payment_method_types") == expected
    assert asked(double).get("automatic_payment_methods") == (None if expected else {"enabled": "true"})


def test_a_currency_that_no_way_to_pay_takes_is_refused(double):
    payments = gateway(double, methods=["promptpay"])

    with pytest.raises(Conflict, match="takes EUR"):
        payments.start_checkout(make_request(currency="EUR"))


@pytest.mark.parametrize("start", ["start_checkout", "start_intent"])
@pytest.mark.parametrize(("amount", "currency", "words"), [(999, "THB", "฿10"), (49, "EUR", "€0.50")])
def test_less_than_stripe_takes_is_refused_with_the_smallest_amount(payments, start, amount, currency, words):
    request = make_request(lines=[CheckoutLine("Run", amount, 1)], amount=amount, currency=currency)

    with pytest.raises(Conflict, match=f"smallest amount that can be paid is {words}"):
        getattr(payments, start)(request)


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(minutes=1), timedelta(hours=5), timedelta(days=3)])
def test_a_session_lives_as_long_as_stripe_allows_whatever_is_left_of_the_order(payments, double, ttl):
    checkout = payments.start_checkout(make_request(expires_at=NOW + ttl))

    lives = double.account.things[checkout.id]["expires_at"] - NOW.timestamp()
    assert min(ttl, timedelta(hours=23)).total_seconds() < lives <= 24 * 60 * 60


def test_an_order_whose_time_is_over_is_sent_to_no_payment(payments):
    with pytest.raises(Conflict, match="time for this payment is over"):
        payments.start_checkout(make_request(expires_at=NOW - timedelta(minutes=5)))


def test_an_intent_is_handed_to_a_program_with_what_it_needs(payments, double):
    request = make_request()

    intent = payments.start_intent(request)

    made = double.account.things[intent.id]
    assert (intent.client_secret, intent.publishable_key) == (made["client_secret"], "pk_test_double")
    assert (made["amount"], made["currency"]) == (24_000, "thb")
    assert made["metadata"] == {"order_id": str(request.order_id), "attempt": "0"}


# Where payments stand.


def test_money_by_promptpay_is_open_on_its_way_and_paid_when_it_arrives(payments, double):
    checkout = payments.start_checkout(make_request())

    double.pay(checkout.id, "promptpay")
    on_its_way = payments.look_up(checkout.id).state
    with pytest.raises(Conflict):
        payments.cancel(checkout.id)
    double.arrive(checkout.id)

    assert (on_its_way, payments.look_up(checkout.id).state) == (PaymentState.OPEN, PaymentState.PAID)


def test_a_card_that_was_declined_may_be_tried_again(payments, double):
    checkout = payments.start_checkout(make_request())

    double.decline(checkout.id)
    declined = payments.look_up(checkout.id)
    of_intent = payments.look_up(declined.intent_id)
    double.pay(checkout.id)

    assert (declined.state, of_intent.state) == (PaymentState.OPEN, PaymentState.OPEN)
    assert payments.look_up(checkout.id).state is PaymentState.PAID


def test_a_payment_that_bounced_has_failed_by_whichever_id_it_is_looked_up(payments, double):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id, "promptpay")
    double.bounce(checkout.id)

    standing = payments.look_up(checkout.id)

    assert standing.state is PaymentState.FAILED
    assert payments.look_up(standing.intent_id).state is PaymentState.FAILED


@pytest.mark.parametrize(("hand", "state"), [("pay", "paid"), ("decline", "open"), ("cancel", "expired")])
def test_an_intent_of_a_program_is_paid_tried_again_or_ended(payments, double, hand, state):
    intent = payments.start_intent(make_request())

    (payments.cancel if hand == "cancel" else getattr(double, hand))(intent.id)

    assert payments.look_up(intent.id).state == state


def test_an_intent_that_is_paid_or_on_its_way_is_not_cancelled(payments, double):
    for method in ("card", "promptpay"):
        intent = payments.start_intent(make_request())
        double.pay(intent.id, method)

        with pytest.raises(Conflict):
            payments.cancel(intent.id)


def test_what_came_is_told_even_when_it_is_not_what_was_asked(payments, double):
    checkout = payments.start_checkout(make_request())

    double.pay(checkout.id, amount=100, currency="usd")

    standing = payments.look_up(checkout.id)
    assert (standing.state, standing.amount, standing.currency) == (PaymentState.PAID, 100, "USD")


def test_the_money_that_came_counts_and_not_what_was_asked(payments, double):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)
    double.intent_of(checkout.id)["amount_received"] = 23_999

    assert payments.look_up(checkout.id).amount == 23_999


def test_a_payment_of_somebody_else_on_our_account_belongs_to_no_order(payments, double):
    theirs = stripe.StripeClient(double.api_key, http_client=double.transport()).v1
    intent = theirs.payment_intents.create(
        {"amount": 5_000, "currency": "thb", "metadata": {"order_id": "7"}}
    )

    assert payments.look_up(intent.id).order_id is None


def test_a_reference_that_a_buyer_can_set_names_no_order(payments, double):
    request = make_request()
    checkout = payments.start_checkout(request)
    double.account.things[checkout.id]["metadata"] = {}  # a payment link with ?client_reference_id=…

    assert payments.look_up(checkout.id).order_id is None


def test_refunds_and_disputes_are_all_told_however_many(payments, double):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)

    made = [double.refund(checkout.id, 1) for _ in range(203)]

    refunds = payments.look_up(checkout.id).refunds
    assert [refund.id for refund in refunds] == made  # oldest first
    assert {(refund.key, refund.amount) for refund in refunds} == {("", 1)}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", RefundState.PENDING),
        ("requires_action", RefundState.PENDING),
        ("succeeded", RefundState.DONE),
        ("failed", RefundState.FAILED),
        ("canceled", RefundState.FAILED),
    ],
)
def test_every_status_of_a_refund_is_read(payments, double, status, state):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)
    double.account.things[double.refund(checkout.id)]["status"] = status

    [refund] = payments.look_up(checkout.id).refunds

    assert refund.state is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("needs_response", DisputeState.OPEN),
        ("under_review", DisputeState.OPEN),
        ("appeal_needs_response", DisputeState.OPEN),
        ("appeal_under_review", DisputeState.OPEN),
        ("warning_needs_response", DisputeState.OPEN),
        ("warning_under_review", DisputeState.OPEN),
        ("warning_closed", DisputeState.WON),
        ("won", DisputeState.WON),
        ("lost", DisputeState.LOST),
        ("prevented", DisputeState.LOST),
    ],
)
def test_every_status_of_a_dispute_is_read(payments, double, status, state):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)
    double.move_dispute(double.dispute(checkout.id), status)

    [dispute] = payments.look_up(checkout.id).disputes

    assert dispute.state is state


def test_a_dispute_that_was_prevented_before_it_took_money_is_won(payments, double):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)
    double.move_dispute(double.dispute(checkout.id, status="warning_needs_response"), "prevented")

    [dispute] = payments.look_up(checkout.id).disputes

    assert dispute.state is DisputeState.WON


def test_an_inquiry_takes_nothing_and_a_refund_is_still_possible(payments, double):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)
    double.dispute(checkout.id, status="warning_needs_response")

    assert payments.refund(checkout.id, 1_000, "key").state is RefundState.DONE


@pytest.mark.parametrize("start", ["start_checkout", "start_intent"])
def test_payments_are_found_after_stripe_forgot_its_events(payments, double, clock, start):
    payment = getattr(payments, start)(make_request())
    clock[0] += timedelta(days=45).total_seconds()

    assert payment.id in set(payments.recent(NOW - timedelta(days=1)))


def test_refunds_and_disputes_are_found_after_stripe_forgot_its_events(payments, double, clock):
    refunded, disputed = (payments.start_checkout(make_request()) for _ in range(2))
    for checkout in (refunded, disputed):
        double.pay(checkout.id)
    clock[0] += timedelta(days=2).total_seconds()
    double.refund(refunded.id, 1_000)
    double.dispute(disputed.id)
    clock[0] += timedelta(days=45).total_seconds()

    recent = set(payments.recent(NOW + timedelta(days=1)))

    assert recent == {payments.look_up(checkout.id).intent_id for checkout in (refunded, disputed)}


class Racing(InProcess):
    """A transport that does something else just before the first refund is asked for."""

    def __init__(self, double: StripeDouble, something: Callable[[], object]) -> None:
        super().__init__(double)
        self.something: Callable[[], object] | None = something

    def request(self, method: str, url: str, *rest: object, **named: object) -> tuple[str, int, dict]:
        if method == "post" and url.endswith("/refunds") and self.something is not None:
            something, self.something = self.something, None
            something()
        return super().request(method, url, *rest, **named)


def test_a_refund_that_two_ask_for_at_once_is_given_once(payments, double):
    checkout = payments.start_checkout(make_request())
    double.pay(checkout.id)
    racing = Racing(double, lambda: payments.refund(checkout.id, 1_000, "key"))

    refund = gateway(double, http_client=racing).refund(checkout.id, 1_000, "key")

    assert racing.something is None
    assert payments.look_up(checkout.id).refunds == (refund,)


# What Stripe says by itself.


def test_messages_name_the_session_or_the_intent(payments, double):
    request = make_request()
    checkout = payments.start_checkout(request)
    double.pay(checkout.id)
    intent_id = payments.look_up(checkout.id).intent_id
    double.refund(checkout.id, 1_000)
    double.move_dispute(double.dispute(checkout.id), "lost")

    heard = {message.type: payments.read_event(*double.signed(message)) for message in double.take()}

    told = {kind: (event.payment_id, event.order_id) for kind, event in heard.items() if event}
    assert told == {
        "payment_intent.succeeded": (intent_id, request.order_id),
        "checkout.session.completed": (checkout.id, request.order_id),
        "refund.created": (intent_id, None),
        "charge.refunded": (intent_id, request.order_id),
        "charge.dispute.created": (intent_id, None),
        "charge.dispute.closed": (intent_id, None),
    }
    assert {kind for kind, event in heard.items() if event is None} == {
        "payment_intent.created",
        "charge.succeeded",
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered"}',
        b'{"object": "event"}',
        b"no json",
        b'{"object": "event", "id": "evt_1", "type": "refund.created", '
        b'"data": {"object": {"object": "refund", "payment_intent": null}}}',
    ],
)
def test_what_is_signed_but_not_for_us_is_passed_over(payments, double, body):
    assert payments.read_event(body, {"Stripe-Signature": double.signature(body)}) is None


def test_a_stamp_that_is_changed_to_now_is_no_signature(payments, double):
    body = b'{"object": "event"}'
    _, _, digest = double.signature(body, age=600).partition(",")

    with pytest.raises(Forbidden):
        payments.read_event(body, {"Stripe-Signature": f"t={int(datetime.now(UTC).timestamp())},{digest}"})


def test_a_message_is_read_from_its_bytes_as_stripe_wrote_them(payments, double):
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.canceled",
        "data": {"object": {"object": "payment_intent", "id": "pi_1", "metadata": {}, "note": "ก é"}},
    }
    message = Message("evt_1", event["type"], json.dumps(event, ensure_ascii=False, indent=1).encode())

    assert payments.read_event(*double.signed(message)) == PaymentEvent("evt_1", event["type"], "pi_1", None)
