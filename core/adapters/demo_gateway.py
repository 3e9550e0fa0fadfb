"""A payment gateway on this machine where the visitor plays the bank: no money moves.

It behaves like a real one where that matters: idempotent starts, signed messages with a time stamp,
an answer that is final, and refunds that never exceed what was paid. One JSON file per checkout.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter

from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.gateway import Checkout, CheckoutRequest, PaymentEvent, PaymentState

SIGNATURE_HEADER = "encore-signature"  # "t=<seconds>,v1=<hexadecimal>"
TOLERANCE = 300  # seconds, as Stripe's libraries allow
_CHECKOUT_ID = re.compile(r"demo_[0-9a-f]{40}")


@dataclass(frozen=True)
class _Refund:
    id: str
    amount: int  # minor units


@dataclass(frozen=True)
class _Stored:
    request: CheckoutRequest
    state: PaymentState = PaymentState.OPEN
    refunds: dict[str, _Refund] = field(default_factory=dict)  # by idempotency key


_STORED = TypeAdapter(_Stored)


class DemoGateway:
    """Keeps its checkouts in a folder. `now` returns seconds since 1970."""

    name = "demo"

    def __init__(
        self, folder: Path, secret: str, public_url: str, now: Callable[[], float] = time.time
    ) -> None:
        self._folder, self._public_url, self._now = folder, public_url.rstrip("/"), now
        self._secret = secret.encode()

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout; the same order id returns the same checkout. Raises Conflict on other content."""
        checkout_id = f"demo_{self._digest('checkout', str(request.order_id))[:40]}"
        with self._locked():
            if not self._path(checkout_id).exists():
                self._write(checkout_id, _Stored(request))
            elif not _is_same(self._read(checkout_id).request, request):
                raise Conflict("This order was sent to payment with another content already.")
        return Checkout(checkout_id, f"{self._public_url}/pay?c={checkout_id}")

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent | None:
        """Verify raw bytes and return the event, None for one we do not handle. Raises Forbidden."""
        self._verify(body, {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER, ""))
        message = json.loads(body)
        if message["type"] != "checkout":
            return None
        return PaymentEvent(
            id=message["id"],
            order_id=UUID(message["order_id"]),
            checkout_id=message["checkout_id"],
            state=PaymentState(message["state"]),
            amount=message["amount"],
            currency=message["currency"],
        )

    def look_up(self, checkout_id: str) -> PaymentEvent:
        """Return where a checkout stands now. Raises NotFound."""
        stored = self._read(checkout_id)
        request = stored.request
        event_id = f"{checkout_id}:{stored.state}"
        return PaymentEvent(
            event_id, request.order_id, checkout_id, stored.state, request.amount, request.currency
        )

    def refund(self, checkout_id: str, amount: int, idempotency_key: str) -> str:
        """Give `amount` minor units back and return the refund's id. Raises Conflict on too much."""
        with self._locked():
            stored = self._read(checkout_id)
            known = stored.refunds.get(idempotency_key)
            if known is None:
                known = self._new_refund(stored, checkout_id, amount, idempotency_key)
            elif known.amount != amount:
                raise Conflict("This refund was asked for with another amount already.")
        return known.id

    def request(self, checkout_id: str) -> CheckoutRequest:
        """Return what was asked to be paid. Raises NotFound."""
        return self._read(checkout_id).request

    def decide(self, checkout_id: str, state: PaymentState) -> tuple[bytes, dict[str, str]]:
        """Pay or refuse, and return the signed message (body, headers). The first answer is final."""
        if state is PaymentState.OPEN:
            raise InvalidInput("Decide to pay or to refuse.")
        with self._locked():
            stored = self._read(checkout_id)
            if stored.state is PaymentState.OPEN:
                stored = replace(stored, state=state)
            self._write(checkout_id, stored)  # an expiry that was only noticed is kept as well
        event = self.look_up(checkout_id)
        message = {
            "type": "checkout",
            "id": event.id,
            "order_id": str(event.order_id),
            "checkout_id": event.checkout_id,
            "state": event.state,
            "amount": event.amount,
            "currency": event.currency,
        }
        body = json.dumps(message).encode()
        return body, {SIGNATURE_HEADER: self.signature(body)}

    def signature(self, body: bytes) -> str:
        """Return the header that proves that these bytes come from here, now."""
        stamp = int(self._now())
        return f"t={stamp},v1={self._digest('message', f'{stamp}.', body)}"

    def _verify(self, body: bytes, header: str) -> None:
        match = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", header)
        if match is None:
            raise Forbidden("This message about a payment is not signed.")
        stamp, digest = match.groups()
        if not hmac.compare_digest(digest, self._digest("message", f"{stamp}.", body)):
            raise Forbidden("The signature of this message about a payment is wrong.")
        if abs(self._now() - int(stamp)) > TOLERANCE:
            raise Forbidden("This message about a payment is too old.")

    def _digest(self, purpose: str, text: str, body: bytes = b"") -> str:
        key = hmac.digest(self._secret, f"demo-gateway.{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, text.encode() + body, hashlib.sha256).hexdigest()

    def _new_refund(self, stored: _Stored, checkout_id: str, amount: int, key: str) -> _Refund:
        if amount <= 0:
            raise InvalidInput("A refund gives back more than zero.")
        given = sum(refund.amount for refund in stored.refunds.values())
        if stored.state is not PaymentState.PAID or given + amount > stored.request.amount:
            raise Conflict("That is more than was paid and not yet given back.")
        refund = _Refund(f"refund_{self._digest('refund', f'{checkout_id}:{key}')[:24]}", amount)
        self._write(checkout_id, replace(stored, refunds=stored.refunds | {key: refund}))
        return refund

    def _path(self, checkout_id: str) -> Path:
        if not _CHECKOUT_ID.fullmatch(checkout_id):  # it comes from an address
            raise NotFound("There is no such payment.")
        return self._folder / f"{checkout_id}.json"

    def _read(self, checkout_id: str) -> _Stored:
        try:
            stored = _STORED.validate_json(self._path(checkout_id).read_bytes())
        except FileNotFoundError as error:
            raise NotFound("There is no such payment.") from error
        is_over = stored.state is PaymentState.OPEN and self._now() >= stored.request.expires_at.timestamp()
        return replace(stored, state=PaymentState.EXPIRED) if is_over else stored

    def _write(self, checkout_id: str, stored: _Stored) -> None:
        path = self._path(checkout_id)
        draft = path.with_suffix(".draft")
        with open(draft, "wb", opener=_private) as file:
            file.write(_STORED.dump_json(stored))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, across threads and processes."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self._folder / "lock", "wb", opener=_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is_same(one: CheckoutRequest, other: CheckoutRequest) -> bool:
    return _STORED.dump_json(_Stored(one)) == _STORED.dump_json(_Stored(other))
