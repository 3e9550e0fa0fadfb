"""Whose the money of a sale is, what is left of it after refunds and disputes, to the last satang."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core import bookings, ledger, set_aside, shares
from core.gateway import DisputeStanding, DisputeState, PaymentState, RefundStanding, RefundState, Standing
from models.event import EventMember, MemberRole
from models.fields import utc_now
from models.ledger import Book, EntryKind, LedgerPosting
from models.order import LineItem, LineKind, Order, OrderStatus
from tests.makers import make_event, make_member, make_photo, owner_of, some_id


@dataclass(frozen=True)
class Sold:
    """What one line of an order is."""

    amount: int = 12_000
    tax: int = 0
    commission: int = 60
    platform: int = 10


def make_order(backends, event, *sold: Sold, photographer=None, **line) -> tuple[Order, list[LineItem]]:
    """A paid order, its sale booked."""
    order = Order(
        visitor_key="v",
        email="runner@example.org",
        status=OrderStatus.PAID,
        total_amount=sum(one.amount for one in sold),
        tax_amount=sum(one.tax for one in sold),
        currency="THB",
        gateway="demo",
        expires_at=utc_now() + timedelta(minutes=30),
    )
    lines = [
        LineItem(
            order_id=order.id,
            event_id=event.id,
            label="photo",
            amount=one.amount,
            tax_amount=one.tax,
            currency="THB",
            photographer_id=photographer.id if photographer else None,
            commission_percent=one.commission,
            platform_percent=one.platform,
            **line,
        )
        for one in sold
    ]
    with backends.transaction() as session:
        session.add(order)
        session.flush()
        session.add_all(lines)
        session.flush()
        bookings.sale(backends, session, order, lines)
    return order, lines


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def photographer(backends, event):
    return make_member(backends, event, MemberRole.PHOTOGRAPHER)


def books(backends) -> dict[Book, int]:
    """What stands in the books, in satang; what is empty is left out."""
    with backends.reading() as session:
        return {book: amount for (book, _), amount in ledger.totals(session).items() if amount}


def owed(backends, account) -> int:
    with backends.reading() as session:
        return ledger.balance(session, account.id, "THB").owed


def test_a_sale_is_shared_out_tax_first_then_platform_photographer_organiser(backends, event, photographer):
    make_order(backends, event, Sold(10_700, tax=700), photographer=photographer)

    assert books(backends) == {
        Book.GATEWAY: 10_700,
        Book.TAX: -700,
        Book.PLATFORM: -1_000,
        Book.OWED: -9_000,
    }
    assert owed(backends, photographer) == 5_400
    assert owed(backends, owner_of(backends, event)) == 3_600


def test_a_share_says_how_it_was_computed(backends, event, photographer):
    make_order(backends, event, Sold(12_345), photographer=photographer)

    with backends.reading() as session:
        mine = select(LedgerPosting).where(LedgerPosting.account_id == photographer.id)
        posting = session.exec(mine).one()
    assert -posting.amount == shares.percent_of(posting.base_amount, posting.percent)
    assert (posting.base_amount, posting.percent) == (12_345 - 1_235, 60)


def test_an_organisers_own_photos_are_part_of_what_is_left_to_them(backends, event):
    organiser = owner_of(backends, event)

    make_order(backends, event, Sold(12_000), photographer=organiser)

    assert owed(backends, organiser) == 10_800


def test_an_order_that_costs_nothing_is_no_entry(backends, event):
    make_order(backends, event, Sold(0))

    assert books(backends) == {}


def test_a_sale_is_booked_once(backends, event, photographer):
    order, lines = make_order(backends, event, Sold(), photographer=photographer)

    with backends.transaction() as session:
        bookings.sale(backends, session, order, lines)

    assert books(backends)[Book.GATEWAY] == 12_000


def test_a_pass_is_shared_out_by_how_many_photos_each_has_taken(backends, event):
    people = [make_member(backends, event, MemberRole.PHOTOGRAPHER) for _ in range(2)]
    with backends.transaction() as session:
        for member, commission in zip(people, (50, 100), strict=True):
            session.get_one(EventMember, (event.id, member.id)).commission_percent = commission
    for member, number in zip(people, (3, 1), strict=True):
        for _ in range(number):
            make_photo(backends, event, uploaded_by=member.id)

    make_order(backends, event, Sold(100_000, platform=10), kind=LineKind.PASS)

    assert [owed(backends, member) for member in people] == [33_750, 22_500]
    assert owed(backends, owner_of(backends, event)) == 33_750


def change(backends, order, lines, *left: int, kind=EntryKind.REFUND, subject="r1") -> None:
    with backends.transaction() as session:
        wanted = {line.id: amount for line, amount in zip(lines, left, strict=True)}
        bookings.change(backends, session, kind, subject, order, wanted)


def test_what_goes_back_takes_every_share_along(backends, event, photographer):
    order, lines = make_order(backends, event, Sold(), Sold(10_700, tax=700), photographer=photographer)

    change(backends, order, lines, 0, 10_700)

    assert books(backends) == {
        Book.GATEWAY: 10_700,
        Book.TAX: -700,
        Book.PLATFORM: -1_000,
        Book.OWED: -9_000,
    }


def test_a_refund_that_fails_brings_every_share_back(backends, event, photographer):
    order, lines = make_order(backends, event, Sold(9_999, tax=654), photographer=photographer)
    before = books(backends)

    change(backends, order, lines, 3_333)
    change(backends, order, lines, 9_999, kind=EntryKind.REFUND_FAILED)

    assert books(backends) == before


def test_a_refund_is_booked_once(backends, event, photographer):
    order, lines = make_order(backends, event, Sold(), photographer=photographer)

    change(backends, order, lines, 6_000)
    change(backends, order, lines, 0)

    assert books(backends)[Book.GATEWAY] == 6_000


amounts = st.builds(
    Sold,
    amount=st.integers(1, 10**7),
    tax=st.just(0),
    commission=st.integers(0, 100),
    platform=st.integers(0, 100),
).flatmap(
    lambda one: st.integers(0, one.amount // 4).map(
        lambda tax: Sold(one.amount, tax, one.commission, one.platform)
    )
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sold=st.lists(amounts, min_size=1, max_size=4), data=st.data())
def test_no_satang_is_lost_or_made_by_sales_and_refunds_of_any_size(
    backends, event, photographer, sold, data
):
    before = Counter(books(backends))
    order, lines = make_order(backends, event, *sold, photographer=photographer)

    left = [data.draw(st.integers(0, line.amount)) for line in lines]
    change(backends, order, lines, *left, subject=str(order.id))
    middle = Counter(books(backends))
    middle.subtract(before)
    change(backends, order, lines, *[0] * len(lines), subject=f"{order.id} all")

    assert middle[Book.GATEWAY] == sum(left)
    assert sum(middle.values()) == 0
    assert all(amount <= 0 for book, amount in middle.items() if book is not Book.GATEWAY)
    assert Counter(books(backends)) == before


def test_a_dispute_freezes_what_people_are_owed_of_this_order_only(backends, event, photographer):
    order, _ = make_order(backends, event, Sold(), photographer=photographer)
    make_order(backends, event, Sold(), photographer=photographer)

    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", order)
        bookings.freeze(backends, session, "d1", order)
        balance = ledger.balance(session, photographer.id, "THB")

    assert (balance.owed, balance.frozen) == (6_480, 6_480)


def test_a_dispute_that_is_won_thaws_what_was_frozen(backends, event, photographer):
    order, _ = make_order(backends, event, Sold(), photographer=photographer)
    before = books(backends)

    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", order)
        bookings.thaw(backends, session, "d1", order)

    assert books(backends) == before


@pytest.mark.parametrize(("amount", "left"), [(24_000, 0), (12_000, 12_000), (99_999, 0)])
def test_a_dispute_that_is_lost_takes_its_amount_from_every_share(
    backends, event, photographer, amount, left
):
    order, _ = make_order(backends, event, Sold(), Sold(), photographer=photographer)

    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", order)
        bookings.lose(backends, session, "d1", order, amount)
        assert sum(bookings.left(session, order).values()) == left

    assert books(backends).get(Book.FROZEN) is None
    assert books(backends).get(Book.GATEWAY, 0) == left
    assert owed(backends, photographer) == left * 54 // 100


def standing(**fields) -> Standing:
    values = {
        "payment_id": "pay_1",
        "intent_id": None,
        "order_id": some_id(),
        "state": PaymentState.PAID,
        "amount": 5_000,
        "currency": "THB",
    }
    return Standing(**(values | fields))


def test_money_that_fits_no_order_is_put_aside_until_it_goes_back(backends, event):
    order, _ = make_order(backends, event, Sold(0))
    back = (
        RefundStanding("re_1", "", 2_000, RefundState.DONE),
        RefundStanding("re_2", "", 9_000, RefundState.FAILED),
    )
    lost = (DisputeStanding("dp_1", 3_000, DisputeState.LOST),)

    with backends.transaction() as session:
        set_aside.put(backends, session, order, standing())
        before = set_aside.of_order(session, order)
        set_aside.take_back(backends, session, order, standing(refunds=back))
        set_aside.take_back(backends, session, order, standing(refunds=back))
        between = set_aside.of_order(session, order)
        set_aside.take_back(backends, session, order, standing(refunds=back, disputes=lost))
        after = set_aside.of_order(session, order)

    assert (before, between, after) == ({"pay_1": 5_000}, {"pay_1": 3_000}, {})
    assert books(backends) == {}
