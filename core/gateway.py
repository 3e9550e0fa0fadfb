"""All that Encore needs from whoever takes the money, on one page."""

from collections.abc import Mapping, Sequence
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

    order_id: UUID  # also the idempotency key
    lines: Sequence[CheckoutLine]
    amount: int  # minor units, the sum of the lines
    currency: str  # "THB"
    email: str
    return_url: str  # the order page
    cancel_url: str  # the cart
    expires_at: datetime


@dataclass(frozen=True)
class Checkout:
    """A checkout opened at the gateway."""

    id: str
    url: str


class PaymentState(StrEnum):
    """Where a checkout stands at the gateway."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class PaymentEvent:
    """One verified message from the gateway, or our own look at it."""

    id: str  # the gateway's event id; a repeat has the same
    order_id: UUID
    checkout_id: str
    state: PaymentState
    amount: int  # minor units
    currency: str


class PaymentGateway(Protocol):
    """Takes money for an order. Every method raises Unavailable while the gateway is away."""

    name: str

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout; the same order id returns the same checkout."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent | None:
        """Verify raw bytes and return the event, None for one we do not handle. Raises Forbidden."""
        ...

    def look_up(self, checkout_id: str) -> PaymentEvent:
        """Return where a checkout stands now. Raises NotFound."""
        ...

    def refund(self, checkout_id: str, amount: int, idempotency_key: str) -> str:
        """Give `amount` minor units back and return the refund's id. Raises Conflict on too much."""
        ...


class PlayableGateway(PaymentGateway, Protocol):
    """A gateway of ours where the visitor plays the bank: no money moves."""

    def request(self, checkout_id: str) -> CheckoutRequest:
        """Return what was asked to be paid. Raises NotFound."""
        ...

    def decide(self, checkout_id: str, state: PaymentState) -> tuple[bytes, dict[str, str]]:
        """Pay or refuse, and return the signed message (body, headers) for `read_event`."""
        ...
