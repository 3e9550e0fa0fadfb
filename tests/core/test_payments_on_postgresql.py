"""Money on a real PostgreSQL, where everything happens at once: no gap, nothing twice, no deadlock."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core import carts, checkouts, coupons, jobs, ledger, orders, payments, prices, receipts, refunds
from core.errors import Conflict, Unavailable
from core.terms import Terms
from core.worker import HANDLERS
from models.account import Role
from models.fields import utc_now
from models.job import Job, JobStatus
from models.ledger import Book
from models.mail import OutboxMail
from models.order import Order, OrderStatus, ReceivedEvent
from models.refund import Receipt, ReceiptKind, Refund
from tests.makers import make_account, make_event, make_photo, make_viewer, owner_of
from tests.stripe_double import StripeDouble, gateway

pytestmark = pytest.mark.integration

HANDS = 6


@pytest.fixture
def double(platform) -> StripeDouble:
    made = StripeDouble()
    platform.payments = gateway(made)
    return made


@pytest.fixture
def event(platform):
    made = make_event(platform, make_account(platform, Role.ORGANISER))
    prices.save(platform, made.id, Terms(price_amount=12_000, refund_days=14), by=owner_of(platform, made))
    return made


def together(run, count: int = HANDS) -> list:
    """Run in several threads that start at the same moment."""
    gate = Barrier(count)

    def start(number: int):
        gate.wait(timeout=30)
        return run(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def ordered(platform, photos, number: int = 0) -> Order:
    viewer = make_viewer()
    carts.add(platform, viewer, [photo.id for photo in photos])
    return checkouts.place(platform, viewer, f"runner{number}@example.org")


def work_together(platform) -> None:
    """Several workers, until none has anything to do; then one, when it is time to try again."""

    def run(_: int) -> None:
        while jobs.run_next(platform, HANDLERS):
            pass

    together(run)
    platform.now = lambda: utc_now() + timedelta(minutes=20)
    run(0)


def settle(platform, order: Order) -> None:
    with suppress(Unavailable):  # so many at once that its job comes back later
        payments.settle(platform, str(order.id))


def every(platform, table) -> list:
    with platform.reading() as session:
        return list(session.exec(select(table)))


def at_gateway(platform) -> int:
    with platform.reading() as session:
        return ledger.totals(session).get((Book.GATEWAY, "THB"), 0)


def assert_books_agree(platform, double: StripeDouble) -> None:
    """The ledger is whole and has what Stripe has; papers have no gaps; no job gave up."""
    assert list(ledger.faults(platform)) == []
    assert at_gateway(platform) == double.balance()
    for kind in ReceiptKind:
        numbers = sorted(one.number for one in every(platform, Receipt) if one.kind is kind)
        assert numbers == list(range(1, len(numbers) + 1))
    assert [job.last_error for job in every(platform, Job) if job.status is JobStatus.FAILED] == []


def test_one_payment_told_by_many_messages_at_once_is_fulfilled_once(platform, double, event):
    order = ordered(platform, [make_photo(platform, event), make_photo(platform, event)])
    double.pay(order.checkout_id)
    messages = double.take()

    together(lambda _: [payments.receive(platform, *double.signed(one)) for one in messages])
    together(lambda _: settle(platform, order))
    work_together(platform)

    assert orders.find(platform, order.id).status is OrderStatus.PAID
    assert len(every(platform, Receipt)) == 1
    assert all(one.handled_at for one in every(platform, ReceivedEvent))
    confirmations = [mail for mail in every(platform, OutboxMail) if mail.subject == str(order.id)]
    assert len(confirmations) == 1
    assert_books_agree(platform, double)


def test_many_orders_paid_at_once_have_receipts_without_gaps_and_one_chain(platform, double, event):
    photo = make_photo(platform, event)
    placed = [ordered(platform, [photo], number) for number in range(2 * HANDS)]
    for order in placed:
        double.pay(order.checkout_id)

    def run(number: int) -> None:
        for order in placed[number::HANDS] + placed[::-1]:
            settle(platform, order)

    together(run)

    assert len(every(platform, Receipt)) == len(placed)
    assert at_gateway(platform) == len(placed) * 12_000
    assert_books_agree(platform, double)


def test_refunds_of_one_order_asked_for_at_once_give_each_line_back_once(platform, double, event):
    by = owner_of(platform, event)
    order = ordered(platform, [make_photo(platform, event) for _ in range(3)])
    double.pay(order.checkout_id)
    payments.settle(platform, str(order.id))
    lines = [line.id for line in orders.lines(platform, order)]

    def ask(number: int) -> bool:
        try:
            refunds.give_back(platform, order.id, None if number % 2 else [lines[0]], "Late.", by=by)
        except Conflict:
            return False
        return True

    asked = together(ask)
    work_together(platform)

    assert 1 <= sum(asked) <= 2
    assert sum(refund.amount for refund in every(platform, Refund)) <= order.total_amount
    assert double.balance() == order.total_amount - sum(refund.amount for refund in every(platform, Refund))
    assert_books_agree(platform, double)


def test_payments_refunds_and_disputes_at_once_neither_hang_nor_differ(platform, double, event):
    """Each hand takes another order; all post to one chain and write to one audit log."""
    photo, by = make_photo(platform, event), owner_of(platform, event)
    placed = [ordered(platform, [photo], number) for number in range(3 * HANDS)]
    for order in placed:
        double.pay(order.checkout_id)

    def live(number: int) -> None:
        for order in placed[number::HANDS]:
            settle(platform, order)
            if number % 3 == 0:
                refunds.give_back(platform, order.id, None, "Late.", by=by)
            if number % 3 == 1:
                double.move_dispute(double.dispute(order.checkout_id), "lost" if number % 2 else "won")
            if number % 3 == 2:
                double.refund(order.checkout_id, 5_000)
            settle(platform, order)

    together(live)
    work_together(platform)

    assert_books_agree(platform, double)


def test_the_last_use_of_a_coupon_goes_to_one_of_those_who_order_at_once(platform, double, event):
    coupons.create(
        platform, event.id, coupons.Draft("RUN", percent=10, limit=1), by=owner_of(platform, event)
    )
    photo, viewers = make_photo(platform, event), [make_viewer() for _ in range(HANDS)]
    for viewer in viewers:
        carts.add(platform, viewer, [photo.id])
        carts.enter_coupon(platform, viewer, "RUN")

    def place(number: int) -> int:
        try:
            return checkouts.place(platform, viewers[number], f"runner{number}@example.org").total_amount
        except coupons.UsedUp:
            return 0

    assert sorted(together(place)) == [0] * (HANDS - 1) + [10_800]


def test_without_the_lock_of_the_books_two_that_post_at_once_collide(platform, double, event, monkeypatch):
    """The negative control: two entries after the same one break the chain, and the check says so."""
    photo = make_photo(platform, event)
    placed = [ordered(platform, [photo], number) for number in range(2)]
    for order in placed:
        double.pay(order.checkout_id)
    gate, link = Barrier(2), ledger.chain.link

    def meet(*given) -> str:
        gate.wait(timeout=10)  # both have read the last entry
        return link(*given)

    def post(number: int) -> bool:
        try:
            payments.settle(platform, str(placed[number].id))
        except IntegrityError:
            return False
        return True

    monkeypatch.setattr(ledger, "lock", lambda _: None)
    monkeypatch.setattr(ledger.chain, "link", meet)
    done = together(post, 2)
    monkeypatch.setattr(ledger.chain, "link", link)

    assert not all(done) or list(ledger.faults(platform))


def test_without_the_lock_of_their_series_two_papers_want_the_same_number(
    platform, double, event, monkeypatch
):
    """The negative control: the unique key refuses the second one."""
    photo = make_photo(platform, event)
    placed = [ordered(platform, [photo], number) for number in range(2)]
    gate = Barrier(2)

    def next_number(session, kind, now) -> int:
        numbers = session.exec(select(Receipt.number).where(Receipt.kind == kind)).all()
        gate.wait(timeout=10)
        return max(numbers, default=0) + 1

    def issue(number: int) -> bool:
        try:
            with platform.transaction() as session:
                receipts.issue(platform, session, session.get_one(Order, placed[number].id))
        except IntegrityError:
            return False
        return True

    monkeypatch.setattr(receipts, "_next", next_number)

    assert sorted(together(issue, 2)) == [False, True]
