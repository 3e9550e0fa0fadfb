"""The contract double is strict: whatever Stripe's types or rules do not allow, it refuses."""

from collections.abc import Iterator

import pytest
import stripe

from tests.stripe_double import StripeDouble, serving

SESSION = {
    "mode": "payment",
    "success_url": "https://encore.example/order",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {"currency": "thb", "unit_amount": 24_000, "product_data": {"name": "Run"}},
        }
    ],
}


@pytest.fixture
def double() -> StripeDouble:
    """An account at a time that is moved by hand."""
    clock = [1_800_000_000.0]
    made = StripeDouble(clock=lambda: clock[0])
    made.pass_time = lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    return made


@pytest.fixture
def sdk(double) -> stripe.V1Services:
    """The real SDK, speaking to it."""
    return client(double).v1


def client(double: StripeDouble, **options) -> stripe.StripeClient:
    return stripe.StripeClient(double.api_key, http_client=double.transport(), **options)


def line(**fields) -> dict:
    """A session with one odd line."""
    price = SESSION["line_items"][0]["price_data"] | fields
    return {"line_items": [SESSION["line_items"][0] | {"price_data": price}]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"payment_method_types": ["card"]}, "Received unknown parameter: payment_method_types"),
        ({"idempotency_key": "x"}, "Received unknown parameter: idempotency_key"),
        (line(unit_ammount=1), r"Received unknown parameter: line_items\[0\]\[price_data\]\[unit_ammount\]"),
        (line(unit_amount="a"), "Invalid line_items"),
        (line(currency="xxx"), "Invalid currency"),
        (line(unit_amount=999), "at least 1000"),
        (line(unit_amount=-1), "non-negative"),
        (line(product_data={"name": " "}), "has a name"),
        ({"line_items": SESSION["line_items"] * 101}, "maximum of 100"),
        ({"line_items": []}, "Missing required param: line_items"),
        ({"success_url": "order"}, "valid URL"),
        ({"customer_email": "nobody"}, "Invalid email"),
        ({"metadata": {"x" * 41: "y"}}, "Metadata"),
        ({"expires_at": 1_800_000_000 + 29 * 60}, "between 30 minutes and 24 hours"),
        ({"expires_at": 1_800_000_000 + 86_401}, "between 30 minutes and 24 hours"),
        ({"allowed_payment_method_types": ["promtpay"]}, "Invalid allowed_payment_method_types"),
        ({"allowed_payment_method_types": ["promptpay"], **line(currency="usd")}, "thb only"),
    ],
)
def test_a_session_that_stripe_would_not_open_is_refused(sdk, double, change, words):
    with pytest.raises(stripe.InvalidRequestError, match=words):
        sdk.checkout.sessions.create(SESSION | change)

    assert double.account.things == {}


def test_a_parameter_that_the_double_would_ignore_is_no_quiet_success(sdk):
    with pytest.raises(NotImplementedError, match="locale"):
        sdk.checkout.sessions.create(SESSION | {"locale": "th"})


def test_a_key_that_is_wrong_opens_nothing(double):
    stranger = stripe.StripeClient("sk_test_other", http_client=double.transport())

    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.checkout.sessions.create(SESSION)


def test_another_version_of_the_api_is_refused(double):
    with pytest.raises(stripe.InvalidRequestError, match="speaks 2026-10-28"):
        client(double, stripe_version="2024-06-20").v1.checkout.sessions.create(SESSION)


def test_a_key_that_is_repeated_is_answered_as_before_and_for_another_content_refused(sdk, double):
    key = {"idempotency_key": "order:1:0:checkout"}
    first = sdk.checkout.sessions.create(SESSION, key)

    double.expire(first.id)
    again = sdk.checkout.sessions.create(SESSION, key)

    assert (again.id, again.status) == (first.id, "open")  # the answer as it was
    with pytest.raises(stripe.IdempotencyError):
        sdk.checkout.sessions.create(SESSION | {"customer_email": "a@example.org"}, key)
    double.pass_time(24 * 60 * 60)
    assert sdk.checkout.sessions.create(SESSION, key).id != first.id


def test_a_refusal_in_the_act_is_repeated_under_its_key_and_one_before_it_is_not(sdk, double):
    session = sdk.checkout.sessions.create(SESSION)
    double.pay(session.id)
    intent_id = double.intent_of(session.id)["id"]
    wish = {"payment_intent": intent_id, "amount": 1_000}
    dispute_id = double.dispute(session.id)

    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="charged back"):
            sdk.refunds.create(wish, {"idempotency_key": "in the act"})
        double.move_dispute(dispute_id, "won")
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        sdk.refunds.create(wish | {"x": "y"}, {"idempotency_key": "before"})

    assert sdk.refunds.create(wish, {"idempotency_key": "before"}).status == "succeeded"


@pytest.mark.parametrize("amount", [24_001, 0])
def test_a_refund_beyond_the_charge_is_refused(sdk, double, amount):
    session = sdk.checkout.sessions.create(SESSION)
    double.pay(session.id)

    with pytest.raises(stripe.InvalidRequestError):
        sdk.refunds.create({"payment_intent": double.intent_of(session.id)["id"], "amount": amount})

    assert double.balance() == 24_000


def test_only_an_open_session_can_be_expired(sdk, double):
    session = sdk.checkout.sessions.create(SESSION)
    sdk.checkout.sessions.expire(session.id)

    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        sdk.checkout.sessions.expire(session.id)


def test_the_intent_of_a_session_is_not_cancelled_by_itself(sdk, double):
    session = sdk.checkout.sessions.create(SESSION)
    double.decline(session.id)

    with pytest.raises(stripe.InvalidRequestError, match="Expire the session"):
        sdk.payment_intents.cancel(double.intent_of(session.id)["id"])


def test_a_list_comes_page_by_page_newest_first(sdk):
    made = [sdk.checkout.sessions.create(SESSION).id for _ in range(7)]

    page = sdk.checkout.sessions.list({"limit": 3})

    assert (len(page.data), page.has_more) == (3, True)
    assert [session.id for session in page.auto_paging_iter()] == made[::-1]
    with pytest.raises(stripe.InvalidRequestError, match="between 1 and 100"):
        sdk.checkout.sessions.list({"limit": 101})


def test_the_balance_is_what_was_taken_less_what_went(sdk, double):
    session = sdk.checkout.sessions.create(SESSION)
    double.pay(session.id)
    refund_id = double.refund(session.id, 4_000)
    after_refund = double.balance()
    dispute_id = double.dispute(session.id)
    after_dispute = double.balance()

    double.move_dispute(dispute_id, "won")
    double.fail_refund(refund_id)

    assert (after_refund, after_dispute, double.balance()) == (20_000, 0, 24_000)


def test_the_balance_of_an_order_a_session_and_an_intent_is_its_own(sdk, double):
    metadata = {"metadata": {"order_id": "7"}}
    sessions = [sdk.checkout.sessions.create(SESSION | {"payment_intent_data": metadata}) for _ in range(2)]
    intent = sdk.payment_intents.create({"amount": 5_000, "currency": "thb"})
    for payment in (*sessions, intent):
        double.pay(payment.id)

    balances = [double.balance(of) for of in (sessions[0].id, intent.id, "7", "8", None)]

    assert balances == [24_000, 5_000, 48_000, 0, 53_000]


def test_a_service_that_is_down_answers_nothing(sdk, double):
    double.is_down = True

    with pytest.raises(stripe.APIError, match="down"):
        sdk.checkout.sessions.create(SESSION)


@pytest.fixture
def over_a_socket(double) -> Iterator[stripe.V1Services]:
    """The SDK with its own transport."""
    transport = stripe.RequestsClient(timeout=10)
    with serving(double) as url:
        yield stripe.StripeClient(double.api_key, base_addresses={"api": url}, http_client=transport).v1
    transport.close()


@pytest.mark.integration
def test_an_answer_that_is_lost_on_the_way_is_not_the_end_of_what_was_done(over_a_socket, double):
    key = {"idempotency_key": "once"}
    double.lost_answers = 1

    with pytest.raises(stripe.APIConnectionError):
        over_a_socket.checkout.sessions.create(SESSION, key)
    session = over_a_socket.checkout.sessions.create(SESSION, key)

    assert double.account.by_kind["checkout.session"] == [session.id]


@pytest.mark.integration
def test_an_unknown_parameter_is_refused_over_a_socket(over_a_socket):
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: payment_method_types"):
        over_a_socket.checkout.sessions.create(SESSION | {"payment_method_types": ["card"]})
