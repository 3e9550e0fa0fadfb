"""Payments that are only played: the demo gateway's page, where the visitor is the bank."""

from typing import cast

from core import payments
from core.backends import Backends
from core.errors import NotFound
from core.gateway import CheckoutRequest, PaymentState, PlayableGateway


def request(backends: Backends, checkout_id: str) -> CheckoutRequest:
    """Return what the visitor is asked to pay. Raises NotFound, also when the gateway is a real one."""
    return _playable(backends).request(checkout_id)


def state(backends: Backends, checkout_id: str) -> PaymentState:
    """Return whether the demo payment is still open. Raises NotFound."""
    return _playable(backends).look_up(checkout_id).state


def play(backends: Backends, checkout_id: str, answer: PaymentState) -> PaymentState:
    """Pay or refuse in the demo gateway; its signed message goes the way of every gateway's.

    Returns where the payment stands: its first answer is final.
    """
    body, headers = _playable(backends).decide(checkout_id, answer)
    payments.receive(backends, body, headers)
    return state(backends, checkout_id)


def _playable(backends: Backends) -> PlayableGateway:
    if not hasattr(backends.payments, "decide"):
        raise NotFound("There is no such page.")
    return cast(PlayableGateway, backends.payments)
