"""What is promised of every payment gateway: here the demo one; a real one joins `GATEWAYS`.

A gateway under test comes in a rig that can also play the bank and the clock.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.adapters.demo_gateway import SIGNATURE_HEADER, DemoGateway
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.gateway import CheckoutLine, CheckoutRequest, PaymentEvent, PaymentGateway, PaymentState
from tests.makers import some_id

NOW = datetime(2026, 10, 17, 5, 0, tzinfo=UTC)


@dataclass
class Rig:
    """A gateway, and hands for what happens on its side."""

    gateway: PaymentGateway
    pay: Callable[[str, PaymentState], tuple[bytes, dict[str, str]]]  # returns the signed message
    wait: Callable[[timedelta], None]
    signature_header: str
    sign: Callable[[bytes], str]


def demo_rig(folder: Path) -> Rig:
    """The demo gateway, at a time that is moved by hand."""
    clock = [NOW.timestamp()]
    gateway = DemoGateway(folder, "s" * 32, "https://encore.example", now=lambda: clock[0])

    def wait(time: timedelta) -> None:
        clock[0] += time.total_seconds()

    return Rig(gateway, gateway.decide, wait, SIGNATURE_HEADER, gateway.signature)


GATEWAYS = {"demo": demo_rig}


@pytest.fixture(params=sorted(GATEWAYS))
def rig(request, tmp_path) -> Rig:
    """Each gateway in turn."""
    return GATEWAYS[request.param](tmp_path)


def make_request(**fields) -> CheckoutRequest:
    """Two photos at 120 baht, open for half an hour."""
    values = {
        "order_id": some_id(),
        "lines": [CheckoutLine("Run", 24_000, 2)],
        "amount": 24_000,
        "currency": "THB",
        "email": "runner@example.org",
        "return_url": "https://encore.example/order?o=x",
        "cancel_url": "https://encore.example/cart",
        "expires_at": NOW + timedelta(minutes=30),
    }
    return CheckoutRequest(**(values | fields))


def test_the_same_order_gets_the_same_checkout(rig):
    request = make_request()

    assert rig.gateway.start_checkout(request) == rig.gateway.start_checkout(request)


def test_the_same_order_with_other_content_is_refused(rig):
    request = make_request()
    rig.gateway.start_checkout(request)

    with pytest.raises(Conflict):
        rig.gateway.start_checkout(replace(request, amount=1))


def test_two_orders_get_two_checkouts(rig):
    assert rig.gateway.start_checkout(make_request()) != rig.gateway.start_checkout(make_request())


@pytest.mark.parametrize("state", [PaymentState.PAID, PaymentState.FAILED])
def test_a_signed_message_says_what_happened(rig, state):
    request = make_request()
    checkout = rig.gateway.start_checkout(request)

    body, headers = rig.pay(checkout.id, state)
    event = rig.gateway.read_event(body, headers)

    assert event == PaymentEvent(event.id, request.order_id, checkout.id, state, 24_000, "THB")


def test_a_repeated_message_has_the_same_id(rig):
    checkout = rig.gateway.start_checkout(make_request())

    first = rig.gateway.read_event(*rig.pay(checkout.id, PaymentState.PAID))
    second = rig.gateway.read_event(*rig.pay(checkout.id, PaymentState.PAID))

    assert first == second


def test_a_changed_message_is_refused(rig):
    checkout = rig.gateway.start_checkout(make_request())
    body, headers = rig.pay(checkout.id, PaymentState.PAID)

    with pytest.raises(Forbidden):
        rig.gateway.read_event(body.replace(b"24000", b"24001"), headers)


@pytest.mark.parametrize("value", ["", "t=1,v1=", "nonsense", f"t=0,v1={'0' * 64}"])
def test_a_message_with_a_forged_signature_is_refused(rig, value):
    checkout = rig.gateway.start_checkout(make_request())
    body, headers = rig.pay(checkout.id, PaymentState.PAID)

    with pytest.raises(Forbidden):
        rig.gateway.read_event(body, headers | {rig.signature_header: value})


def test_a_message_without_a_signature_is_refused(rig):
    with pytest.raises(Forbidden):
        rig.gateway.read_event(b"{}", {})


@pytest.mark.parametrize(
    ("age", "is_taken"), [(timedelta(seconds=299), True), (timedelta(seconds=301), False)]
)
def test_a_message_is_taken_for_five_minutes(rig, age, is_taken):
    checkout = rig.gateway.start_checkout(make_request())
    message = rig.pay(checkout.id, PaymentState.PAID)

    rig.wait(age)

    if is_taken:
        assert rig.gateway.read_event(*message).state is PaymentState.PAID
    else:
        with pytest.raises(Forbidden):
            rig.gateway.read_event(*message)


def test_the_name_of_a_header_may_be_written_in_any_case(rig):
    checkout = rig.gateway.start_checkout(make_request())
    body, headers = rig.pay(checkout.id, PaymentState.PAID)

    event = rig.gateway.read_event(body, {name.title(): value for name, value in headers.items()})

    assert event.checkout_id == checkout.id


def test_a_message_about_something_else_is_not_for_us(rig):
    body = b'{"type": "weather", "object": "event"}'

    assert rig.gateway.read_event(body, {rig.signature_header: rig.sign(body)}) is None


def test_looking_tells_where_a_checkout_stands(rig):
    checkout = rig.gateway.start_checkout(make_request())

    before = rig.gateway.look_up(checkout.id).state
    rig.pay(checkout.id, PaymentState.PAID)

    assert (before, rig.gateway.look_up(checkout.id).state) == (PaymentState.OPEN, PaymentState.PAID)


def test_a_checkout_that_nobody_paid_expires(rig):
    checkout = rig.gateway.start_checkout(make_request())

    rig.wait(timedelta(minutes=31))

    assert rig.gateway.look_up(checkout.id).state is PaymentState.EXPIRED


def test_an_unknown_checkout_is_not_found(rig):
    with pytest.raises(NotFound):
        rig.gateway.look_up("demo_" + "0" * 40)


def test_more_than_was_paid_is_never_given_back(rig):
    checkout = rig.gateway.start_checkout(make_request())
    rig.pay(checkout.id, PaymentState.PAID)
    rig.gateway.refund(checkout.id, 20_000, "first")

    with pytest.raises(Conflict):
        rig.gateway.refund(checkout.id, 4_001, "second")

    assert rig.gateway.refund(checkout.id, 4_000, "third")


def test_a_refund_asked_for_twice_is_given_once(rig):
    checkout = rig.gateway.start_checkout(make_request())
    rig.pay(checkout.id, PaymentState.PAID)

    first = rig.gateway.refund(checkout.id, 20_000, "key")

    assert rig.gateway.refund(checkout.id, 20_000, "key") == first
    with pytest.raises(Conflict):
        rig.gateway.refund(checkout.id, 10_000, "key")


def test_what_was_not_paid_is_not_given_back(rig):
    checkout = rig.gateway.start_checkout(make_request())

    with pytest.raises(Conflict):
        rig.gateway.refund(checkout.id, 1, "key")


# What only the demo gateway promises.


@pytest.fixture
def demo(tmp_path) -> DemoGateway:
    """The demo gateway on the real clock."""
    return DemoGateway(tmp_path, "s" * 32, "http://localhost:8501/")


def make_open_request() -> CheckoutRequest:
    """A request that the real clock has not passed."""
    return make_request(expires_at=datetime.now(UTC) + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("first", "second"),
    [(PaymentState.PAID, PaymentState.FAILED), (PaymentState.FAILED, PaymentState.PAID)],
)
def test_the_first_answer_is_final(demo, first, second):
    checkout = demo.start_checkout(make_open_request())

    demo.decide(checkout.id, first)
    event = demo.read_event(*demo.decide(checkout.id, second))

    assert event.state is first


def test_two_answers_at_once_are_one(demo):
    checkout = demo.start_checkout(make_open_request())
    barrier = threading.Barrier(8)
    seen = []

    def decide(state: PaymentState) -> None:
        barrier.wait()
        seen.append(demo.read_event(*demo.decide(checkout.id, state)).state)

    states = [PaymentState.PAID, PaymentState.FAILED] * 4
    threads = [threading.Thread(target=decide, args=(state,)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(seen), len(set(seen))) == (8, 1)


def test_an_expired_checkout_cannot_be_paid(demo):
    checkout = demo.start_checkout(make_request(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    event = demo.read_event(*demo.decide(checkout.id, PaymentState.PAID))

    assert event.state is PaymentState.EXPIRED


def test_deciding_for_open_is_no_decision(demo):
    checkout = demo.start_checkout(make_open_request())

    with pytest.raises(InvalidInput):
        demo.decide(checkout.id, PaymentState.OPEN)


def test_a_checkout_is_found_again_by_another_process(demo, tmp_path):
    request = make_open_request()
    checkout = demo.start_checkout(request)

    other = DemoGateway(tmp_path, "s" * 32, "http://localhost:8501")

    assert other.request(checkout.id) == request
    assert checkout.url == f"http://localhost:8501/pay?c={checkout.id}"


@pytest.mark.parametrize("checkout_id", ["../../etc/passwd", "demo_..", "", "lock"])
def test_an_address_never_leads_out_of_the_folder(demo, checkout_id):
    with pytest.raises(NotFound):
        demo.request(checkout_id)


def test_another_secret_signs_nothing_for_us(demo, tmp_path):
    checkout = demo.start_checkout(make_open_request())
    body, headers = DemoGateway(tmp_path, "x" * 32, "http://localhost:8501").decide(
        checkout.id, PaymentState.PAID
    )

    with pytest.raises(Forbidden):
        demo.read_event(body, headers)


def test_its_files_are_for_their_owner_only(demo, tmp_path):
    demo.start_checkout(make_open_request())

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
