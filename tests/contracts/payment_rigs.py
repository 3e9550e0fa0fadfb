"""Payment gateways under test, each with hands for the buyer, the bank and the clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import stripe

from core.adapters.demo_gateway import SIGNATURE_HEADER, DemoGateway
from core.gateway import (
    CheckoutLine,
    CheckoutRequest,
    DisputeState,
    PaymentEvent,
    PaymentGateway,
    PaymentState,
    RefundState,
)
from tests.makers import some_id
from tests.stripe_double import StripeDouble, gateway, serving

NOW = datetime(2026, 10, 17, 5, 0, tzinfo=UTC)
WHILE = timedelta(minutes=62)  # after which nobody's checkout is open any more
Signed = tuple[bytes, dict[str, str]]


@dataclass
class Rig:
    """A gateway, and what happens on its side. Hands leave signed messages in `sent`."""

    gateway: PaymentGateway
    signature_header: str
    sign: Callable[[bytes, int], str]  # bytes, seconds ago
    sent: Callable[[], list[Signed]]  # those that were not taken out yet
    pay: Callable[[str], object]
    refuse: Callable[[str], object]
    slow_down: Callable[[], None]  # refunds wait from now on
    settle: Callable[[str, str, RefundState], object]  # payment, refund
    dispute: Callable[[str, int], str]
    decide: Callable[[str, DisputeState], object]
    clock: list[float] = field(default_factory=list)

    def wait(self, time: timedelta) -> None:
        """Let time go by."""
        self.clock[0] += time.total_seconds()

    @property
    def now(self) -> datetime:
        """The time at the gateway."""
        return datetime.fromtimestamp(self.clock[0], UTC)


@contextmanager
def demo(folder: Path) -> Iterator[Rig]:
    """The gateway that is played on this machine."""
    clock, sent = [NOW.timestamp()], []
    made = DemoGateway(folder, "s" * 32, "https://encore.example", now=lambda: clock[0])

    def taken() -> list[Signed]:
        return [sent.pop(0) for _ in range(len(sent))]

    def dispute(payment_id: str, amount: int) -> str:
        dispute_id, message = made.dispute(payment_id, amount)
        sent.append(message)
        return dispute_id

    yield Rig(
        gateway=made,
        signature_header=SIGNATURE_HEADER,
        sign=made.signature,
        sent=taken,
        pay=lambda payment_id: sent.append(made.decide(payment_id, PaymentState.PAID)),
        refuse=lambda payment_id: sent.append(made.decide(payment_id, PaymentState.FAILED)),
        slow_down=lambda: setattr(made, "are_refunds_slow", True),
        settle=lambda payment_id, refund_id, state: sent.append(
            made.settle_refund(payment_id, refund_id, state)
        ),
        dispute=dispute,
        decide=lambda dispute_id, state: sent.append(made.close_dispute(dispute_id, state)),
        clock=clock,
    )


@contextmanager
def stripe_in_process(_: Path) -> Iterator[Rig]:
    """The real SDK, speaking to the double inside this process."""
    clock = [NOW.timestamp()]
    double = StripeDouble(clock=lambda: clock[0])
    yield stripe_rig(double, gateway(double), clock)


@contextmanager
def stripe_over_a_socket(_: Path) -> Iterator[Rig]:
    """The real SDK with its own transport, speaking HTTP to the double."""
    clock = [NOW.timestamp()]
    double, transport = StripeDouble(clock=lambda: clock[0]), stripe.RequestsClient(timeout=10)
    with serving(double) as url:
        yield stripe_rig(double, gateway(double, http_client=transport, api_url=url), clock)
    transport.close()


def stripe_rig(double: StripeDouble, made: PaymentGateway, clock: list[float]) -> Rig:
    """Hands on the double."""

    def refuse(payment_id: str) -> None:
        double.pay(payment_id, "promptpay")
        double.bounce(payment_id)

    def settle(_: str, refund_id: str, state: RefundState) -> None:
        (double.settle_refund if state is RefundState.DONE else double.fail_refund)(refund_id)

    return Rig(
        gateway=made,
        signature_header="stripe-signature",
        sign=double.signature,
        sent=lambda: [double.signed(message) for message in double.take()],
        pay=double.pay,
        refuse=refuse,
        slow_down=lambda: setattr(double.account, "are_refunds_slow", True),
        settle=settle,
        dispute=double.dispute,
        decide=double.move_dispute,
        clock=clock,
    )


RIGS = {"demo": demo, "stripe": stripe_in_process, "stripe over a socket": stripe_over_a_socket}


def make_request(**fields: object) -> CheckoutRequest:
    """Two photos at 120 baht, open for half an hour."""
    values: dict[str, object] = {
        "order_id": some_id(),
        "attempt": 0,
        "lines": [CheckoutLine("Run", 24_000, 2)],
        "amount": 24_000,
        "currency": "THB",
        "email": "runner@example.org",
        "return_url": "https://encore.example/order?o=x",
        "cancel_url": "https://encore.example/cart",
        "expires_at": NOW + timedelta(minutes=30),
    }
    return CheckoutRequest(**(values | fields))  # type: ignore[arg-type]


def paid(rig: Rig) -> str:
    """Return the id of a checkout that was paid, and forget its messages."""
    checkout = rig.gateway.start_checkout(make_request())
    rig.pay(checkout.id)
    rig.sent()
    return checkout.id


def events(rig: Rig) -> list[PaymentEvent]:
    """Return what the messages say that were sent, without those that say nothing to us."""
    return [event for message in rig.sent() if (event := rig.gateway.read_event(*message))]
