"""Faults that are put into the services one at a time: each breaks money in another way, and must be found.

A fault says in which kind of histories it shows, so that it is found quickly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from unittest.mock import patch

from sqlmodel import Session

from benchmarks import money_checker
from benchmarks import money_steps as steps
from benchmarks.money_run import run
from benchmarks.money_steps import Step
from benchmarks.money_world import World
from core import (
    bookings,
    coupons,
    downloads,
    ledger,
    orders,
    payments,
    pricing,
    receipts,
    reconciliation,
    refund_answers,
    refunds,
    set_aside,
    shares,
)
from core.gateway import PaymentState
from models.ledger import EntryKind
from models.order import LineItem, OrderStatus


@dataclass(frozen=True)
class Fault:
    """Something of a module that is replaced by what is wrong."""

    name: str
    module: Any
    attribute: str
    wrong: Callable[[Any], Any]  # given what is right, returns what takes its place
    focus: Sequence[Step] = (steps.buy,)  # what happens often in the histories that look for it

    def find(self, world: World, most: int, seed: int = 0) -> tuple[int, list[str]]:
        """Return after how many histories the checker sees it, and what it says; 0 when it does not."""
        right = getattr(self.module, self.attribute)
        world.renew()
        with patch.object(self.module, self.attribute, self.wrong(right)):
            for number in range(1, most + 1):
                history, seen = run(world, Random(f"{seed} {number}"), number, self.focus)  # noqa: S311
                wrong = seen or list(money_checker.of_world(history))
                if wrong:
                    return number, wrong
        return 0, []


def _twice(right: Callable[..., Any]) -> Callable[..., Any]:
    def sale(backends: Any, session: Session, order: Any, items: Any) -> None:
        right(backends, session, order, items)
        again = [posting for item in items for posting in bookings._sold(session, item)]
        if again and not ledger.is_posted(session, EntryKind.SALE, f"{order.id} again"):
            bookings._post(backends, session, EntryKind.SALE, f"{order.id} again", order, again)

    return sale


def _receipt_twice(right: Callable[..., Any]) -> Callable[..., Any]:
    def issue(*given: Any) -> Any:
        right(*given)
        return right(*given)

    return issue


def _without_last(right: Callable[..., Any]) -> Callable[..., Any]:
    def sold(session: Session, item: LineItem) -> Any:
        rows = right(session, item)
        if len(rows) > 3 and rows[2].amount:
            rows[0].amount += rows[2].amount
            del rows[2]
        return rows

    return sold


def _on_its_way_is_there(right: Callable[..., Any]) -> Callable[..., Any]:
    def act(backends: Any, session: Session, order: Any, standing: Any) -> None:
        is_open = standing.state is PaymentState.OPEN and standing.intent_id is not None
        right(backends, session, order, replace(standing, state=PaymentState.PAID) if is_open else standing)

    return act


def _held_and_granted(right: Callable[..., Any]) -> Callable[..., Any]:
    def hold(backends: Any, session: Session, order: Any, standing: Any) -> None:
        is_new = not set_aside.holds(session, standing)
        right(backends, session, order, standing)
        if is_new and order.paid_at is None:
            downloads.grant(backends, session, session.exec(orders.lines_of(order)).all())

    return hold


class _Generous:
    """A gateway that is asked for one unit too many, where there is one."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def refund(self, payment_id: str, amount: int, key: str) -> Any:
        standing = self._inner.look_up(payment_id)
        there = standing.amount - sum(one.amount for one in standing.refunds)
        return self._inner.refund(payment_id, min(amount + 1, max(amount, there)), key)


def _too_much(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda backends, refund_id: right(
        replace(backends, payments=_Generous(backends.payments)), refund_id
    )


def _skipping(right: Callable[..., Any]) -> Callable[..., Any]:
    def next_number(*given: Any) -> Any:
        number = right(*given)
        return right(*given) if number % 3 == 2 else number

    return next_number


def _rounded_up(_: Callable[..., Any]) -> Callable[..., Any]:
    return lambda amount, percent: -(-amount * percent // 100)


def _floored(_: Callable[..., Any]) -> Callable[..., Any]:
    return lambda total, weights: [int(total * weight / (sum(weights) or 1)) for weight in weights]


def _blind(right: Callable[..., Any]) -> Callable[..., Any]:
    def apply(backends: Any, seen: Any, standing: Any) -> Any:
        return right(backends, orders.find(backends, seen.id), standing)

    return apply


def _nothing(answer: Any = None) -> Callable[..., Any]:
    return lambda _: lambda *_, **__: answer


def _but_last(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda backends, session, items: right(backends, session, list(items)[:-1])


def _only_pending(_: object) -> Sequence[OrderStatus]:
    return (OrderStatus.PENDING,)


def _only_valid(_: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _session, coupon, _buyer, now: coupons.require_valid(coupon, now)


SLOW = (steps.fill, steps.order, steps.pay_slowly, steps.wait, steps.work)
LOST = (steps.buy, steps.lose_messages)
WRONG = (steps.fill, steps.order, steps.pay_wrongly, steps.post, steps.work)
BY_LINE = (steps.buy, steps.come_back, steps.refund, steps.refund)
REFUNDS = (steps.buy, steps.come_back, steps.refund, steps.refund_there, steps.fail_refund, steps.work)
RACES = (steps.buy, steps.slow_refund, steps.refund_there, steps.fail_meanwhile)
DISPUTES = (steps.buy, steps.come_back, steps.dispute)
FAULTS = (
    Fault("a sale is booked twice", bookings, "sale", _twice),
    Fault("two receipts are written for one order", receipts, "issue", _receipt_twice),
    Fault("a posting of the ledger is dropped", bookings, "_sold", _without_last),
    Fault("money that is on its way counts as paid", payments, "_act", _on_its_way_is_there, SLOW),
    Fault("files are granted for money that is put aside", payments, "_hold", _held_and_granted, WRONG),
    Fault("a photo that is paid for is not granted", downloads, "grant", _but_last),
    Fault("a refund gives back more than its lines", refunds, "request", _too_much, BY_LINE),
    Fault("a refund that failed stays booked", refund_answers, "_undo", _nothing(), REFUNDS),
    Fault("refunds made at Stripe are not seen", refund_answers, "_foreign", _nothing(), REFUNDS),
    Fault("files stay when their money goes back", downloads, "withdraw", _nothing(), BY_LINE),
    Fault("shares are paid during a dispute", bookings, "freeze", _nothing(), DISPUTES),
    Fault("the wrong amount is taken", payments, "_agrees", _nothing(True), WRONG),
    Fault("money that comes late is dropped", orders, "UNPAID", _only_pending, SLOW),
    Fault("a receipt's number is left out", receipts, "_next", _skipping),
    Fault("a coupon's limit is not looked at", coupons, "require_usable", _only_valid),
    Fault("nobody looks for lost messages", reconciliation, "reconcile", _nothing(), LOST),
    Fault("shares are rounded up", shares, "percent_of", _rounded_up),
    Fault("a unit is lost when sums are shared out", pricing, "allocate", _floored),
    Fault("an older answer is applied after a newer one", payments, "_apply", _blind, RACES),
)  # fmt: skip
