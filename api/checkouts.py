"""Paying an order from a program, or only playing to."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path, Response
from pydantic import ConfigDict, Field

from api import callers, deps, routing
from api.orders import OrderId, Token
from api.schemas import Answer, Request
from core import played, purchases
from core.gateway import PaymentState

router = routing.router("orders")

CheckoutId = Annotated[
    str, Path(pattern="^[A-Za-z0-9_-]+$", max_length=255, description="As `checkout_url` ends.")
]


class PaymentIntent(Answer):
    """A payment to be made in a program, with the payment service's own library."""

    id: str = Field(description="The payment service's.")
    client_secret: str = Field(description="For who pays, and nobody else.")
    publishable_key: str = Field(description="What the library is started with.")


class DemoAnswer(StrEnum):
    """What a bank says."""

    PAID = "paid"
    FAILED = "failed"


class DemoDecision(Request):
    """What the bank that is played shall say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "paid"}]})

    state: DemoAnswer


class DemoPayment(Answer):
    """Where a payment that is only played stands: its first answer is final."""

    checkout_id: str
    state: PaymentState = Field(description="`open`: it waits for an answer.")


@router.post(
    "/orders/{order_id}/payment-intent",
    status_code=201,
    dependencies=routing.ONCE,
    openapi_extra=callers.OPEN,
)
def start_payment_intent(
    caller: callers.Shops, response: Response, order_id: OrderId, token: Token = ""
) -> PaymentIntent:
    """Open a payment that a program makes by itself, in place of the page at `checkout_url`.

    The same order has the same payment, however often it is asked for.
    """
    response.headers["Cache-Control"] = "no-store"
    intent = purchases.start_intent(deps.backends(), order_id, token, by=caller.viewer)
    return PaymentIntent.model_validate(intent)


@router.post("/demo-payments/{checkout_id}", dependencies=routing.ONCE)
def play_demo_payment(checkout_id: CheckoutId, sent: DemoDecision) -> DemoPayment:
    """Play the bank where payments are only played: no money moves. Who knows the checkout may.

    The order hears of it a moment later; refresh it to know at once.
    """
    state = played.play(deps.backends(), checkout_id, PaymentState(sent.state))
    return DemoPayment(checkout_id=checkout_id, state=state)
