"""Money stays right whatever happens: random histories, and by name those that SAFETY.md asks for (T35–T45).

The checker of `benchmarks.money_checker` compares ledger, orders, files and the double's own books.
"""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import money_checker, money_run
from benchmarks.money_faults import FAULTS
from benchmarks.money_run import begin, end
from benchmarks.money_world import World
from core import carts, checkouts, downloads, held, orders, payments, payouts, prices, refunds
from core.errors import Conflict, Forbidden
from core.terms import Terms
from models.order import OrderStatus

ENOUGH = 60  # histories in which a fault must be found


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    made = World(tmp_path_factory.mktemp("money"))
    yield made
    made.close()


@pytest.fixture
def history(world):
    """A shop at 120 baht a photo, of whose sales 10 % are the platform's; nothing has happened."""
    world.renew()
    made = begin(world, Random("a shop"), 1)  # noqa: S311
    world.backends.settings.platform_percent = 10
    terms = Terms(price_amount=12_000, refund_days=14)
    prices.save(world.backends, made.shop.event.id, terms, by=made.shop.organiser)
    prices.save_gallery(world.backends, made.shop.photos[0].gallery_id, None, None, by=made.shop.organiser)
    for photo in made.shop.photos:
        prices.save_photo(world.backends, photo.id, None, by=made.shop.organiser)
    return made


def ordered(history, count: int = 2):
    """An order of some photos, and its buyer's browser."""
    buyer, backends = history.shop.buyers[0], history.world.backends
    carts.add(backends, buyer.viewer, [photo.id for photo in history.shop.photos[:count]])
    order = checkouts.place(backends, buyer.viewer, buyer.email)
    history.find_orders(buyer)
    return order


def told(history) -> None:
    """Every message comes, and is worked off."""
    history.collect()
    for message in history.inbox:
        history.deliver(message)
    history.inbox = []
    history.work()


def bought(history, count: int = 2):
    """An order that is paid by card."""
    order = ordered(history, count)
    history.double.pay(order.checkout_id)
    told(history)
    return orders.find(history.world.backends, order.id)


def now(history, order):
    return orders.find(history.world.backends, order.id)


# --- whatever happens ----------------------------------------------------------------------


@settings(max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False), number=st.integers(2, 2**31))
def test_ledger_gateway_orders_and_files_agree_after_every_history(world, dice, number):
    """T42: and T38 (every price is made here), T43 (every share, to the satang) in each of them."""
    world.renew()

    history, wrong = money_run.run(world, dice, number)

    assert wrong + list(money_checker.of_world(history)) == [], history.told


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_the_checker_sees_what_is_wrong_when_the_services_are_broken(world, fault):
    found, wrong = fault.find(world, ENOUGH)

    assert found, wrong


# --- by name -------------------------------------------------------------------------------


def test_forged_and_stale_messages_are_refused_and_do_nothing(history):
    """T35: bad signatures, a changed body, a signature of more than five minutes ago."""
    order = ordered(history)
    history.double.pay(order.checkout_id)
    history.collect()

    for message in history.inbox:
        history.bring_forged(message)
    history.work()

    assert history.wrong == []
    assert now(history, order).status is OrderStatus.PENDING


def test_messages_that_come_twice_and_in_any_order_count_once(history):
    """T35: replayed, and refunded before succeeded."""
    order = ordered(history)
    history.double.pay(order.checkout_id)
    history.double.refund(order.checkout_id, 5_000)
    history.collect()

    for message in [*reversed(history.inbox), *history.inbox]:
        history.deliver(message)
        history.work()

    assert now(history, order).status is OrderStatus.PAID
    assert end(history) == []


def test_the_same_attempt_is_one_payment_and_other_content_is_refused(history):
    """T36: the order's id and attempt are the idempotency key."""
    order = ordered(history)
    request = checkouts._request(history.world.backends, order)
    gateway = history.world.backends.payments

    again = gateway.start_checkout(request)

    assert again.id == order.checkout_id
    with pytest.raises(Conflict):
        gateway.start_checkout(type(request)(**vars(request) | {"email": "other@example.org"}))


def test_two_clicks_are_one_order_and_one_payment(history):
    """T37: the second one while the first still waits for Stripe's answer."""
    seen = []
    history.world.wire.meanwhile = lambda: seen.append(ordered(history))

    first = ordered(history)

    assert [second.id for second in seen] == [first.id]
    assert len(history.double.account.all("checkout.session")) == 1


@pytest.mark.parametrize("paid", [{"amount": 23_999}, {"amount": 24_001}, {"currency": "usd"}])
def test_money_that_does_not_fit_is_put_aside_and_nothing_is_delivered(history, paid):
    """T39: until an admin gives it back."""
    order = ordered(history)
    history.double.pay(order.checkout_id, **paid)

    told(history)

    assert now(history, order).status is OrderStatus.HELD
    with pytest.raises(Forbidden):
        downloads.links(history.world.backends, now(history, order))
    held.give_back(history.world.backends, order.id, by=history.world.admin)
    assert now(history, order).status is OrderStatus.REFUNDED
    assert end(history) == []


def test_a_refund_of_one_photo_ends_its_file_and_no_other(history):
    """T40: also the address that the buyer has kept."""
    order = bought(history)
    backends = history.world.backends
    links = {link.photo.id: link.url.removeprefix("/downloads/") for link in downloads.links(backends, order)}
    first, second = history.lines(order)

    refunds.give_back(backends, order.id, [first.id], "Blurred.", by=history.shop.organiser)
    history.work()

    with pytest.raises(Forbidden):
        downloads.open(backends, links[first.photo_id])
    assert downloads.open(backends, links[second.photo_id])
    assert end(history) == []


def test_nobody_is_paid_of_an_order_whose_buyer_disputes_it(history):
    """T41: its shares are frozen until the bank has decided."""
    order = bought(history)
    dispute = history.double.dispute(order.checkout_id)
    told(history)

    assert drawn(history) == 0
    history.double.move_dispute(dispute, "won")
    told(history)

    assert drawn(history) == 24_000 - 2_400
    assert end(history) == []


def drawn(history) -> int:
    """What the admin would pay out today, of all sales so far."""
    history.world.clock.advance(timedelta(days=1))
    today, admin = history.world.clock().date(), history.world.admin
    made = payouts.draw_up(history.world.backends, today - timedelta(days=9), today, "THB", by=admin)
    return sum(payout.amount for payout in made)


def test_what_lost_messages_would_have_said_is_found_by_the_nightly_job(history):
    """T44: a payment, and a refund at the dashboard."""
    order = ordered(history)
    history.double.pay(order.checkout_id)
    history.double.refund(order.checkout_id, 24_000)
    history.double.take()

    assert end(history) == []

    assert now(history, order).status is OrderStatus.REFUNDED


def test_promptpay_that_comes_after_the_order_ended_is_delivered(history):
    """T45: the buyer paid in time, and the bank was slow."""
    order = ordered(history)
    history.double.pay(order.checkout_id, "promptpay")
    history.world.clock.advance(timedelta(minutes=31))
    history.work()
    ended = now(history, order).status
    history.double.arrive(order.checkout_id)

    told(history)

    assert (ended, now(history, order).status) == (OrderStatus.EXPIRED, OrderStatus.PAID)
    assert len(downloads.links(history.world.backends, now(history, order))) == 2
    assert end(history) == []


def test_a_worker_that_dies_after_every_answer_of_stripe_changes_nothing(history):
    """Each answer in turn is the last thing that a worker hears: another one does its job again."""
    order = ordered(history)
    history.double.pay(order.checkout_id)
    history.collect()
    for message in history.inbox:
        history.deliver(message)
    for _ in range(6):
        history.world.wire.dies_at = history.world.wire.calls + 1
        history.work()
        history.world.clock.advance(timedelta(minutes=2))

    assert end(history) == []

    assert now(history, order).status is OrderStatus.PAID


def test_an_answer_that_others_overtook_is_asked_for_anew(history):
    """A refund is heard of and fails while an older answer, which has it pending, is on its way."""
    order = bought(history)
    history.double.account.are_refunds_slow = True
    refund = history.double.refund(order.checkout_id)

    def meanwhile() -> None:
        payments.settle(history.world.backends, str(order.id))
        history.double.fail_refund(refund)
        payments.settle(history.world.backends, str(order.id))

    history.world.wire.meanwhile = meanwhile
    payments.settle(history.world.backends, str(order.id))

    assert now(history, order).status is OrderStatus.PAID
    assert end(history) == []
