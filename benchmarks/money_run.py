"""Runs a history from its first step to the last check."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from random import Random

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, select

from benchmarks import money_checker
from benchmarks.money_history import History
from benchmarks.money_shop import open_shop
from benchmarks.money_steps import USUAL, Step
from benchmarks.money_world import World
from core import held, reconciliation
from core.errors import PlatformError
from models.job import Job
from models.order import OrderStatus

FEWEST, MOST = 5, 14  # steps
BUGS = (PlatformError, SQLAlchemyError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


def run(world: World, dice: Random, number: int, focus: Collection[Step] = ()) -> tuple[History, list[str]]:
    """Return a history and what was wrong in it. Most of its steps are of the focus, where there is one."""
    history = begin(world, dice, number)
    weights = dict.fromkeys(focus, 1)
    try:
        for _ in range(dice.randint(FEWEST, MOST) + 2 * len(weights)):
            _step(history, weights if weights and history.chance(85) else USUAL)
        return history, end(history)
    except BUGS as bug:
        return history, [f"The platform broke: {type(bug).__name__}: {bug}"]


def begin(world: World, dice: Random, number: int) -> History:
    """Return a history in which nothing has happened."""
    double = world.open_account()
    world.backends.settings.platform_percent = dice.choice((0, 5, 10, 33))
    with world.backends.reading() as session:
        first_job = session.exec(select(func.coalesce(func.max(Job.id), 0))).one()
    shop = open_shop(world, dice, number)
    return History(world, dice, shop, double, world.clock(), first_job)


def _step(history: History, weights: Mapping[Step, int]) -> None:
    step = history.dice.choices(list(weights), list(weights.values()))[0]
    history.told.append(step.__name__)
    history.world.clock.advance(timedelta(seconds=1))
    with history.may_fail():
        step(history)


def end(history: History) -> list[str]:
    """Let everything come to rest, check; bring what is open to its end, and check again."""
    world = history.world
    if history.chance(50):
        history.collect()
        for message in history.inbox:
            with history.may_fail():
                history.deliver(message)
    wrong = _at_rest(history)
    history.told.append("-- the end --")
    history.close()
    wrong += _at_rest(history)
    aside = [order.id for order in history.every_order() if order.status is OrderStatus.HELD]
    for order_id in aside:
        with history.may_fail():
            held.give_back(world.backends, order_id, by=world.admin)
    wrong += money_checker.violations(history) if aside else []
    return list(dict.fromkeys(wrong))


def _at_rest(history: History) -> list[str]:
    history.calm()
    reconciliation.reconcile(history.world.backends, history.began)
    history.calm()
    return list(money_checker.violations(history))
