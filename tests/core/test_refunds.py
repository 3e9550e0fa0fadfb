"""Money that goes back: by the organiser, by the buyer, at the gateway itself; and what goes with it."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import bookings, carts, checkouts, downloads, held, ledger, orders, payments, refunds
from core.errors import Forbidden, InvalidInput, NotFound, Unavailable
from core.gateway import DisputeState, PaymentState, RefundState
from core.refunds import NoSelfService, NoSuchRefund, NothingToRefund, UnderDispute
from models.account import Role
from models.event import MemberRole
from models.fields import utc_now
from models.job import Job, JobKind, JobStatus
from models.ledger import Book
from models.mail import MailKind, OutboxMail
from models.notice import Notice, NoticeKind
from models.order import Order, OrderStatus
from models.price import PriceList
from models.refund import Receipt, ReceiptKind, Refund, RefundStatus
from tests.core.money import at_once, count, lines_of, make_order, make_paid
from tests.makers import make_account, make_event, make_member, make_photo, make_viewer, owner_of


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


def with_rule(backends, event, days: int) -> None:
    with backends.transaction() as session:
        session.merge(PriceList(event_id=event.id, refund_days=days))


def only_refund(backends, order) -> Refund:
    (refund,) = refunds.of_order(backends, order)
    return refund


def at_gateway(backends) -> int:
    """What the books say is at the gateway."""
    with backends.reading() as session:
        return ledger.totals(session).get((Book.GATEWAY, "THB"), 0)


def open_files(backends, order) -> list[str]:
    """The names of an order's files that can be fetched."""
    order = orders.find(backends, order.id)
    return [link.photo.filename for link in downloads.links(backends, order) if link.left]


# --- by the organiser ----------------------------------------------------------------------


def test_an_organiser_gives_one_photo_back_and_only_its_file_goes(backends, event, owner, work):
    order = make_paid(backends, event)
    first, second = lines_of(backends, order)

    refunds.give_back(backends, order.id, [first.id], "Blurred", by=owner)
    before = open_files(backends, order)
    work()

    refund, after = only_refund(backends, order), orders.find(backends, order.id)
    assert (refund.status, refund.amount, refund.reason) == (RefundStatus.DONE, 12_000, "Blurred")
    assert (after.status, at_gateway(backends)) == (OrderStatus.PAID, 12_000)
    assert before == open_files(backends, order) == [second.label.split(" · ")[1]]
    assert backends.payments.look_up(order.checkout_id).refunds[0].key == str(refund.id)


def test_a_whole_refund_ends_the_order_and_evens_the_books(backends, event, owner, work):
    order = make_paid(backends, event)

    refunds.give_back(backends, order.id, None, "Rained off", by=owner)
    work()

    with backends.reading() as session:
        totals = ledger.totals(session)
        note = session.exec(select(Receipt).where(Receipt.kind == ReceiptKind.CREDIT_NOTE)).one()
        told = session.exec(select(Notice).where(Notice.kind == NoticeKind.ORDER_REFUNDED)).one()
    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED
    assert not any(totals.values())
    assert (note.amount, note.refund_id) == (24_000, only_refund(backends, order).id)
    assert told.data == {"order_id": str(order.id), "amount": 24_000, "currency": "THB"}
    assert count(backends, OutboxMail, OutboxMail.kind == MailKind.REFUND) == 1
    with pytest.raises(downloads.Withdrawn):
        downloads.links(backends, orders.find(backends, order.id))


def test_two_refunds_at_once_never_give_more_than_was_paid(backends, event, owner, work):
    order = make_paid(backends, event)

    results = at_once(4, lambda: refunds.give_back(backends, order.id, None, "Twice", by=owner))
    work()

    assert sorted(type(result).__name__ for result in results) == ["NothingToRefund"] * 3 + ["Refund"]
    assert sum(one.amount for one in backends.payments.look_up(order.checkout_id).refunds) == 24_000


def test_what_went_back_does_not_go_back_again(backends, event, owner, work):
    order = make_paid(backends, event)
    line = lines_of(backends, order)[0]
    refunds.give_back(backends, order.id, [line.id], "Blurred", by=owner)
    work()

    with pytest.raises(NothingToRefund):
        refunds.give_back(backends, order.id, [line.id], "Blurred", by=owner)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_refund_has_a_reason(backends, event, owner, reason):
    order = make_paid(backends, event)

    with pytest.raises(InvalidInput):
        refunds.give_back(backends, order.id, None, reason, by=owner)


def test_what_was_not_paid_does_not_go_back(backends, event, owner):
    order = make_order(backends, event)

    with pytest.raises(NothingToRefund):
        refunds.give_back(backends, order.id, None, "Never paid", by=owner)


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_members_who_do_not_sell_give_nothing_back(backends, event, role):
    order = make_paid(backends, event)
    member = make_member(backends, event, role)

    with pytest.raises(Forbidden):
        refunds.give_back(backends, order.id, None, "Mine", by=member)


def test_strangers_do_not_learn_that_there_is_an_order(backends, event):
    order = make_paid(backends, event)
    stranger = make_account(backends, Role.ORGANISER)

    for line_ids in (None, [line.id for line in lines_of(backends, order)]):
        with pytest.raises(NotFound):
            refunds.give_back(backends, order.id, line_ids, "Not mine", by=stranger)


def test_an_organiser_gives_back_their_own_events_part_of_an_order_only(backends, event, owner, work):
    other = make_event(backends)
    viewer = make_viewer()
    mine, theirs = make_photo(backends, event), make_photo(backends, other)
    carts.add(backends, viewer, [mine.id, theirs.id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)
    foreign = next(line for line in lines_of(backends, order) if line.event_id == other.id)

    refund = refunds.give_back(backends, order.id, None, "Mine only", by=owner)
    with pytest.raises(NotFound):
        refunds.give_back(backends, order.id, [foreign.id], "Not mine", by=owner)
    work()

    assert refund.amount == 12_000
    assert open_files(backends, order) == [theirs.filename]


# --- what the gateway says -----------------------------------------------------------------


def test_a_slow_refund_is_booked_at_once_and_ends_when_the_bank_has_it(backends, event, owner, work):
    backends.payments.are_refunds_slow = True
    order = make_paid(backends, event)

    refunds.give_back(backends, order.id, None, "Rained off", by=owner)
    work()
    pending, booked = only_refund(backends, order), at_gateway(backends)
    body = backends.payments.settle_refund(order.checkout_id, pending.gateway_id, RefundState.DONE)
    payments.receive(backends, *body)
    work()

    assert (pending.status, booked) == (RefundStatus.PENDING, 0)
    assert only_refund(backends, order).status is RefundStatus.DONE
    assert count(backends, Receipt, Receipt.kind == ReceiptKind.CREDIT_NOTE) == 1


def test_a_refund_that_fails_at_the_bank_makes_the_order_whole_again(backends, event, owner, work):
    backends.payments.are_refunds_slow = True
    order = make_paid(backends, event)
    refunds.give_back(backends, order.id, None, "Rained off", by=owner)
    work()

    refund = only_refund(backends, order)
    payments.receive(
        backends, *backends.payments.settle_refund(order.checkout_id, refund.gateway_id, RefundState.FAILED)
    )
    work()

    assert only_refund(backends, order).status is RefundStatus.FAILED
    assert orders.find(backends, order.id).status is OrderStatus.PAID
    assert at_gateway(backends) == 24_000
    assert len(open_files(backends, order)) == 2
    assert {line.refunded_amount for line in lines_of(backends, order)} == {0}


def test_a_failed_refund_can_be_tried_again(backends, event, owner, work):
    backends.payments.are_refunds_slow = True
    order = make_paid(backends, event)
    refunds.give_back(backends, order.id, None, "Rained off", by=owner)
    work()
    failed = only_refund(backends, order)
    backends.payments.settle_refund(order.checkout_id, failed.gateway_id, RefundState.FAILED)
    payments.settle(backends, str(order.id))

    backends.payments.are_refunds_slow = False
    refunds.retry(backends, failed.id, by=owner)
    work()

    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED
    with pytest.raises(NoSuchRefund):
        refunds.retry(backends, refunds.of_order(backends, order)[1].id, by=owner)


def test_a_refusal_of_the_gateway_ends_the_refund_and_gives_the_files_back(backends, event, owner, work):
    order = make_paid(backends, event)
    backends.payments.refund(order.checkout_id, 20_000, "made elsewhere")
    refunds.give_back(backends, order.id, None, "All of it", by=owner)

    work()

    asked, foreign = sorted(refunds.of_order(backends, order), key=lambda one: one.is_foreign)
    assert (asked.status, foreign.status) == (RefundStatus.FAILED, RefundStatus.DONE)
    assert "more than was paid" in asked.last_error
    assert at_gateway(backends) == 4_000
    assert len(open_files(backends, order)) == 2


def test_a_gateway_that_is_away_is_asked_again_and_gives_back_once(backends, event, owner, work, monkeypatch):
    order = make_paid(backends, event)
    real, calls = backends.payments.refund, []

    def refund(*arguments):
        calls.append(real(*arguments))
        if len(calls) == 1:
            raise Unavailable("The line broke after the gateway had heard us.")
        return calls[-1]

    monkeypatch.setattr(backends.payments, "refund", refund)
    refunds.give_back(backends, order.id, None, "Rained off", by=owner)
    work()
    backends.now = lambda: utc_now() + timedelta(minutes=5)
    work()

    assert len(calls) == 2
    assert calls[0] == calls[1]
    assert only_refund(backends, order).status is RefundStatus.DONE
    assert count(backends, Job, Job.kind == JobKind.GIVE_BACK, Job.status == JobStatus.DONE) == 1


@pytest.mark.parametrize(("amount", "status"), [(24_000, OrderStatus.REFUNDED), (10_001, OrderStatus.PAID)])
def test_a_refund_made_at_the_gateway_itself_is_found_and_booked(backends, event, amount, status):
    order = make_paid(backends, event)
    backends.payments.refund(order.checkout_id, amount, "by hand")

    payments.settle(backends, str(order.id))
    payments.settle(backends, str(order.id))

    refund = only_refund(backends, order)
    assert (refund.is_foreign, refund.amount, refund.status) == (True, amount, RefundStatus.DONE)
    assert orders.find(backends, order.id).status is status
    assert at_gateway(backends) == 24_000 - amount
    assert sum(line.refunded_amount for line in lines_of(backends, order)) == amount


def test_nothing_goes_back_while_a_bank_disputes_the_payment(backends, event, owner):
    order = make_paid(backends, event)
    backends.payments.dispute(order.checkout_id, 24_000)
    payments.settle(backends, str(order.id))

    with pytest.raises(UnderDispute):
        refunds.give_back(backends, order.id, None, "Too late", by=owner)


def test_a_refund_of_money_put_aside_by_hand_evens_the_books(backends, event):
    order = make_order(backends, event)
    with backends.transaction() as session:
        session.get_one(type(order), order.id).total_amount = 1
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)

    backends.payments.refund(order.checkout_id, 24_000, "by hand")
    payments.settle(backends, str(order.id))

    assert held.amounts(backends, order) == {}
    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED


# --- by the buyer --------------------------------------------------------------------------


def test_a_buyer_gives_back_what_was_never_fetched_within_the_time_of_the_rule(backends, event, work):
    with_rule(backends, event, 3)
    order = make_paid(backends, event)
    line = lines_of(backends, order)[0]

    offered = refunds.may_ask(backends, order)
    refunds.ask(backends, order, [line.id], by=make_viewer())
    work()

    assert set(offered) == {one.id for one in lines_of(backends, order)}
    assert only_refund(backends, order).status is RefundStatus.DONE
    assert len(open_files(backends, order)) == 1


def test_what_was_fetched_is_not_given_back_by_oneself(backends, event):
    with_rule(backends, event, 3)
    order = make_paid(backends, event)
    link = downloads.links(backends, order)[0]
    downloads.open(backends, link.url.rsplit("/", 1)[1])

    assert len(refunds.may_ask(backends, order)) == 1
    with pytest.raises(NoSelfService):
        refunds.ask(backends, order, None, by=make_viewer())
    assert refunds.of_order(backends, order) == []


@pytest.mark.parametrize(("days", "waited"), [(0, 0), (3, 3), (3, 30)])
def test_without_a_rule_or_after_its_time_nothing_is_given_back_by_oneself(backends, event, days, waited):
    with_rule(backends, event, days)
    order = make_paid(backends, event)
    backends.now = lambda: utc_now() + timedelta(days=waited, minutes=1)

    assert refunds.may_ask(backends, order) == []
    with pytest.raises(NoSelfService):
        refunds.ask(backends, order, None, by=make_viewer())


def test_a_fetch_and_a_self_service_refund_never_both_win(backends, event):
    with_rule(backends, event, 3)
    order = make_paid(backends, event, photos=1)
    token = downloads.links(backends, order)[0].url.rsplit("/", 1)[1]
    ways = iter(
        [
            lambda: downloads.open(backends, token),
            lambda: refunds.ask(backends, order, None, by=make_viewer()),
        ]
    )

    results = at_once(2, lambda: next(ways)())

    assert sum(isinstance(result, Exception) for result in results) == 1


def test_a_line_of_another_order_is_not_found(backends, event):
    with_rule(backends, event, 3)
    order, other = make_paid(backends, event), make_paid(backends, event)

    with pytest.raises(NotFound):
        refunds.ask(backends, order, [lines_of(backends, other)[0].id], by=make_viewer())


def test_a_dispute_that_was_won_lets_money_go_back_again(backends, event, owner, work):
    order = make_paid(backends, event)
    dispute_id, _ = backends.payments.dispute(order.checkout_id, 24_000)
    payments.settle(backends, str(order.id))
    backends.payments.close_dispute(dispute_id, DisputeState.WON)
    payments.settle(backends, str(order.id))

    refunds.give_back(backends, order.id, None, "After all", by=owner)
    work()

    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED


def test_what_was_paid_through_another_gateway_is_given_back_there(backends, event, owner, work):
    order = make_paid(backends, event)
    refunds.give_back(backends, order.id, None, "Moved", by=owner)
    with backends.transaction() as session:
        session.get_one(Order, order.id).gateway = "another"

    work()

    refund = only_refund(backends, order)
    assert (refund.status, "another payment service" in refund.last_error) == (RefundStatus.FAILED, True)
    assert len(open_files(backends, order)) == 2


def test_free_photos_stay_when_the_paid_ones_go_back(backends, event, owner, work):
    with backends.transaction() as session:
        session.merge(PriceList(event_id=event.id, free_count=1))
    order = make_paid(backends, event)

    refunds.give_back(backends, order.id, None, "Blurred", by=owner)
    work()

    assert (only_refund(backends, order).amount, len(open_files(backends, order))) == (12_000, 1)
    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_refund_at_the_gateway_while_ours_is_on_its_way_takes_no_line_below_zero(
    backends, event, owner, work
):
    order = make_paid(backends, event)
    first, second = lines_of(backends, order)
    refunds.give_back(backends, order.id, [first.id], "Blurred", by=owner)
    backends.payments.refund(order.checkout_id, 6_000, "by hand")
    payments.settle(backends, str(order.id))

    work()
    with backends.reading() as session:
        left = bookings.left(session, order)
    refunds.give_back(backends, order.id, None, "The rest", by=owner)
    work()

    assert left == {first.id: 0, second.id: 6_000}
    assert [line.refunded_amount for line in lines_of(backends, order)] == [12_000, 12_000]
    assert orders.find(backends, order.id).status is OrderStatus.REFUNDED


def test_what_was_cheaper_together_is_given_back_together(backends, event):
    with backends.transaction() as session:
        session.merge(PriceList(event_id=event.id, refund_days=3, tiers=[[2, 50]], tax_basis_points=700))
    order = make_paid(backends, event)
    line = lines_of(backends, order)[0]

    with pytest.raises(refunds.OnlyTogether):
        refunds.ask(backends, order, [line.id], by=make_viewer())
    assert refunds.ask(backends, order, None, by=make_viewer()).amount == order.total_amount
