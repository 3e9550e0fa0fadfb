"""The double itself: how requests come in, and the hands of buyers, banks and the dashboard."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from core.adapters.stripe_gateway import StripeGateway
from tests.stripe_double import forms
from tests.stripe_double.account import API_VERSION, Account, Message, Thing, message, public
from tests.stripe_double.api import ENDPOINTS, Endpoint
from tests.stripe_double.hands import Hands
from tests.stripe_double.refusals import Refused
from tests.stripe_double.wire import InProcess

KEY_LIFE = 24 * 60 * 60  # seconds an idempotency key is remembered
Answer = tuple[int, dict[str, str], str]  # status, headers, body


class StripeDouble(Hands):
    """One account at Stripe, with hands for what happens there. `clock` returns seconds since 1970."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        api_key: str = "sk_test_double",
        webhook_secret: str = "whsec_double",  # noqa: S107
    ) -> None:
        self.api_key, self.webhook_secret, self.clock = api_key, webhook_secret, clock
        self.account = Account(lambda: self.clock())
        self.is_down = False  # answers 503 to everything
        self.lost_answers = 0  # so many requests are carried out, and their answers lost on the way
        self.asked: list[tuple[str, str, dict[str, Any]]] = []  # method, path, parameters as they came
        self._answered: dict[str, tuple[str, float, Answer]] = {}  # by idempotency key
        self.lock = threading.RLock()

    def transport(self) -> stripe.HTTPClient:
        """Return what the SDK speaks through without a socket. It never sleeps."""
        return InProcess(self)

    def answer(self, method: str, path: str, form: str, headers: Mapping[str, str]) -> Answer:
        """Carry out one request."""
        with self.lock:
            try:
                return self._answer(method, path, form, {n.lower(): v for n, v in headers.items()})
            except Refused as refusal:
                return refusal.status, {"request-id": "req_refused"}, refusal.body

    def _answer(self, method: str, path: str, form: str, headers: Mapping[str, str]) -> Answer:
        self._check_caller(headers)
        endpoint, ids = _endpoint(method, path)
        key, asked = headers.get("idempotency-key", ""), f"{method} {path} {form}"
        known = self._known(key) if method == "post" else None
        if known is not None:
            if known[0] != asked:
                words = "Keys for idempotent requests can only be used with the same parameters."
                raise Refused(words, kind="idempotency_error", is_saved=False)
            status, said, body = known[2]
            return status, said | {"idempotent-replayed": "true"}, body
        answer = self._carried_out(endpoint, ids, form)
        if method == "post":
            self._answered[key] = (asked, self.clock(), answer)
        return answer

    def _carried_out(self, endpoint: Endpoint, ids: tuple[str, ...], form: str) -> Answer:
        given = forms.decoded(form)
        self.asked.append((endpoint.method, endpoint.path.pattern, given))
        params = forms.checked(endpoint.module, endpoint.type, given)
        if unbuilt := params.keys() - endpoint.knows:
            raise NotImplementedError(f"the double does nothing with {sorted(unbuilt)}")
        self.tick()
        said = {"request-id": f"req_{len(self.asked)}"}
        try:
            made = endpoint.run(self.account, params, *ids)
        except Refused as refusal:
            if not refusal.is_saved:
                raise
            return refusal.status, said, refusal.body
        return 200, said, json.dumps(self._shown(made, endpoint, params))

    def _check_caller(self, headers: Mapping[str, str]) -> None:
        if self.is_down:
            raise Refused("We are down.", status=503, kind="api_error", is_saved=False)
        if headers.get("authorization") != f"Bearer {self.api_key}":
            raise Refused("Invalid API Key provided.", status=401, is_saved=False)
        if headers.get("stripe-version") != API_VERSION:
            raise Refused(f"This double speaks {API_VERSION}.", is_saved=False)

    def _known(self, key: str) -> tuple[str, float, Answer] | None:
        if not 1 <= len(key) <= 255:
            raise Refused("An idempotency key has 1 to 255 characters.", is_saved=False)
        known = self._answered.get(key)
        return known if known and self.clock() < known[1] + KEY_LIFE else None

    def _shown(self, thing: Thing, endpoint: Endpoint, params: dict[str, Any]) -> Thing:
        if thing["object"] == "list":
            path = endpoint.path.pattern
            return thing | {"data": [public(part) for part in thing["data"]], "url": path}
        shown = public(thing)
        for name in params.get("expand", ()):
            if name != "payment_intent" or name not in shown:
                raise Refused(f"This property cannot be expanded ({name}).", param="expand", is_saved=False)
            if shown[name]:
                shown[name] = self.account.things[shown[name]]
        return shown

    def loses_answer(self) -> bool:
        """Return whether the connection breaks before the answer is there."""
        is_lost = self.lost_answers > 0
        self.lost_answers -= is_lost
        return is_lost

    @property
    def messages(self) -> list[Message]:
        """The webhooks that wait to be sent, oldest first."""
        return [message(event) for event in self.account.unsent]

    def take(self) -> list[Message]:
        """Take out what waits to be sent: it is yours to deliver, twice, late, shuffled or never."""
        with self.lock:
            self.tick()
            taken, self.account.unsent = self.messages, []
        return taken

    def signed(self, sent: Message, age: float = 0) -> tuple[bytes, dict[str, str]]:
        """Return a message as it comes: Stripe signs it at sending, by the real clock. `age` in seconds."""
        return sent.body, {"Stripe-Signature": self.signature(sent.body, age)}

    def signature(self, body: bytes, age: float = 0) -> str:
        """Return the header that proves that these bytes come from here."""
        return stripe.WebhookSignature.generate_signature_header(
            body.decode(), self.webhook_secret, int(time.time() - age)
        )


def gateway(double: StripeDouble, **settings: Any) -> StripeGateway:
    """Return our adapter on the real SDK, speaking to the double inside this process."""
    wanted = {
        "publishable_key": "pk_test_double",
        "methods": ("card", "promptpay"),
        "http_client": double.transport(),
        "now": lambda: datetime.fromtimestamp(double.clock(), UTC),
    }
    return StripeGateway(double.api_key, double.webhook_secret, **(wanted | settings))


def _endpoint(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    for endpoint in ENDPOINTS:
        if endpoint.method == method and (match := endpoint.path.fullmatch(path)):
            return endpoint, match.groups()
    raise Refused(f"Unrecognized request URL ({method}: {path}).", status=404, is_saved=False)
