"""Payments as people meet them: those put aside for an admin, and the demo gateway's page."""

from typing import cast

from sqlmodel import select

from core import access, orders, paging, purchases
from core.backends import Backends
from core.errors import NotFound
from core.gateway import CheckoutRequest, PaymentState, PlayableGateway
from core.paging import Asked, Page
from models.account import Account, Role
from models.order import Order, OrderStatus


def held(backends: Backends, asked: Asked = paging.LONG, *, by: Account | None) -> Page[Order]:
    """Return the orders whose money did not fit, newest first: an admin settles them with the buyer."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        query = select(Order).where(Order.status == OrderStatus.HELD)
        return paging.read(backends, session, query, purchases.NEWEST, asked)


def play_request(backends: Backends, checkout_id: str) -> CheckoutRequest:
    """Return what the visitor is asked to pay. Raises NotFound, also when the gateway is a real one."""
    return _playable(backends).request(checkout_id)


def play_state(backends: Backends, checkout_id: str) -> PaymentState:
    """Return whether the demo payment is still open. Raises NotFound."""
    return _playable(backends).look_up(checkout_id).state


def play(backends: Backends, checkout_id: str, state: PaymentState) -> PaymentState:
    """Pay or refuse in the demo gateway; its signed message goes the way of every gateway's.

    Returns where the payment stands: its first answer is final.
    """
    body, headers = _playable(backends).decide(checkout_id, state)
    orders.receive(backends, body, headers)
    return play_state(backends, checkout_id)


def _playable(backends: Backends) -> PlayableGateway:
    if not hasattr(backends.payments, "decide"):
        raise NotFound("There is no such page.")
    return cast(PlayableGateway, backends.payments)
