"""What an account at Stripe remembers: objects, who belongs to which intent, and what happened."""

import heapq
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.stripe_double.refusals import missing

Thing = dict[str, Any]  # an object of Stripe's; nested values are replaced, never changed
API_VERSION = "2026-10-28.endive"
NAMES = {
    "checkout.session": ("cs_test", "checkout.session"),
    "payment_intent": ("pi", "payment_intent"),
    "charge": ("ch", "charge"),
    "refund": ("re", "refund"),
    "dispute": ("du", "dispute"),
    "event": ("evt", "event"),
}


@dataclass(frozen=True)
class Message:
    """One webhook, not yet signed: Stripe signs it anew each time that it is sent."""

    id: str
    type: str
    body: bytes


@dataclass
class Account:
    """Everything that was made, by kind, oldest first."""

    clock: Callable[[], float]  # seconds since 1970
    things: dict[str, Thing] = field(default_factory=dict)
    by_kind: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_intent: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    ends: list[tuple[int, str]] = field(default_factory=list)  # heap of open sessions
    unsent: list[Thing] = field(default_factory=list)
    are_refunds_slow: bool = False  # they wait to be settled by hand
    tag: str = field(default_factory=lambda: secrets.token_hex(6))  # ids of two accounts never meet
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def make(self, kind: str, **fields: Any) -> Thing:
        """Add an object."""
        thing = {
            "id": f"{NAMES[kind][0]}_{self.tag}{next(self.numbers):07}",
            "object": kind,
            "created": int(self.clock()),
            "livemode": False,
            **fields,
        }
        self.things[thing["id"]] = thing
        self.by_kind[kind].append(thing["id"])
        if fields.get("payment_intent"):
            self.belongs(thing, fields["payment_intent"])
        return thing

    def belongs(self, thing: Thing, intent_id: str) -> None:
        """Note that an object leads to an intent."""
        thing["payment_intent"] = intent_id
        self.by_intent[thing["object"], intent_id].append(thing["id"])

    def find(self, kind: str, object_id: str) -> Thing:
        """Return an object. Raises Refused."""
        thing = self.things.get(object_id)
        if thing is None or thing["object"] != kind:
            raise missing(NAMES[kind][1], object_id)
        return thing

    def of_intent(self, kind: str, intent_id: str) -> list[Thing]:
        """Return what leads to an intent, oldest first."""
        return [self.things[object_id] for object_id in self.by_intent.get((kind, intent_id), ())]

    def all(self, kind: str) -> list[Thing]:
        """Return every object of a kind, oldest first."""
        return [self.things[object_id] for object_id in self.by_kind.get(kind, ())]

    def happened(self, kind: str, thing: Thing) -> None:
        """Write an event with the object as it is now, and a message to send."""
        event = self.make(
            "event",
            type=kind,
            api_version=API_VERSION,
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
            data={"object": public(thing)},
        )
        self.unsent.append(event)

    def due(self) -> Iterator[Thing]:
        """Yield open sessions whose time is over."""
        while self.ends and self.ends[0][0] <= self.clock():
            session = self.things[heapq.heappop(self.ends)[1]]
            if session["status"] == "open":
                yield session

    def open_until(self, session: Thing) -> None:
        """Note when a session ends."""
        heapq.heappush(self.ends, (session["expires_at"], session["id"]))


def message(event: Thing) -> Message:
    """Return an event as it is sent."""
    return Message(event["id"], event["type"], json.dumps(event).encode())


def public(thing: Thing) -> Thing:
    """Return what Stripe shows of an object: not what is kept for its intent to come."""
    return {name: value for name, value in thing.items() if name != "payment_intent_data"}
