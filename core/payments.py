"""Payments as people meet them: those put aside for an admin, and the demo gateway's page."""

from collections.abc import Sequence
from typing import cast

from sqlmodel import col, select

from core import access, orders
from core.backends import Backends
from core.errors import NotFound
from core.ports import CheckoutRequest, PaymentState, PlayableGateway
from models.account import Account, Role
from models.order import Order, OrderStatus


def held(backends: Backends, *, by: Account | None) -> Sequence[Order]:
    """Return the orders whose money did not fit, newest first: an admin settles them with the buyer."""
    access.require_role(by, Role.ADMIN)
    with backends.reading() as session:
        query = select(Order).where(Order.status == OrderStatus.HELD)
        return session.exec(query.order_by(col(Order.created_at).desc())).all()


def play_request(backends: Backends, checkout_id: str) -> CheckoutRequest:
    """Return what the visitor is asked to pay. Raises NotFound, also when the gateway is a real one."""
    return _playable(backends).request(checkout_id)


def play_state(backends: Backends, checkout_id: str) -> PaymentState:
    """Return whether the demo payment is still open. Raises NotFound."""
    return _playable(backends).look_up(checkout_id).state


def play(backends: Backends, checkout_id: str, state: PaymentState) -> None:
    """Pay or refuse in the demo gateway; its signed message goes the way of every gateway's."""
    body, headers = _playable(backends).decide(checkout_id, state)
    orders.receive(backends, body, headers)


def _playable(backends: Backends) -> PlayableGateway:
    if not hasattr(backends.payments, "decide"):
        raise NotFound("There is no such page.")
    return cast(PlayableGateway, backends.payments)
