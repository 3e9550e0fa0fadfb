"""A payment gateway on this machine where the visitor plays the bank: no money moves.

It behaves like a real one where that matters: idempotent starts, signed messages with a time stamp, an
answer that is final, refunds that never exceed what was paid, and disputes. One JSON file per checkout.
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
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter

from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.gateway import (
    Checkout,
    CheckoutRequest,
    DisputeStanding,
    DisputeState,
    Intent,
    PaymentEvent,
    PaymentState,
    RefundStanding,
    RefundState,
    Standing,
)

SIGNATURE_HEADER = "encore-signature"  # "t=<seconds>,v1=<hexadecimal>"
TOLERANCE = 300  # seconds, as Stripe's libraries allow
_CHECKOUT_ID = re.compile(r"demo_[0-9a-f]{40}")
Message = tuple[bytes, dict[str, str]]  # body, headers


@dataclass(frozen=True)
class _Refund:
    id: str
    amount: int  # minor units
    state: RefundState = RefundState.DONE


@dataclass(frozen=True)
class _Dispute:
    amount: int  # minor units
    state: DisputeState = DisputeState.OPEN


@dataclass(frozen=True)
class _Stored:
    request: CheckoutRequest
    state: PaymentState = PaymentState.OPEN
    refunds: dict[str, _Refund] = field(default_factory=dict)  # by idempotency key
    disputes: dict[str, _Dispute] = field(default_factory=dict)  # by id


_STORED = TypeAdapter(_Stored)


class DemoGateway:
    """Keeps its checkouts in a folder. `now` returns seconds since 1970.

    With `are_refunds_slow` a refund waits for `settle_refund`, as at a bank that takes its days.
    """

    name = "demo"
    has_intents = False

    def __init__(
        self, folder: Path, secret: str, public_url: str, now: Callable[[], float] = time.time
    ) -> None:
        self._folder, self._public_url, self._now = folder, public_url.rstrip("/"), now
        self._secret = secret.encode()
        self.are_refunds_slow = False

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout; a repeat returns the same one. Raises Conflict on other content."""
        checkout_id = f"demo_{self._digest('checkout', f'{request.order_id}:{request.attempt}')[:40]}"
        with self._locked():
            if not self._path(checkout_id).exists():
                self._write(checkout_id, _Stored(request))
            elif not _is_same(self._read(checkout_id).request, request):
                raise Conflict("This order was sent to payment with another content already.")
        return Checkout(checkout_id, f"{self._public_url}/pay?c={checkout_id}")

    def start_intent(self, request: CheckoutRequest) -> Intent:  # noqa: ARG002
        """Raises Conflict: a program has nothing to pay with here."""
        raise Conflict("Payments are only played here: pay this order on its page.")

    def cancel(self, payment_id: str) -> None:
        """End an open checkout, for good. Raises Conflict when it is paid."""
        with self._locked():
            stored = self._read(payment_id)
            if stored.state is PaymentState.PAID:
                raise Conflict("This payment is made already: it cannot be ended.")
            if stored.state is PaymentState.OPEN:
                self._write(payment_id, replace(stored, state=PaymentState.EXPIRED))

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent | None:
        """Verify raw bytes and return the event, None for one we do not handle. Raises Forbidden."""
        self._verify(body, {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER, ""))
        message = json.loads(body)
        if message["type"] != "payment":
            return None
        order_id = UUID(message["order_id"])
        return PaymentEvent(message["id"], message["kind"], message["payment_id"], order_id)

    def look_up(self, payment_id: str) -> Standing:
        """Return where a checkout stands now. Raises NotFound."""
        stored = self._read(payment_id)
        refunds = [RefundStanding(r.id, key, r.amount, r.state) for key, r in stored.refunds.items()]
        disputes = [
            DisputeStanding(dispute_id, d.amount, d.state) for dispute_id, d in stored.disputes.items()
        ]
        return Standing(
            payment_id=payment_id,
            intent_id=payment_id if stored.state is PaymentState.PAID else None,
            order_id=stored.request.order_id,
            state=stored.state,
            amount=stored.request.amount,
            currency=stored.request.currency,
            refunds=tuple(refunds),
            disputes=tuple(disputes),
        )

    def refund(self, payment_id: str, amount: int, key: str) -> RefundStanding:
        """Give `amount` minor units back; the same key is the same refund. Raises Conflict on too much."""
        if amount <= 0:
            raise InvalidInput("A refund gives back more than zero.")
        with self._locked():
            stored = self._read(payment_id)
            known = stored.refunds.get(key) or self._new_refund(stored, payment_id, amount, key)
        if known.amount != amount:
            raise Conflict("This refund was asked for with another amount already.")
        return RefundStanding(known.id, key, known.amount, known.state)

    def recent(self, since: datetime) -> Iterator[str]:
        """Yield the id of each payment that something happened to since then."""
        for path in sorted(self._folder.glob("demo_*.json")):
            if path.stat().st_mtime >= int(since.timestamp()):
                yield path.stem

    # --- what the visitor and their bank do ----------------------------------------------------

    def request(self, checkout_id: str) -> CheckoutRequest:
        """Return what was asked to be paid. Raises NotFound."""
        return self._read(checkout_id).request

    def decide(self, checkout_id: str, state: PaymentState) -> Message:
        """Pay or refuse, and return the signed message. The first answer is final."""
        if state is PaymentState.OPEN:
            raise InvalidInput("Decide to pay or to refuse.")
        with self._locked():
            stored = self._read(checkout_id)
            if stored.state is PaymentState.OPEN:
                stored = replace(stored, state=state)
            self._write(checkout_id, stored)  # an expiry that was only noticed is kept as well
        return self._message(checkout_id, stored, f"payment.{stored.state}", checkout_id)

    def settle_refund(self, checkout_id: str, refund_id: str, state: RefundState) -> Message:
        """A refund reaches the buyer, or comes back: return the signed message. Raises NotFound."""
        with self._locked():
            stored = self._read(checkout_id)
            found = [(key, refund) for key, refund in stored.refunds.items() if refund.id == refund_id]
            if not found:
                raise NotFound("There is no such refund.")
            [(key, refund)] = found
            refunds = stored.refunds | {key: replace(refund, state=state)}
            self._write(checkout_id, replace(stored, refunds=refunds))
        return self._message(checkout_id, stored, f"refund.{state}", refund_id)

    def dispute(self, checkout_id: str, amount: int) -> tuple[str, Message]:
        """The buyer's bank wants so much back: return the dispute's id and the signed message."""
        with self._locked():
            stored = self._read(checkout_id)
            if stored.state is not PaymentState.PAID or not 0 < amount <= _left(stored):
                raise Conflict("That is more than was paid and not yet given back.")
            dispute_id = f"{checkout_id}_dispute_{len(stored.disputes) + 1}"
            disputes = stored.disputes | {dispute_id: _Dispute(amount)}
            self._write(checkout_id, replace(stored, disputes=disputes))
        return dispute_id, self._message(checkout_id, stored, "dispute.open", dispute_id)

    def close_dispute(self, dispute_id: str, state: DisputeState) -> Message:
        """The bank decides a dispute: return the signed message. Raises NotFound."""
        checkout_id = dispute_id.partition("_dispute_")[0]
        with self._locked():
            stored = self._read(checkout_id)
            if dispute_id not in stored.disputes:
                raise NotFound("There is no such dispute.")
            closed = replace(stored.disputes[dispute_id], state=state)
            self._write(checkout_id, replace(stored, disputes=stored.disputes | {dispute_id: closed}))
        return self._message(checkout_id, stored, f"dispute.{state}", dispute_id)

    def signature(self, body: bytes, age: int = 0) -> str:
        """Return the header that proves that these bytes come from here, `age` seconds ago."""
        stamp = int(self._now()) - age
        return f"t={stamp},v1={self._digest('message', f'{stamp}.', body)}"

    def _message(self, checkout_id: str, stored: _Stored, kind: str, about: str) -> Message:
        message = {
            "type": "payment",
            "id": f"{about}:{kind}",
            "kind": kind,
            "payment_id": checkout_id,
            "order_id": str(stored.request.order_id),
        }
        body = json.dumps(message).encode()
        return body, {SIGNATURE_HEADER: self.signature(body)}

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
        if stored.state is not PaymentState.PAID or amount > _left(stored):
            raise Conflict("That is more than was paid and not yet given back.")
        if any(dispute.state is not DisputeState.WON for dispute in stored.disputes.values()):
            raise Conflict("The buyer's bank may take this payment back: nothing can be given back now.")
        state = RefundState.PENDING if self.are_refunds_slow else RefundState.DONE
        refund = _Refund(f"refund_{self._digest('refund', f'{checkout_id}:{key}')[:24]}", amount, state)
        self._write(checkout_id, replace(stored, refunds=stored.refunds | {key: refund}))
        return refund

    def _path(self, checkout_id: str) -> Path:
        if not _CHECKOUT_ID.fullmatch(checkout_id):  # it comes from an address
            raise NotFound("There is no such payment.")
        return self._folder / f"{checkout_id}.json"

    def _read(self, checkout_id: str) -> _Stored:
        try:
            kept = json.loads(self._path(checkout_id).read_bytes())
            kept["request"].setdefault("attempt", 0)  # files from before an order could be tried again
            stored = _STORED.validate_python(kept)
        except (FileNotFoundError, KeyError, ValueError) as error:  # or of another format
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
        os.utime(draft, (self._now(), self._now()))
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


def _left(stored: _Stored) -> int:
    """What was paid and not given back: a refund that failed gave nothing."""
    given = [refund.amount for refund in stored.refunds.values() if refund.state is not RefundState.FAILED]
    return stored.request.amount - sum(given)
