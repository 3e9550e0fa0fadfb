"""All that Encore needs from whoever takes the money, on one page.

A gateway's messages are hints: they say which payment to look at. `look_up` is the truth, and it is whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class CheckoutLine:
    """One priced line as the buyer sees it at the gateway."""

    label: str
    amount: int  # minor units, of all pieces
    quantity: int


@dataclass(frozen=True)
class CheckoutRequest:
    """What the gateway needs to take the money of one order."""

    order_id: UUID
    attempt: int  # of this order: with its id the idempotency key
    lines: Sequence[CheckoutLine]
    amount: int  # minor units, the sum of the lines
    currency: str  # "THB"
    email: str
    return_url: str  # the order page
    cancel_url: str  # the cart
    expires_at: datetime


@dataclass(frozen=True)
class Checkout:
    """A payment opened at the gateway, on a page of its own."""

    id: str
    url: str


@dataclass(frozen=True)
class Intent:
    """A payment opened at the gateway, to be made in a program with the gateway's own library."""

    id: str
    client_secret: str  # for who pays, and nobody else
    publishable_key: str  # what the gateway's library is started with; "" where there is none


class PaymentState(StrEnum):
    """Where a payment stands at the gateway."""

    OPEN = "open"  # nothing yet, or on its way
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"  # or cancelled by us


class RefundState(StrEnum):
    """Where a refund stands at the gateway."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"  # or cancelled: the money stayed


@dataclass(frozen=True)
class RefundStanding:
    """One refund, as the gateway has it."""

    id: str
    key: str  # the idempotency key it was asked for with; "": it was made at the gateway itself
    amount: int  # minor units
    state: RefundState


class DisputeState(StrEnum):
    """Whose money it is."""

    OPEN = "open"
    WON = "won"  # ours
    LOST = "lost"


@dataclass(frozen=True)
class DisputeStanding:
    """One dispute, as the gateway has it."""

    id: str
    amount: int  # minor units
    state: DisputeState


@dataclass(frozen=True)
class Standing:
    """Where a payment stands at the gateway now, with all that became of it."""

    payment_id: str  # of the checkout or intent that was asked about
    intent_id: str | None  # what its refunds and disputes name; None before anything was paid
    order_id: UUID | None  # as we said when we opened it; None: it is not ours
    state: PaymentState
    amount: int  # minor units: what was asked, or what came
    currency: str  # upper case
    refunds: tuple[RefundStanding, ...] = ()  # every one, oldest first
    disputes: tuple[DisputeStanding, ...] = ()


@dataclass(frozen=True)
class PaymentEvent:
    """One verified message: something happened to this payment."""

    id: str  # the gateway's event id; a repeat has the same
    kind: str  # the gateway's word for it
    payment_id: str  # the checkout or intent it is about
    order_id: UUID | None = None  # where the message says it


class PaymentGateway(Protocol):
    """Takes money for an order. Every method raises Unavailable while the gateway is away."""

    name: str
    has_intents: bool  # programs may take payments with the gateway's own library

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout, the same for the same order and attempt. Raises Conflict on other content."""
        ...

    def start_intent(self, request: CheckoutRequest) -> Intent:
        """Open a payment for a program, as `start_checkout` does. Raises Conflict without `has_intents`."""
        ...

    def cancel(self, payment_id: str) -> None:
        """End an open payment, for good: it cannot be paid afterwards.

        One that has ended unpaid is no error. Raises Conflict when it is paid, or being paid.
        """
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent | None:
        """Verify raw bytes and return the event, None for one we do not handle. Raises Forbidden."""
        ...

    def look_up(self, payment_id: str) -> Standing:
        """Return where a payment stands now, by the id of its checkout or intent. Raises NotFound."""
        ...

    def refund(self, payment_id: str, amount: int, key: str) -> RefundStanding:
        """Give `amount` minor units back; the same key is the same refund. Raises Conflict on too much."""
        ...

    def recent(self, since: datetime) -> Iterator[str]:
        """Yield the id of each payment that something happened to since then, perhaps several times."""
        ...


class PlayableGateway(PaymentGateway, Protocol):
    """A gateway of ours where the visitor plays the bank: no money moves."""

    def request(self, checkout_id: str) -> CheckoutRequest:
        """Return what was asked to be paid. Raises NotFound."""
        ...

    def decide(self, checkout_id: str, state: PaymentState) -> tuple[bytes, dict[str, str]]:
        """Pay or refuse, and return the signed message (body, headers) for `read_event`."""
        ...
