"""All that can happen next in a history, and how often it does; and what goes wrong on our side."""

from collections.abc import Callable

from benchmarks.money_history import History, current
from benchmarks.money_people import (
    buy,
    change_prices,
    come_back,
    delete_photo,
    fetch,
    fill,
    give_held_back,
    order,
    pay,
    pay_out,
    pay_slowly,
    pay_wrongly,
    refund,
    send_links,
    take_back,
    try_again,
    use_program,
)
from benchmarks.money_stripe import (
    decide,
    dispute,
    fail_refund,
    lose_messages,
    post,
    refund_there,
    sell_elsewhere,
    settle_refund,
    slow_money,
    slow_refund,
    wait,
)
from core import payments, reconciliation, refunds
from models.refund import RefundStatus

Step = Callable[[History], None]


def reconcile(history: History) -> None:
    """The nightly job runs."""
    reconciliation.reconcile(history.world.backends, history.began)


def work(history: History) -> None:
    """The worker does what is due."""
    history.work()


def go_away(history: History) -> None:
    """Stripe is away for a while, or its next answers are lost on the way."""
    if history.chance(50):
        history.double.lost_answers = history.dice.randint(1, 3)
    else:
        history.double.is_down = True


def come_back_up(history: History) -> None:
    """Stripe is there again."""
    history.double.is_down, history.double.lost_answers = False, 0


def die(history: History) -> None:
    """The next program that speaks to Stripe dies right after an answer."""
    history.world.wire.dies_at = history.world.wire.calls + history.dice.randint(1, 4)


def overtake(history: History) -> None:
    """Something happens, is told and is worked off while an older answer of Stripe's is on its way."""
    happens = history.dice.choice(
        (refund_there, fail_refund, settle_refund, decide, dispute, slow_money, pay)
    )

    def meanwhile() -> None:
        with history.may_fail():
            happens(history)
        history.collect()
        for order_id in history.orders:
            with history.may_fail():
                payments.settle(history.world.backends, str(order_id))

    history.world.wire.meanwhile = meanwhile


def fail_meanwhile(history: History) -> None:
    """A refund fails, and is told of, while an older answer that has it on its way is read."""
    waiting = [
        one for one in history.double.account.all("refund") if one["status"] in ("pending", "requires_action")
    ]
    made = history.one_of(waiting)
    if made is None:
        return
    order_id = history.order_of(made)
    if order_id is None:
        return
    payments.settle(history.world.backends, str(order_id))

    def meanwhile() -> None:
        history.double.fail_refund(made["id"])
        payments.settle(history.world.backends, str(order_id))

    history.world.wire.meanwhile = meanwhile
    payments.settle(history.world.backends, str(order_id))
    for known in refunds.of_order(history.world.backends, current(history, order_id)):
        if known.gateway_id == made["id"] and known.status is not RefundStatus.FAILED:
            history.wrong.append(
                f"A refund failed, an older answer came after that, and it is {known.status}."
            )


USUAL: dict[Step, int] = {
    buy: 20, fill: 10, order: 9, pay: 8, pay_wrongly: 2, pay_slowly: 5, slow_money: 4, use_program: 4,
    come_back: 3, fetch: 5, take_back: 4, refund: 7, try_again: 2, send_links: 1, delete_photo: 2,
    change_prices: 2, pay_out: 2, give_held_back: 1, refund_there: 4, slow_refund: 3, settle_refund: 3,
    fail_refund: 4, dispute: 4, decide: 4, sell_elsewhere: 1, post: 14, lose_messages: 3, reconcile: 1,
    work: 14, wait: 5, go_away: 3, come_back_up: 4, die: 4, overtake: 5, fail_meanwhile: 1,
}  # fmt: skip
