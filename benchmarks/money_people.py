"""What buyers, organisers and the admin do: steps of a history."""

from datetime import timedelta

from benchmarks.money_history import History, current
from benchmarks.money_shop import CODE, Buyer
from benchmarks.money_stripe import post, slow_money, wait
from core import carts, checkouts, downloads, held, payments, payouts, photos, refunds, sales
from models.cart import Size
from models.order import Order, OrderStatus
from models.refund import RefundStatus

OPEN, PAID = (OrderStatus.PENDING,), (OrderStatus.PAID,)

# --- buyers ------------------------------------------------------------------------------


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
    quote, known = carts.contents(backends, buyer.viewer).quote, set(history.orders)
    is_alone = history.world.wire.meanwhile is None and history.order(*OPEN) is None
    try:
        placed = checkouts.place(backends, buyer.viewer, buyer.email)
    finally:  # an order stays, though its checkout could not be opened
        history.find_orders(buyer)
    # Beside another order, that one may turn out to be paid, and the cart is another one then.
    if is_alone and placed.id not in known and placed.total_amount != quote.total_amount:
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


# --- those who sell ----------------------------------------------------------------------


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
        history.has_deleted = True


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
