"""What can happen next in a history: one function for each thing, and how often it does."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from benchmarks.money_history import History, current
from benchmarks.money_shop import CODE, Buyer
from core import (
    carts,
    checkouts,
    disputes,
    downloads,
    held,
    payments,
    payouts,
    photos,
    reconciliation,
    refunds,
    sales,
)
from core.gateway import CheckoutLine, CheckoutRequest
from models.cart import Size
from models.order import Order, OrderStatus
from models.refund import RefundStatus

Step = Callable[[History], None]
OPEN, PAID = (OrderStatus.PENDING,), (OrderStatus.PAID,)

# --- buyers --------------------------------------------------------------------------------


def fill(history: History) -> None:
    """A cart is filled: with single photos, with all that a search found, or with a pass."""
    shop, backends = history.shop, history.world.backends
    buyer = history.dice.choice(shop.buyers)
    chosen = history.dice.sample(shop.photos, history.dice.randint(1, min(5, len(shop.photos))))
    way = history.dice.randrange(10)
    if way < 6:
        is_small = shop.prices.web_amount is not None and history.chance(40)
        size = Size.WEB if is_small else Size.FULL
        carts.add(backends, buyer.viewer, [photo.id for photo in chosen], size)
    elif way < 9:
        carts.add_found(backends, buyer.viewer, shop.event.id, shop.found(history.world, buyer, chosen))
    elif shop.prices.pass_amount is not None:
        carts.add_pass(backends, buyer.viewer, shop.event.id)
    if shop.coupon is not None and history.chance(60):
        carts.enter_coupon(backends, buyer.viewer, CODE)


def order(history: History) -> None:
    """A full cart is ordered, perhaps by a double click, or by a second one while Stripe still answers."""
    buyer = history.dice.choice(history.shop.buyers)
    way = history.dice.randrange(4)
    if way == 0:
        history.world.wire.meanwhile = lambda: _click(history, buyer)
    with history.may_fail():
        placed = _place(history, buyer)
        if way == 1:
            again = _place(history, buyer)
            if again.id != placed.id and placed.total_amount:
                history.wrong.append("A double click made two orders.")


def _click(history: History, buyer: Buyer) -> None:
    with history.may_fail():
        _place(history, buyer)


def _place(history: History, buyer: Buyer) -> Order:
    backends = history.world.backends
    quote = carts.contents(backends, buyer.viewer).quote
    known = set(history.orders)
    try:
        placed = checkouts.place(backends, buyer.viewer, buyer.email)
    finally:  # an order stays, though its checkout could not be opened
        history.find_orders(buyer)
    is_same = placed.id not in known and len(history.lines(placed)) == len(
        quote.lines
    )  # else it was paid meanwhile
    if is_same and placed.total_amount != quote.total_amount:
        history.wrong.append(f"An order costs {placed.total_amount}, its cart {quote.total_amount}.")
    return placed


def buy(history: History) -> None:
    """A cart is filled, ordered, paid and told of, as it goes most of the time."""
    with history.may_fail():
        fill(history)
    order(history)
    with history.may_fail():
        pay(history)
    if history.chance(70):
        post(history)
        history.work()


def pay(history: History) -> None:
    """Somebody pays: by card, by PromptPay, too little, in another currency; or the card is refused."""
    waiting = history.order(*OPEN)
    if waiting is None or waiting.checkout_id is None:
        return
    way = history.dice.randrange(20)
    with history.may_fail():
        match way:
            case 0:
                history.double.decline(waiting.checkout_id)
            case 1:
                history.double.pay(waiting.checkout_id, amount=max(1, waiting.total_amount - 1))
            case 2:
                other = "usd" if waiting.currency == "THB" else "thb"
                history.double.pay(waiting.checkout_id, currency=other)
            case 3 | 4 | 5 | 6:
                history.double.pay(waiting.checkout_id, "promptpay")
            case _:
                history.double.pay(waiting.checkout_id)


def pay_wrongly(history: History) -> None:
    """The money that comes is not what was asked for."""
    waiting = history.order(*OPEN)
    if waiting is not None and waiting.checkout_id is not None:
        other = {"amount": waiting.total_amount + history.dice.choice((-1, 1, 1_000))}
        history.double.pay(waiting.checkout_id, **(other if history.chance(60) else {"currency": "gbp"}))


def pay_slowly(history: History) -> None:
    """PromptPay: the money is on its way, perhaps for longer than the order waits."""
    waiting = history.order(*OPEN)
    if waiting is not None and waiting.checkout_id is not None:
        history.double.pay(waiting.checkout_id, "promptpay")
        if history.chance(60):
            post(history)
            history.work()
        if history.chance(60):
            wait(history)
        if history.chance(70):
            slow_money(history)


def slow_money(history: History) -> None:
    """Money that was on its way is there, or does not come."""
    intent_id = history.one_of(history.payments("processing"))
    if intent_id is not None:
        (history.double.arrive if history.chance(70) else history.double.bounce)(intent_id)


def use_program(history: History) -> None:
    """A program takes the payment of an order; asking twice gives the same one."""
    waiting = history.order(*OPEN)
    if waiting is None:
        return
    first = checkouts.start_intent(history.world.backends, waiting)
    again = checkouts.start_intent(history.world.backends, current(history, waiting.id))
    if first.id != again.id:
        history.wrong.append("Asking for an intent twice opened two payments.")
    if history.chance(60):
        history.double.pay(first.id, history.dice.choice(("card", "card", "promptpay")))


def come_back(history: History) -> None:
    """The buyer comes back to the order's page, which asks Stripe itself."""
    placed = history.one_of(list(history.orders))
    if placed is not None:
        payments.refresh(history.world.backends, placed)


def fetch(history: History) -> None:
    """Somebody fetches a file, or all of them."""
    bought = history.order(*PAID)
    if bought is None:
        return
    if history.chance(30):
        for _ in downloads.open_zip(history.world.backends, bought).chunks:
            pass
        return
    links = [link for link in downloads.links(history.world.backends, bought) if link.url]
    link = history.one_of(links)
    if link is not None:
        for _ in downloads.open(history.world.backends, link.url.removeprefix("/downloads/")).chunks:
            pass


def take_back(history: History) -> None:
    """A buyer gives photos back by the event's rule, whole or in part, fetched or not."""
    bought = history.order(*PAID)
    if bought is None:
        return
    may = refunds.may_ask(history.world.backends, bought)
    chosen = may[: history.dice.randint(1, len(may))] if may and history.chance(70) else None
    fetched = history.fetched(bought)
    refund = refunds.ask(history.world.backends, bought, chosen, by=history.orders[bought.id].viewer)
    if fetched & history.lines_of(refund):
        history.wrong.append(f"{history.place_of(bought)}: what was fetched was given back by its buyer.")


# --- those who sell ------------------------------------------------------------------------


def refund(history: History) -> None:
    """The organiser gives an order back, whole or by line."""
    bought = history.order(*PAID)
    if bought is None:
        return
    lines = history.lines(bought)
    some = [line.id for line in history.dice.sample(lines, history.dice.randint(1, len(lines)))]
    chosen = None if history.chance(35) else some
    refunds.give_back(history.world.backends, bought.id, chosen, "Too late.", by=history.shop.organiser)
    if history.chance(50):
        history.work()


def try_again(history: History) -> None:
    """The organiser asks anew for a refund that failed."""
    every = [
        one for order in history.every_order() for one in refunds.of_order(history.world.backends, order)
    ]
    failed = history.one_of(
        [one for one in every if one.status is RefundStatus.FAILED and not one.is_foreign]
    )
    if failed is not None:
        refunds.retry(history.world.backends, failed.id, by=history.shop.organiser)


def send_links(history: History) -> None:
    """The organiser sends fresh links."""
    bought = history.order(*PAID)
    if bought is not None:
        sales.resend(history.world.backends, history.shop.event.id, bought.id, by=history.shop.organiser)


def delete_photo(history: History) -> None:
    """The organiser deletes a photo, unless it is in somebody's order."""
    photo = history.one_of(history.shop.photos)
    if photo is not None and len(history.shop.photos) > 1:
        photos.delete(history.world.backends, [photo.id], by=history.shop.organiser)
        history.shop.photos.remove(photo)


def change_prices(history: History) -> None:
    """Prices change; orders that are placed keep theirs."""
    history.change_prices()


def pay_out(history: History) -> None:
    """The admin pays what is owed."""
    history.world.clock.advance(timedelta(days=1))
    today = history.world.clock().date()
    backends, admin = history.world.backends, history.world.admin
    drawn = payouts.draw_up(backends, today - timedelta(days=7), today, history.shop.event.currency, by=admin)
    for payout in drawn:
        if history.chance(80):
            payouts.mark_paid(backends, payout.id, "by bank", by=admin)


def give_held_back(history: History) -> None:
    """The admin sends money back that fitted nothing."""
    aside = history.order(OrderStatus.HELD)
    if aside is not None:
        held.give_back(history.world.backends, aside.id, by=history.world.admin)


# --- Stripe --------------------------------------------------------------------------------


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


# --- messages ------------------------------------------------------------------------------


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


def reconcile(history: History) -> None:
    """The nightly job runs."""
    reconciliation.reconcile(history.world.backends, history.began)


# --- what goes wrong -----------------------------------------------------------------------


def work(history: History) -> None:
    """The worker does what is due."""
    history.work()


def wait(history: History) -> None:
    """Time passes."""
    history.world.clock.advance(
        history.dice.choice((timedelta(minutes=1), timedelta(minutes=31), timedelta(days=1)))
    )


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


USUAL: dict[Step, int] = {
    buy: 20, fill: 10, order: 9, pay: 8, pay_wrongly: 2, pay_slowly: 5, slow_money: 4, use_program: 4, come_back: 3,
    fetch: 5, take_back: 4, refund: 7, try_again: 2, send_links: 1, delete_photo: 2, change_prices: 2,
    pay_out: 2, give_held_back: 1, refund_there: 4, slow_refund: 3, settle_refund: 3, fail_refund: 4,
    dispute: 4, decide: 4, sell_elsewhere: 1, post: 14, lose_messages: 3, reconcile: 1, work: 14, wait: 5,
    go_away: 3, come_back_up: 4, die: 4, overtake: 5,
}  # fmt: skip
