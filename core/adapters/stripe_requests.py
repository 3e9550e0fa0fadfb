"""What Stripe is asked for, from what we want to be paid. No I/O: the same request gives the same words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.errors import Conflict
from core.gateway import CheckoutLine, CheckoutRequest
from core.pricing import format_amount

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

# Minor units, from Stripe's page on currencies. Of others Stripe itself refuses too little.
SMALLEST_AMOUNTS = {
    "THB": 1000,
    "USD": 50,
    "EUR": 50,
    "GBP": 30,
    "JPY": 50,
    "SGD": 50,
    "HKD": 400,
    "MYR": 200,
}
THAI_ONLY = "promptpay"
MOST_LINES = 100  # of a session
LONGEST_LABEL = 250
# A session ends half an hour to a day after it was opened. The order's own time may be nearly over by then,
# and the same order must always say the same: so its session may live a little longer, and is ended by us.
SPARE = timedelta(minutes=31)
LONGEST = timedelta(hours=24)


class TooLittle(Conflict):
    """Less than the gateway takes."""

    def __init__(self, amount: int, currency: str) -> None:
        smallest = format_amount(amount, currency)
        super().__init__("The smallest amount that can be paid is {smallest}.", smallest=smallest)


def checkout(request: CheckoutRequest, methods: Sequence[str], now: datetime) -> "SessionCreateParams":
    """Return the words for a page of Stripe's. Raises Conflict where the amount cannot be paid."""
    _check_amount(request)
    params: SessionCreateParams = {
        "mode": "payment",
        "line_items": [_line(line, request.currency) for line in _few(request.lines)],
        "client_reference_id": str(request.order_id),
        "metadata": _metadata(request),
        "payment_intent_data": {"metadata": _metadata(request)},
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "customer_email": request.email,
    }
    if methods:
        params["allowed_payment_method_types"] = _for_currency(methods, request.currency)
    if request.expires_at + SPARE < now + LONGEST:  # else it ends after a day by itself
        params["expires_at"] = int((request.expires_at + SPARE).timestamp())
    return params


def intent(request: CheckoutRequest, methods: Sequence[str]) -> "PaymentIntentCreateParams":
    """Return the words for a payment in a program. Raises Conflict where the amount cannot be paid."""
    _check_amount(request)
    params: PaymentIntentCreateParams = {
        "amount": request.amount,
        "currency": request.currency.lower(),
        "metadata": _metadata(request),
    }
    if methods:
        params["allowed_payment_method_types"] = _for_currency(methods, request.currency)
    else:
        params["automatic_payment_methods"] = {"enabled": True}
    return params


def idempotency_key(request: CheckoutRequest, what: str) -> str:
    """Return what makes a repeat the same payment: one per attempt at an order."""
    return f"order:{request.order_id}:{request.attempt}:{what}"


def _check_amount(request: CheckoutRequest) -> None:
    smallest = SMALLEST_AMOUNTS.get(request.currency, 1)
    if request.amount < smallest:
        raise TooLittle(smallest, request.currency)


def _metadata(request: CheckoutRequest) -> dict[str, str]:
    return {"order_id": str(request.order_id), "attempt": str(request.attempt)}


def _for_currency(methods: Sequence[str], currency: str) -> list[str]:
    fitting = [method for method in methods if currency == "THB" or method != THAI_ONLY]
    if not fitting:
        raise Conflict(
            "None of the ways to pay here takes {currency}. Tell the organiser.", currency=currency
        )
    return fitting


def _few(lines: Sequence[CheckoutLine]) -> Sequence[CheckoutLine]:
    """Return at most as many lines as a session may have: the last is all others."""
    if len(lines) <= MOST_LINES:
        return lines
    shown, others = lines[: MOST_LINES - 1], lines[MOST_LINES - 1 :]
    return [*shown, CheckoutLine(f"+ {len(others)}", sum(line.amount for line in others), 1)]


def _line(line: CheckoutLine, currency: str) -> "SessionCreateParamsLineItem":
    """One line. Its pieces are counted when they cost the same, else they are one of the whole amount."""
    is_even = line.quantity > 0 and line.amount % line.quantity == 0
    quantity = line.quantity if is_even else 1
    label = line.label if is_even else f"{line.quantity} × {line.label}"
    return {
        "quantity": quantity,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": line.amount // quantity,
            "product_data": {"name": label[:LONGEST_LABEL]},
        },
    }
