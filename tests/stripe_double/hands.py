"""The hands of buyers, banks and whoever works at Stripe's dashboard."""

import threading

from tests.stripe_double import payments
from tests.stripe_double.account import Account, Thing
from tests.stripe_double.refusals import Refused


class Hands:
    """What happens at Stripe without us. Each hand writes its messages; what cannot be raises Refused."""

    account: Account
    lock: threading.RLock

    def tick(self) -> None:
        """End the sessions whose time is over."""
        for session in self.account.due():
            payments.expire(self.account, session)

    def pay(
        self, payment_id: str, method: str = "card", *, amount: int | None = None, currency: str | None = None
    ) -> None:
        """The buyer pays a session or an intent. By `promptpay` the money is on its way: `arrive`, `bounce`.

        `amount` and `currency` are for money that does not fit. Raises Refused for what cannot be paid.
        """
        with self.lock:
            self.tick()
            session, intent = self._payable(payment_id, method)
            intent |= {"amount": amount or intent["amount"], "currency": currency or intent["currency"]}
            if session is not None:
                session |= {"amount_total": intent["amount"], "currency": intent["currency"]}
                session["status"] = "complete"
            if method == "card":
                payments.take(self.account, intent, method)
                self._tell(session, "completed", "paid")
            else:
                intent["status"] = "processing"
                self.account.happened("payment_intent.processing", intent)
                self._tell(session, "completed", "unpaid")

    def arrive(self, payment_id: str) -> None:
        """The money that was on its way is there."""
        session, intent = self._on_its_way(payment_id)
        payments.take(self.account, intent, "promptpay")
        self._tell(session, "async_payment_succeeded", "paid")

    def bounce(self, payment_id: str) -> None:
        """The money that was on its way does not come."""
        session, intent = self._on_its_way(payment_id)
        payments.fail(self.account, intent)
        self._tell(session, "async_payment_failed", "unpaid")

    def decline(self, payment_id: str) -> None:
        """The buyer's card is refused: they may try again."""
        _, intent = self._payable(payment_id, "card")
        payments.fail(self.account, intent)

    def expire(self, session_id: str) -> None:
        """An open session ends."""
        session = self.account.find("checkout.session", session_id)
        if session["status"] == "open":
            payments.expire(self.account, session)

    def refund(self, payment_id: str, amount: int | None = None) -> str:
        """Someone gives money back at the dashboard: no key of ours. Returns its id; raises Refused."""
        return str(payments.refund(self.account, self.intent_of(payment_id), amount, {})["id"])

    def settle_refund(self, refund_id: str) -> None:
        """A slow refund reaches the buyer."""
        payments.settle_refund(self.account, self.account.find("refund", refund_id), "succeeded")

    def fail_refund(self, refund_id: str, status: str = "failed") -> None:
        """A refund comes back, even after it was done; or it is `canceled`."""
        payments.settle_refund(self.account, self.account.find("refund", refund_id), status)

    def dispute(self, payment_id: str, amount: int | None = None, status: str = "needs_response") -> str:
        """The buyer's bank wants a payment back. Returns the dispute's id."""
        return str(payments.dispute(self.account, self.intent_of(payment_id), amount, status)["id"])

    def move_dispute(self, dispute_id: str, status: str) -> None:
        """A dispute goes on, or is closed: `won`, `lost`, `warning_closed`, `prevented`."""
        payments.move_dispute(self.account, self.account.find("dispute", dispute_id), status)

    def balance(self, of: object = None) -> int:
        """Return the money that is here: charges less refunds and disputes. `of` a payment or an order."""
        intents = self.account.all("payment_intent")
        if of in self.account.things:
            intent_id = self.account.things[of].get("payment_intent", of)
            intents = [self.account.find("payment_intent", intent_id)] if intent_id else []
        elif of is not None:
            intents = [intent for intent in intents if intent["metadata"].get("order_id") == str(of)]
        return sum(self._kept(intent) for intent in intents)

    def intent_of(self, payment_id: str) -> Thing:
        """Return the intent behind a session or an intent. Raises Refused when nothing was tried."""
        thing = self.account.things.get(payment_id)
        if thing is not None and thing["object"] == "checkout.session":
            return self.account.find("payment_intent", thing["payment_intent"] or "")
        return self.account.find("payment_intent", payment_id)

    def _kept(self, intent: Thing) -> int:
        refunds = self.account.of_intent("refund", intent["id"])
        given = sum(refund["amount"] for refund in refunds if refund["status"] not in payments.GONE)
        disputes = self.account.of_intent("dispute", intent["id"])
        moved = sum(part["amount"] for dispute in disputes for part in dispute["balance_transactions"])
        return int(intent["amount_received"] - given + moved)

    def _payable(self, payment_id: str, method: str) -> tuple[Thing | None, Thing]:
        thing = self.account.things.get(payment_id)
        session = thing if thing is not None and thing["object"] == "checkout.session" else None
        if session is not None and session["status"] != "open":
            raise Refused(f"This session is {session['status']}.")
        payable = session or self.account.find("payment_intent", payment_id)
        if method not in payable["payment_method_types"]:
            raise Refused(f"This payment does not take {method}.")
        if session is None and payable["status"] != "requires_payment_method":
            raise Refused(f"This intent is {payable['status']}.")
        return session, self._intent(session) if session is not None else payable

    def _intent(self, session: Thing) -> Thing:
        """Return the session's intent: Stripe makes it when the buyer first tries to pay."""
        if session["payment_intent"]:
            return self.account.things[session["payment_intent"]]
        intent = payments.make_intent(
            self.account,
            amount=session["amount_total"],
            currency=session["currency"],
            metadata=session["payment_intent_data"].get("metadata", {}),
            payment_method_types=session["payment_method_types"],
        )
        self.account.belongs(session, intent["id"])
        return intent

    def _on_its_way(self, payment_id: str) -> tuple[Thing | None, Thing]:
        intent = self.intent_of(payment_id)
        if intent["status"] != "processing":
            raise Refused(f"This intent is {intent['status']}.")
        sessions = self.account.of_intent("checkout.session", intent["id"])
        return (sessions[0] if sessions else None), intent

    def _tell(self, session: Thing | None, what: str, payment_status: str) -> None:
        if session is not None:
            session["payment_status"] = payment_status
            self.account.happened(f"checkout.session.{what}", session)
