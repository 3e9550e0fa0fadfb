"""What happens to a payment: by the API, by the buyer, by banks and at the dashboard."""

from typing import Any

from tests.stripe_double.account import Account, Thing
from tests.stripe_double.refusals import Refused

GONE = ("failed", "canceled")  # refunds that gave nothing back


def take(account: Account, intent: Thing, method: str) -> None:
    """The money of an intent is there."""
    charge = account.make(
        "charge",
        amount=intent["amount"],
        amount_refunded=0,
        currency=intent["currency"],
        disputed=False,
        metadata=intent["metadata"],
        paid=True,
        payment_intent=intent["id"],
        payment_method_details={"type": method},
        refunded=False,
        status="succeeded",
    )
    intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"])
    account.happened("charge.succeeded", charge)
    account.happened("payment_intent.succeeded", intent)


def make_intent(account: Account, **fields: Any) -> Thing:
    """Open an intent."""
    intent = account.make(
        "payment_intent",
        amount_received=0,
        last_payment_error=None,
        latest_charge=None,
        status="requires_payment_method",
        **fields,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{account.tag}"
    account.happened("payment_intent.created", intent)
    return intent


def fail(account: Account, intent: Thing) -> None:
    """A card or a bank refused; the intent could be tried again."""
    error = {"code": "card_declined", "message": "Your card was declined.", "type": "card_error"}
    intent.update(status="requires_payment_method", last_payment_error=error)
    account.happened("payment_intent.payment_failed", intent)


def expire(account: Account, session: Thing) -> None:
    """A session ends unpaid, and its intent with it."""
    session.update(status="expired", url=None)
    account.happened("checkout.session.expired", session)
    if session["payment_intent"]:
        cancel(account, account.things[session["payment_intent"]])


def cancel(account: Account, intent: Thing) -> None:
    """An intent ends unpaid."""
    intent.update(status="canceled", canceled_at=int(account.clock()))
    account.happened("payment_intent.canceled", intent)


def refund(account: Account, intent: Thing, amount: int | None, metadata: dict[str, str]) -> Thing:
    """Give money back. Raises Refused."""
    charge = _refundable(account, intent)
    amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
    _check_refund(charge, amount)
    by_promptpay = charge["payment_method_details"]["type"] == "promptpay"
    waiting = "requires_action" if by_promptpay else "pending"
    made = account.make(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=metadata,
        payment_intent=intent["id"],
        status=waiting if account.are_refunds_slow else "succeeded",
    )
    _count_refunded(charge, amount)
    account.happened("refund.created", made)
    account.happened("charge.refunded", charge)
    return made


def _refundable(account: Account, intent: Thing) -> Thing:
    if intent["status"] != "succeeded":
        raise Refused(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    charge = account.find("charge", intent["latest_charge"])
    disputes = account.of_intent("dispute", intent["id"])
    if any(d["status"] != "won" and not d["status"].startswith("warning_") for d in disputes):
        words = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise Refused(words, code="charge_disputed")
    return charge


def _check_refund(charge: Thing, amount: int) -> None:
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        words = f"Charge {charge['id']} has already been refunded."
        raise Refused(words, code="charge_already_refunded")
    if amount < 1:
        raise Refused("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        words = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise Refused(words, param="amount")


def settle_refund(account: Account, made: Thing, status: str) -> None:
    """A refund reaches the buyer, or comes back."""
    made["status"] = status
    account.happened("refund.updated", made)
    if status in GONE:
        charge = account.find("charge", made["charge"])
        _count_refunded(charge, -made["amount"])
        made["failure_reason"] = "lost_or_stolen_card"
        account.happened("refund.failed", made)


def _count_refunded(charge: Thing, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    charge.update(amount_refunded=refunded, refunded=refunded == charge["amount"])


def dispute(account: Account, intent: Thing, amount: int | None, status: str) -> Thing:
    """The buyer's bank wants a payment back. An inquiry (`warning_…`) takes no money yet."""
    charge = account.find("charge", intent["latest_charge"])
    amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
    is_inquiry = status.startswith("warning_")
    made = account.make(
        "dispute",
        amount=amount,
        balance_transactions=[] if is_inquiry else [_movement(account, -amount, charge)],
        charge=charge["id"],
        currency=charge["currency"],
        is_charge_refundable=is_inquiry,
        metadata={},
        payment_intent=intent["id"],
        reason="fraudulent",
        status=status,
    )
    charge["disputed"] = True
    account.happened("charge.dispute.created", made)
    return made


def move_dispute(account: Account, made: Thing, status: str) -> None:
    """A dispute goes on, or is closed: what was won comes back."""
    taken = sum(movement["amount"] for movement in made["balance_transactions"])
    is_closed = status in ("won", "lost", "warning_closed", "prevented")
    owed = {"won": 0, "warning_closed": 0, "lost": -made["amount"]}.get(status, taken)
    if owed != taken:
        charge = account.find("charge", made["charge"])
        movement = _movement(account, owed - taken, charge)
        made["balance_transactions"] = [*made["balance_transactions"], movement]
    made["status"] = status
    account.happened(f"charge.dispute.{'closed' if is_closed else 'updated'}", made)


def _movement(account: Account, amount: int, charge: Thing) -> Thing:
    return {
        "id": f"txn_{account.tag}{next(account.numbers):07}",
        "object": "balance_transaction",
        "amount": amount,
        "currency": charge["currency"],
        "type": "adjustment",
    }
