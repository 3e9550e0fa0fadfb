"""What happens at Stripe, at banks and on the way between Stripe and us, by itself: steps of a history."""

from datetime import timedelta
from uuid import uuid4

from benchmarks.money_history import History
from core.gateway import CheckoutLine, CheckoutRequest

# --- money -------------------------------------------------------------------------------


def slow_money(history: History) -> None:
    """Money that was on its way is there, or does not come."""
    intent_id = history.one_of(history.payments("processing"))
    if intent_id is not None:
        (history.double.arrive if history.chance(70) else history.double.bounce)(intent_id)


def refund_there(history: History) -> None:
    """Somebody gives money back at Stripe's dashboard."""
    intent_id = history.one_of(history.payments("succeeded"))
    if intent_id is not None:
        there = history.double.balance(intent_id)
        part = history.dice.randint(1, max(1, there)) if history.chance(60) else None
        history.double.refund(intent_id, part)


def slow_refund(history: History) -> None:
    """From here on refunds take days, or no more."""
    history.double.account.are_refunds_slow = history.chance(70)


def settle_refund(history: History) -> None:
    """A refund reaches its buyer."""
    waiting = [
        one for one in history.double.account.all("refund") if one["status"] in ("pending", "requires_action")
    ]
    made = history.one_of(waiting)
    if made is not None:
        history.double.settle_refund(made["id"])


def fail_refund(history: History) -> None:
    """A refund comes back, even after it was done."""
    made = history.one_of([one for one in history.double.account.all("refund") if one["status"] != "failed"])
    if made is not None and made["status"] != "canceled":
        history.double.fail_refund(made["id"])


def dispute(history: History) -> None:
    """A buyer's bank wants money back, or asks about it."""
    intent_id = history.one_of(history.payments("succeeded"))
    if intent_id is None:
        return
    intent = history.double.account.things[intent_id]
    charge = history.double.account.things[intent["latest_charge"]]
    if not charge["disputed"] and charge["amount"] > charge["amount_refunded"]:
        status = history.dice.choice(("needs_response", "needs_response", "warning_needs_response"))
        history.double.dispute(intent_id, status=status)
        if history.chance(50):
            post(history)
            history.work()


def decide(history: History) -> None:
    """A bank has decided."""
    over = ("won", "lost", "warning_closed", "prevented")
    asked = [one for one in history.double.account.all("dispute") if one["status"] not in over]
    found = history.one_of(asked)
    if found is not None:
        is_inquiry = found["status"].startswith("warning_")
        choices = ("warning_closed", "prevented") if is_inquiry else ("won", "lost")
        history.double.move_dispute(found["id"], history.dice.choice(choices))


def sell_elsewhere(history: History) -> None:
    """Another shop shares our account at Stripe: its payments are none of ours."""
    lines = [CheckoutLine("a hat", 50_000, 1)]
    address = "https://elsewhere.example"
    asked = CheckoutRequest(
        uuid4(), 0, lines, 50_000, "THB", "who@example.org", address, address, history.world.clock()
    )
    history.double.pay(history.world.backends.payments.start_intent(asked).id)


# --- time and messages -------------------------------------------------------------------


def wait(history: History) -> None:
    """Time passes."""
    history.world.clock.advance(
        history.dice.choice((timedelta(minutes=1), timedelta(minutes=31), timedelta(days=1)))
    )


def post(history: History) -> None:
    """Messages come: in order, backwards, twice, one of them, or never."""
    history.collect()
    way = history.dice.randrange(8)
    if way == 0:
        history.dice.shuffle(history.inbox)
    if way == 1 and history.inbox:
        history.deliver(history.dice.choice(history.inbox))  # it comes again later
        return
    if way == 2:
        history.inbox = history.inbox[1::2]  # every other one is lost
    if way == 3 and history.inbox:
        history.bring_forged(history.inbox[0])
    for message in history.inbox:
        history.deliver(message)
        if way == 4:
            history.deliver(message)
    history.inbox = history.inbox if way == 5 else []  # all of them come again later


def lose_messages(history: History) -> None:
    """Everything that Stripe has to say is lost."""
    history.double.take()
    history.inbox = []
