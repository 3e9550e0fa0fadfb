"""What Stripe says, read: its sessions, intents, refunds, disputes and messages as ours. No I/O."""

from collections.abc import Mapping
from typing import Any, Literal, cast
from uuid import UUID

import stripe

from core.gateway import (
    DisputeStanding,
    DisputeState,
    PaymentEvent,
    PaymentState,
    RefundStanding,
    RefundState,
    Standing,
)

KINDS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
)
REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,  # the buyer says to which account: PromptPay
    "succeeded": RefundState.DONE,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
DISPUTE_STATES = {  # others: nobody has decided yet
    "won": DisputeState.WON,
    "warning_closed": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def of_session(session: stripe.checkout.Session) -> Standing:
    """Read a session whose `payment_intent` is expanded."""
    intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
    state = _state_of_session(session, intent)
    is_taken = state is PaymentState.PAID and intent is not None and intent.status == "succeeded"
    amount = intent.amount_received if is_taken and intent is not None else session.amount_total
    currency = intent.currency if is_taken and intent is not None else session.currency
    return Standing(
        payment_id=session.id,
        intent_id=intent.id if intent is not None else None,
        order_id=_order_id(session.metadata),
        state=state,
        amount=amount or 0,
        currency=(currency or "").upper(),
    )


def of_intent(intent: stripe.PaymentIntent, *, is_of_completed_session: bool = False) -> Standing:
    """Read an intent. One of a session that is over cannot be tried again; another one can."""
    match intent.status:
        case "succeeded":
            state = PaymentState.PAID
        case "canceled":
            state = PaymentState.EXPIRED
        case "requires_payment_method" if is_of_completed_session:
            state = PaymentState.FAILED
        case _:
            state = PaymentState.OPEN
    return Standing(
        payment_id=intent.id,
        intent_id=intent.id,
        order_id=_order_id(intent.metadata),
        state=state,
        amount=intent.amount_received if state is PaymentState.PAID else intent.amount,
        currency=intent.currency.upper(),
    )


def of_refund(refund: stripe.Refund) -> RefundStanding:
    """Read a refund. One without our key was made at Stripe itself."""
    state = REFUND_STATES.get(refund.status or "", RefundState.PENDING)
    return RefundStanding(refund.id, _said(refund.metadata, "key"), refund.amount, state)


def of_dispute(dispute: stripe.Dispute) -> DisputeStanding:
    """Read a dispute. One that was prevented is lost if it took money: the buyer was given it before."""
    state = DISPUTE_STATES.get(dispute.status, DisputeState.OPEN)
    if dispute.status == "prevented":
        moved = sum(movement.amount for movement in dispute.balance_transactions)
        state = DisputeState.LOST if moved < 0 else DisputeState.WON
    return DisputeStanding(dispute.id, dispute.amount, state)


def event(event: stripe.Event) -> PaymentEvent | None:
    """Read a message, None for one that we do not handle."""
    if getattr(event, "type", None) not in KINDS:
        return None
    about: dict[str, Any] = event.to_dict()["data"]["object"]
    is_payment = about["object"] in ("checkout.session", "payment_intent")
    payment_id = about["id"] if is_payment else about.get("payment_intent")
    if not isinstance(payment_id, str):
        return None  # of a charge without an intent: none of ours
    return PaymentEvent(event.id, event.type, payment_id, _order_id(about.get("metadata")))


def intent_id(of: stripe.checkout.Session | stripe.Refund | stripe.Dispute) -> str | None:
    """Return the id of the intent that something belongs to, whether it is expanded or not."""
    found = of.payment_intent
    return found.id if isinstance(found, stripe.PaymentIntent) else found


def _state_of_session(session: stripe.checkout.Session, intent: stripe.PaymentIntent | None) -> PaymentState:
    attempt = intent.status if intent is not None else None
    if session.payment_status in ("paid", "no_payment_required") and session.status == "complete":
        return PaymentState.PAID
    if attempt == "succeeded":  # the money is there before the session says so
        return PaymentState.PAID
    if session.status == "expired":
        return PaymentState.EXPIRED
    if session.status == "complete" and attempt in ("requires_payment_method", "canceled"):
        return PaymentState.FAILED
    return PaymentState.OPEN


def _order_id(metadata: object) -> UUID | None:
    """Return the order of a payment. Only metadata counts: buyers can set a session's reference."""
    try:
        return UUID(_said(metadata, "order_id"))
    except ValueError:
        return None


def _said(metadata: object, name: Literal["order_id", "key"]) -> str:
    said = cast("Mapping[str, object]", metadata or {})
    return str(said[name]) if name in said else ""
