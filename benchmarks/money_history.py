"""One history: what has happened so far to a shop's orders, at Stripe and on the way between the two."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import col, func, select

from benchmarks.money_shop import AMOUNTS, Buyer, Shop
from benchmarks.money_world import WorkerDied, World
from core import downloads, orders, payments, prices, refund_answers
from core.errors import Forbidden, PlatformError
from models.job import Job, JobStatus
from models.order import LineItem, Order, OrderStatus
from models.refund import Refund
from tests.stripe_double import Message, StripeDouble
from tests.stripe_double.refusals import Refused

T = TypeVar("T")
TOO_OLD = 301  # seconds; Stripe's library takes five minutes
LONG_ENOUGH = timedelta(days=30)


@dataclass
class History:
    """The hands of everybody who takes part, and what they hold."""

    world: World
    dice: Random
    shop: Shop
    double: StripeDouble
    began: datetime
    first_job: int  # jobs before it are of other histories
    orders: dict[UUID, Buyer] = field(default_factory=dict)  # placed, oldest first
    inbox: list[Message] = field(default_factory=list)  # sent by Stripe, not delivered so far
    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what was seen to be wrong on the way
    has_deleted: bool = False  # photos

    # --- choosing ------------------------------------------------------------------------------

    def one_of(self, things: Sequence[T]) -> T | None:
        """Return one of some things, None where there are none."""
        return self.dice.choice(things) if things else None

    def chance(self, percent: int) -> bool:
        """Return true so often."""
        return self.dice.randrange(100) < percent

    def order(self, *statuses: OrderStatus) -> Order | None:
        """Return one of the orders that stand so."""
        return self.one_of([order for order in self.every_order() if order.status in statuses])

    def every_order(self) -> list[Order]:
        """Return the orders as they are, oldest first."""
        with self.world.backends.reading() as session:
            found = session.exec(select(Order).where(col(Order.id).in_(self.orders)))
            by_id = {order.id: order for order in found}
        return [by_id[order_id] for order_id in self.orders]

    def payments(self, *statuses: str) -> list[str]:
        """Return the intents at Stripe that stand so, oldest first."""
        return [
            str(one["id"]) for one in self.double.account.all("payment_intent") if one["status"] in statuses
        ]

    def lines(self, order: Order) -> list[LineItem]:
        """Return what an order is about."""
        return list(orders.lines(self.world.backends, order))

    def order_of(self, refund: Mapping[str, Any]) -> UUID | None:
        """Return the order whose money goes back by a refund at Stripe, None where it is none of ours."""
        intent = self.double.account.things[refund["payment_intent"]]
        order_id = UUID(intent["metadata"]["order_id"])
        return order_id if order_id in self.orders else None

    def find_orders(self, buyer: Buyer) -> None:
        """Take note of what a buyer has ordered."""
        query = select(Order.id).where(Order.visitor_key == buyer.viewer.visitor_key)
        with self.world.backends.reading() as session:
            for order_id in session.exec(query.order_by(col(Order.created_at))):
                self.orders.setdefault(order_id, buyer)

    def fetched(self, order: Order) -> set[UUID]:
        """Return the lines of which a file was fetched."""
        with self.world.backends.reading() as session:
            return downloads.fetched_lines(session, order)

    def lines_of(self, refund: Refund) -> set[UUID]:
        """Return the lines that a refund gives back."""
        with self.world.backends.reading() as session:
            return set(refund_answers.parts_of(session, refund))

    def change_prices(self) -> None:
        """Set other prices, by the form that organisers use."""
        terms = prices.terms(self.world.backends, self.shop.event.id, by=self.shop.organiser)
        other = {"price_amount": self.dice.choice(AMOUNTS), "bundle_amount": self.dice.choice(AMOUNTS[1:])}
        changed = replace(terms, **other, tax_basis_points=self.dice.choice((0, 700)))
        prices.save(self.world.backends, self.shop.event.id, changed, by=self.shop.organiser)

    # --- doing ---------------------------------------------------------------------------------

    @contextmanager
    def may_fail(self) -> Iterator[None]:
        """Take a refusal of ours, one of Stripe's or the end of the program as things that happen."""
        try:
            yield
        except (PlatformError, Refused, WorkerDied) as end:
            self.told.append(f"  {type(end).__name__}: {end}")

    def work(self) -> None:
        """Run what is due."""
        if not self.world.work():
            self.wrong.append("Jobs that are due never end.")

    def collect(self) -> None:
        """Take what Stripe has to send."""
        self.inbox += self.double.take()

    def deliver(self, message: Message, age: float = 0) -> None:
        """Bring one message."""
        payments.receive(self.world.backends, *self.double.signed(message, age))

    def bring_forged(self, message: Message) -> None:
        """Bring a message that was changed, one that is too old, and one that nobody signed: all refused."""
        body, headers = self.double.signed(message)
        changed = body.replace(b'"amount": ', b'"amount": 9')
        aged = self.double.signed(message, TOO_OLD)
        bad = [(body + b" ", headers), aged, (body, {}), (body, {"Stripe-Signature": "t=1,v1=00"})]
        for sent in [*bad, *([(changed, headers)] if changed != body else [])]:
            try:
                payments.receive(self.world.backends, *sent)
            except Forbidden:
                continue
            self.wrong.append(f"A forged or stale {message.type} was taken.")

    # --- the end -------------------------------------------------------------------------------

    def calm(self) -> None:
        """Let everything that can still happen by itself happen: nothing is away or dies any more."""
        self.double.is_down, self.double.lost_answers = False, 0
        self.world.wire.dies_at, self.world.wire.meanwhile = 0, None
        self.work()
        while (at := self._next_job()) is not None:
            self.world.clock.now = max(self.world.clock.now, at)
            self.work()

    def _next_job(self) -> datetime | None:
        """Return when the next job is due, or taken over from a program that died."""
        with self.world.backends.reading() as session:
            soonest = [
                session.exec(select(func.min(at)).where(Job.status == status)).one()
                for status, at in ((JobStatus.DUE, Job.run_at), (JobStatus.RUNNING, Job.lease_until))
            ]
        times = [at + timedelta(seconds=1) for at in soonest if at is not None]
        return min(times) if times and min(times) < self.world.clock.now + LONG_ENOUGH else None

    def close(self) -> None:
        """Bring what is open at Stripe to its end: payments on their way, refunds, disputes."""
        for intent_id in self.payments("processing"):
            (self.double.arrive if self.chance(60) else self.double.bounce)(intent_id)
        for refund in self.double.account.all("refund"):
            if refund["status"] in ("pending", "requires_action"):
                self.double.settle_refund(refund["id"])
        for dispute in self.double.account.all("dispute"):
            if dispute["status"] not in ("won", "lost", "warning_closed", "prevented"):
                is_inquiry = dispute["status"].startswith("warning_")
                self.double.move_dispute(
                    dispute["id"], "warning_closed" if is_inquiry else self.dice.choice(("won", "lost"))
                )

    def place_of(self, order: Order) -> str:
        """Return how an order is called in reports."""
        return f"order {list(self.orders).index(order.id) + 1}"


def current(history: History, order_id: UUID) -> Order:
    """Return an order as it is now."""
    return orders.find(history.world.backends, order_id)
