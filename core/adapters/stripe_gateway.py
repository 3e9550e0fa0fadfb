"""Takes money through Stripe: on its own page for people, by payment intents for programs.

Prices are ours: Stripe is told what each line costs and computes nothing. What it calls a session or an
intent is a payment here; refunds and disputes lead to it through the intent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import stripe

from core.adapters import stripe_requests, stripe_standing
from core.adapters.stripe_refusals import TOO_MUCH, translated
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.gateway import (
    Checkout,
    CheckoutRequest,
    Intent,
    PaymentEvent,
    PaymentState,
    RefundStanding,
    Standing,
)

stripe.enable_telemetry = False  # it tells of this machine, and writes a file into the home folder

SIGNATURE_HEADER = "stripe-signature"
TOLERANCE = 300  # seconds between Stripe's signing and our reading
PATIENCE = 20.0  # seconds for an answer; the SDK's own is 80, and a page hangs as long
RETRIES = 2  # of a lost connection, a 409 or a 5xx, with the same key
PAGE = 100  # the most that a list gives at once


class StripeGateway:
    """One account at Stripe. Building one speaks to nobody."""

    name = "stripe"
    has_intents = True

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str,
        *,
        publishable_key: str = "",
        methods: Sequence[str] = (),
        api_url: str | None = None,
        http_client: stripe.HTTPClient | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`methods` are Stripe's names of ways to pay; none: all that are switched on there."""
        client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_url.rstrip("/")} if api_url else {},
            max_network_retries=RETRIES,
            http_client=http_client or stripe.RequestsClient(timeout=PATIENCE),
        )
        self._client, self._api = client, client.v1
        self._webhook_secret, self._publishable_key = webhook_secret, publishable_key
        self._methods, self._now = tuple(methods), now

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout; a repeat returns the same one. Raises Conflict on other content."""
        params = stripe_requests.checkout(request, self._methods, self._now())
        key = stripe_requests.idempotency_key(request, "checkout")
        with translated():
            session = self._api.checkout.sessions.create(params, {"idempotency_key": key})
        return Checkout(session.id, str(session.url))

    def start_intent(self, request: CheckoutRequest) -> Intent:
        """Open a payment for a program, as `start_checkout` does."""
        params = stripe_requests.intent(request, self._methods)
        key = stripe_requests.idempotency_key(request, "intent")
        with translated():
            intent = self._api.payment_intents.create(params, {"idempotency_key": key})
        return Intent(intent.id, str(intent.client_secret), self._publishable_key)

    def cancel(self, payment_id: str) -> None:
        """End an open payment, for good. Raises Conflict when it is paid, or being paid."""
        with translated():
            try:
                self._end(payment_id)
            except stripe.InvalidRequestError as error:
                if self._payment(payment_id).state not in (PaymentState.FAILED, PaymentState.EXPIRED):
                    raise Conflict(
                        "This payment is made already, or being made: it cannot be ended."
                    ) from error

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent | None:
        """Verify raw bytes and return the event, None for one we do not handle. Raises Forbidden."""
        header = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER)
        try:
            event = self._client.construct_event(body, header, self._webhook_secret, TOLERANCE)
        except (stripe.SignatureVerificationError, UnicodeError, TypeError) as error:  # TypeError: no ASCII
            raise Forbidden("This message about a payment is not signed by Stripe, or too old.") from error
        except ValueError:  # signed, but no event of the kind that we asked for
            return None
        return stripe_standing.event(event)

    def look_up(self, payment_id: str) -> Standing:
        """Return where a payment stands now, by the id of its session or intent. Raises NotFound."""
        with translated():
            found = self._payment(payment_id)
            if found.intent_id is None:
                return found
            refunds = [stripe_standing.of_refund(refund) for refund in self._refunds(found.intent_id)]
            disputes = [stripe_standing.of_dispute(dispute) for dispute in self._disputes(found.intent_id)]
        return replace(found, refunds=tuple(reversed(refunds)), disputes=tuple(reversed(disputes)))

    def refund(self, payment_id: str, amount: int, key: str) -> RefundStanding:
        """Give `amount` minor units back; the same key is the same refund. Raises Conflict on too much.

        Stripe forgets idempotency keys after a day: what was given under this key before is looked for first.
        """
        if amount <= 0:
            raise InvalidInput("A refund gives back more than zero.")
        with translated(otherwise=Conflict(TOO_MUCH)):
            intent_id = self._intent_id(payment_id)
            given = (stripe_standing.of_refund(refund) for refund in self._refunds(intent_id))
            known = next((refund for refund in given if refund.key == key), None)
            refund = known or self._new_refund(intent_id, amount, key)
        if refund.amount != amount:
            raise Conflict("This refund was asked for with another amount already.")
        return refund

    def recent(self, since: datetime) -> Iterator[str]:
        """Yield the id of each payment that something happened to since then, perhaps several times.

        Events tell of what became of old payments, too, but Stripe forgets them after 30 days.
        """
        created = {"gte": int(since.timestamp())}
        with translated():
            for event in self._whole(self._api.events, created=created, types=list(stripe_standing.KINDS)):
                about = stripe_standing.event(event)
                yield from (about.payment_id,) if about else ()
            for payments in (self._api.checkout.sessions, self._api.payment_intents):
                yield from (payment.id for payment in self._whole(payments, created=created))
            for returned in (self._api.refunds, self._api.disputes):
                ids = (stripe_standing.intent_id(of) for of in self._whole(returned, created=created))
                yield from filter(None, ids)

    def _payment(self, payment_id: str) -> Standing:
        if payment_id.startswith("cs_"):
            session = self._api.checkout.sessions.retrieve(payment_id, {"expand": ["payment_intent"]})
            return stripe_standing.of_session(session)
        if not payment_id.startswith("pi_"):
            raise NotFound("There is no such payment.")
        intent = self._api.payment_intents.retrieve(payment_id)
        return stripe_standing.of_intent(intent, is_of_completed_session=self._is_over(intent))

    def _is_over(self, intent: stripe.PaymentIntent) -> bool:
        """An intent that failed can be tried again, unless the session that it belongs to is complete."""
        if intent.status != "requires_payment_method":
            return False
        sessions = self._api.checkout.sessions.list({"payment_intent": intent.id, "limit": 1})
        return any(session.status == "complete" for session in sessions.data)

    def _intent_id(self, payment_id: str) -> str:
        intent_id = self._payment(payment_id).intent_id
        if intent_id is None:
            raise Conflict(TOO_MUCH)
        return intent_id

    def _end(self, payment_id: str) -> None:
        if payment_id.startswith("cs_"):
            self._api.checkout.sessions.expire(payment_id)
        elif payment_id.startswith("pi_"):
            self._api.payment_intents.cancel(payment_id)
        else:
            raise NotFound("There is no such payment.")

    def _new_refund(self, intent_id: str, amount: int, key: str) -> RefundStanding:
        made = self._api.refunds.create(
            {"payment_intent": intent_id, "amount": amount, "metadata": {"key": key}},
            {"idempotency_key": f"refund:{key}"},
        )
        return stripe_standing.of_refund(made)

    def _refunds(self, intent_id: str) -> Iterator[stripe.Refund]:
        return self._whole(self._api.refunds, payment_intent=intent_id)

    def _disputes(self, intent_id: str) -> Iterator[stripe.Dispute]:
        return self._whole(self._api.disputes, payment_intent=intent_id)

    def _whole(self, of: Any, **filters: Any) -> Iterator[Any]:
        """Yield everything that a list of Stripe's has, page by page, newest first."""
        page = of.list({"limit": PAGE, **filters})
        yield from page.data
        while page.has_more:
            page = page.next_page()
            yield from page.data
