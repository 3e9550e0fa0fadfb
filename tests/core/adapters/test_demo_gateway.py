"""What only the demo gateway promises."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.adapters.demo_gateway import DemoGateway
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.gateway import CheckoutRequest, DisputeState, PaymentState, RefundState
from tests.contracts.payment_rigs import make_request
from tests.makers import some_id


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
    demo.decide(checkout.id, second)

    assert demo.look_up(checkout.id).state is first


def test_a_message_says_what_was_decided(demo):
    request = make_open_request()
    checkout = demo.start_checkout(request)

    event = demo.read_event(*demo.decide(checkout.id, PaymentState.PAID))

    assert (event.kind, event.payment_id, event.order_id) == ("payment.paid", checkout.id, request.order_id)


def test_two_answers_at_once_are_one(demo):
    checkout = demo.start_checkout(make_open_request())
    barrier = threading.Barrier(8)
    seen = []

    def decide(state: PaymentState) -> None:
        barrier.wait()
        seen.append(demo.read_event(*demo.decide(checkout.id, state)))

    states = [PaymentState.PAID, PaymentState.FAILED] * 4
    threads = [threading.Thread(target=decide, args=(state,)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(seen), len(set(seen))) == (8, 1)


@pytest.mark.parametrize("end", ["its time", "us"])
def test_what_has_ended_cannot_be_paid(demo, end):
    is_late = end == "its time"
    late = datetime.now(UTC) - timedelta(seconds=1)
    checkout = demo.start_checkout(make_request(expires_at=late) if is_late else make_open_request())
    demo.cancel(checkout.id)

    demo.decide(checkout.id, PaymentState.PAID)

    assert demo.look_up(checkout.id).state is PaymentState.EXPIRED


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


def as_before(path, **fields) -> None:
    """Write a checkout's file as it was when an order had one attempt, and refunds were done at once."""
    kept = json.loads(path.read_text())
    del kept["request"]["attempt"], kept["disputes"]
    path.write_text(json.dumps(kept | fields))


def test_a_payment_of_before_can_still_be_looked_up_and_given_back(demo, tmp_path):
    request = make_open_request()
    checkout = demo.start_checkout(request)
    path = tmp_path / f"{checkout.id}.json"
    as_before(path, state="paid", refunds={"old": {"id": "refund_1", "amount": 1_000}})

    demo.refund(checkout.id, 23_000, "new")

    standing = demo.look_up(checkout.id)
    assert (standing.state, standing.order_id) == (PaymentState.PAID, request.order_id)
    assert [refund.amount for refund in standing.refunds] == [1_000, 23_000]
    assert {refund.state for refund in standing.refunds} == {RefundState.DONE}


@pytest.mark.parametrize("content", ["", "{}", '{"request": {}}', "\x00"])
def test_a_file_that_cannot_be_read_is_no_payment(demo, tmp_path, content):
    checkout = demo.start_checkout(make_open_request())
    (tmp_path / f"{checkout.id}.json").write_text(content)

    with pytest.raises(NotFound):
        demo.look_up(checkout.id)


def test_a_dispute_of_more_than_is_left_is_refused(demo):
    checkout = demo.start_checkout(make_open_request())
    demo.decide(checkout.id, PaymentState.PAID)
    demo.refund(checkout.id, 20_000, "key")

    for amount in (4_001, 0):
        with pytest.raises(Conflict):
            demo.dispute(checkout.id, amount)


def test_what_is_not_there_is_neither_settled_nor_decided(demo):
    checkout = demo.start_checkout(make_open_request())

    with pytest.raises(NotFound):
        demo.settle_refund(checkout.id, "refund_1", RefundState.DONE)
    with pytest.raises(NotFound):
        demo.close_dispute(f"{checkout.id}_dispute_1", DisputeState.WON)


def test_the_order_and_the_attempt_make_the_id(demo):
    request = make_open_request()
    checkout = demo.start_checkout(request)

    assert demo.start_checkout(replace(request, attempt=1)).id != checkout.id
    assert demo.start_checkout(replace(request, order_id=some_id())).id != checkout.id
