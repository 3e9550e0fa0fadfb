"""No error of Stripe's gets past its adapter, and no site takes money half set up."""

import json
from pathlib import Path

import pytest
import stripe
from pydantic import SecretStr

from core import wiring
from core.adapters.demo_gateway import DemoGateway
from core.adapters.stripe_gateway import StripeGateway
from core.errors import Conflict, InvalidInput, NotFound, PlatformError, Unavailable
from core.settings import Settings
from tests.contracts.payment_rigs import NOW, make_request
from tests.stripe_double import StripeDouble, gateway


@pytest.fixture
def double() -> StripeDouble:
    """Stripe's side."""
    return StripeDouble(clock=NOW.timestamp)


@pytest.fixture
def payments(double) -> StripeGateway:
    """Our side."""
    return gateway(double)


class Broken(stripe.HTTPClient):
    """A transport that fails in one way."""

    name = "broken"

    def __init__(self, failure: Exception | tuple[int, dict | str]) -> None:
        super().__init__()
        self.failure = failure

    def request(self, *_: object, **__: object) -> tuple[str, int, dict]:
        if isinstance(self.failure, Exception):
            raise self.failure
        status, said = self.failure
        return (said if isinstance(said, str) else json.dumps({"error": said})), status, {}

    def close(self) -> None:
        """Nothing is open."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0


BAD = "invalid_request_error"
FAILURES = [
    (stripe.APIConnectionError("no route"), Unavailable, "does not answer"),
    (stripe.APIConnectionError("slow", should_retry=True), Unavailable, "does not answer"),
    ((429, {"message": "slow down"}), Unavailable, "does not answer"),
    ((500, {"type": "api_error"}), Unavailable, "does not answer"),
    ((409, {"code": "lock_timeout"}), Unavailable, "does not answer"),
    ((502, "<html>bad gateway</html>"), Unavailable, "does not answer"),
    ((200, "not json"), Unavailable, "does not answer"),
    ((402, {"type": "card_error", "code": "card_declined"}), Unavailable, "does not answer"),
    ((401, {"type": BAD}), Unavailable, "does not accept our key"),
    ((403, {"type": BAD}), Unavailable, "does not accept our key"),
    ((404, {"type": BAD, "code": "resource_missing"}), NotFound, "no such payment"),
    ((404, {"type": BAD}), NotFound, "no such payment"),
    ((400, {"type": "idempotency_error"}), Conflict, "another content"),
    ((400, {"type": BAD, "code": "parameter_unknown", "param": "x"}), Unavailable, "Tell the admin"),
]


@pytest.mark.parametrize(("failure", "kind", "words"), FAILURES)
@pytest.mark.parametrize(
    "ask",
    [
        lambda payments: payments.start_checkout(make_request()),
        lambda payments: payments.start_intent(make_request()),
        lambda payments: payments.cancel("cs_test_1"),
        lambda payments: payments.look_up("pi_1"),
        lambda payments: payments.refund("cs_test_1", 1, "key"),
        lambda payments: list(payments.recent(NOW)),
    ],
    ids=["checkout", "intent", "cancel", "look_up", "refund", "recent"],
)
def test_no_error_of_stripes_gets_past(ask, failure, kind, words):
    payments = StripeGateway("sk", "whsec", http_client=Broken(failure))

    with pytest.raises(PlatformError, match=words) as refused:
        ask(payments)

    assert type(refused.value) is kind
    assert isinstance(refused.value.__cause__, stripe.StripeError)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ({"code": "amount_too_small"}, Conflict, "too small"),
        ({"code": "amount_too_large"}, Conflict, "too large"),
        ({"code": "email_invalid", "param": "customer_email"}, InvalidInput, "e-mail address"),
        ({"param": "expires_at"}, Conflict, "time for this payment is over"),
        ({"message": "something new"}, Unavailable, "Tell the admin"),
    ],
)
def test_a_payment_that_stripe_refuses_to_open_is_refused_with_a_sentence(said, kind, words):
    payments = StripeGateway("sk", "whsec", http_client=Broken((400, {"type": BAD} | said)))

    with pytest.raises(kind, match=words):
        payments.start_checkout(make_request())


def test_a_gateway_that_is_away_is_unavailable_and_nothing_was_done(payments, double):
    double.is_down = True

    with pytest.raises(Unavailable):
        payments.start_checkout(make_request())

    assert double.account.things == {}


def test_answers_that_are_lost_on_the_way_make_nothing_twice(payments, double):
    request = make_request()
    double.lost_answers = 2
    checkout = payments.start_checkout(request)
    double.pay(checkout.id)
    double.lost_answers = 100

    with pytest.raises(Unavailable):
        payments.refund(checkout.id, 1_000, "key")
    double.lost_answers = 0
    payments.refund(checkout.id, 1_000, "key")

    assert double.account.by_kind["checkout.session"] == [checkout.id]
    assert double.balance(request.order_id) == 23_000


# Which gateway a site has.


def settings(folder: Path, **fields) -> Settings:
    return Settings(_env_file=None, data=folder, **fields)


def test_a_site_without_a_key_plays_its_payments(tmp_path):
    made = wiring.build(settings(tmp_path))

    assert isinstance(made.payments, DemoGateway)
    made.engine.dispose()


def test_a_site_with_keys_takes_money_through_stripe(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(wiring, "StripeGateway", lambda *keys, **fields: seen.update(keys=keys, **fields))

    made = wiring.build(
        settings(
            tmp_path,
            stripe_secret_key=SecretStr("sk_test_1"),
            stripe_webhook_secret=SecretStr("whsec_1"),
            stripe_publishable_key="pk_test_1",
            stripe_methods=" card , promptpay,",
            stripe_api_url="http://127.0.0.1:1/",
        )
    )

    assert seen == {
        "keys": ("sk_test_1", "whsec_1"),
        "publishable_key": "pk_test_1",
        "methods": ["card", "promptpay"],
        "api_url": "http://127.0.0.1:1/",
    }
    made.engine.dispose()


def test_a_key_without_the_secret_of_its_messages_is_refused_at_the_start(tmp_path):
    with pytest.raises(ValueError, match="ENCORE_STRIPE_WEBHOOK_SECRET"):
        wiring.build(settings(tmp_path, stripe_secret_key=SecretStr("sk_test_1")))
