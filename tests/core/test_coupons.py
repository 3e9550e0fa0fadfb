"""Coupons: who makes them, what cannot be one, and how often each is used."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import carts, checkouts, coupons, payments
from core.access import Viewer
from core.coupons import Draft
from core.errors import Forbidden, InvalidInput, NotFound, TooMany
from core.gateway import PaymentState
from models.audit import AuditEntry
from models.event import MemberRole
from models.order import Order, OrderStatus
from tests.makers import make_account, make_event, make_member, make_photo, make_viewer, owner_of

EMAIL = "runner@example.org"
TEN = Draft("RUN10", percent=10)


@pytest.fixture
def event(backends):
    return make_event(backends, price_amount=10_000)


def make_coupon(backends, event, draft: Draft = TEN, **fields):
    """A coupon of the event."""
    return coupons.create(backends, event.id, Draft(**(vars(draft) | fields)), by=owner_of(backends, event))


def fill_cart(backends, event, viewer: Viewer | None = None) -> Viewer:
    """A visitor who wants one photo of the event."""
    viewer = viewer or make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id])
    return viewer


def order_with(backends, event, viewer: Viewer | None = None, email: str = EMAIL) -> Order:
    """An order of one photo with RUN10."""
    viewer = fill_cart(backends, event, viewer)
    carts.enter_coupon(backends, viewer, "RUN10")
    return checkouts.place(backends, viewer, email)


def set_status(backends, order: Order, status: OrderStatus) -> None:
    with backends.transaction() as session:
        session.get_one(Order, order.id).status = status


def test_a_coupon_takes_something_off_and_is_written_on_the_order(backends, event):
    coupon = make_coupon(backends, event)
    viewer = fill_cart(backends, event)

    carts.enter_coupon(backends, viewer, " run10 ")
    cart = carts.contents(backends, viewer)
    order = checkouts.place(backends, viewer, EMAIL)

    assert (cart.coupon, cart.refusal, cart.quote.total_amount) == (coupon, None, 9_000)
    assert (order.coupon_id, order.total_amount) == (coupon.id, 9_000)


def test_making_and_ending_a_coupon_is_in_the_audit_log(backends, event):
    coupon = make_coupon(backends, event)
    coupons.end(backends, event.id, coupon.id, by=owner_of(backends, event))
    coupons.end(backends, event.id, coupon.id, by=owner_of(backends, event))

    with backends.reading() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject == str(event.id))).all()
    assert [(entry.action, entry.detail) for entry in entries] == [
        ("coupon.create", {"code": "RUN10", "percent": 10}),
        ("coupon.end", {"code": "RUN10"}),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "AB"},
        {"code": "A" * 33},
        {"code": "RÜN10"},
        {"code": "RUN 10"},
        {"code": "RUN\x0010"},
        {"percent": 0},
        {"percent": 101},
        {"percent": None},
        {"amount": 100},
        {"percent": None, "amount": 0},
        {"percent": None, "amount": 100_000_001},
        {"limit": 0},
        {"limit": 10**20},
        {"limit_per_buyer": 0},
    ],
)
def test_what_cannot_be_a_coupon_is_refused(backends, event, fields):
    with pytest.raises(InvalidInput):
        make_coupon(backends, event, **fields)

    assert coupons.listing(backends, event.id, by=owner_of(backends, event)).items == []


def test_a_coupon_ends_after_it_begins(backends, event):
    now = backends.now()

    with pytest.raises(InvalidInput, match="after"):
        make_coupon(backends, event, valid_from=now, valid_until=now)
    with pytest.raises(InvalidInput, match="year"):
        make_coupon(backends, event, valid_until=now.replace(year=9999))


def test_an_event_has_each_code_once_and_other_events_have_it_too(backends, event):
    other = make_event(backends)
    make_coupon(backends, event)

    make_coupon(backends, other)
    with pytest.raises(coupons.CodeTaken):
        make_coupon(backends, event, code="run10")


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_only_who_sells_makes_ends_and_sees_coupons(backends, event, role):
    coupon = make_coupon(backends, event)
    member, stranger = make_member(backends, event, role), make_account(backends)

    for account, refusal in ((member, Forbidden), (stranger, NotFound), (None, NotFound)):
        with pytest.raises(refusal):
            coupons.create(backends, event.id, Draft("OTHER", percent=10), by=account)
        with pytest.raises(refusal):
            coupons.end(backends, event.id, coupon.id, by=account)
        with pytest.raises(refusal):
            coupons.listing(backends, event.id, by=account)


def test_a_coupon_of_another_event_is_not_there(backends, event):
    other = make_event(backends)
    coupon = make_coupon(backends, other)

    with pytest.raises(coupons.NoSuchCoupon):
        coupons.end(backends, event.id, coupon.id, by=owner_of(backends, event))


def test_the_list_says_how_often_each_coupon_is_used(backends, event):
    make_coupon(backends, event)
    make_coupon(backends, event, code="OTHER")
    for status in OrderStatus:
        set_status(backends, order_with(backends, event), status)

    listed = coupons.listing(backends, event.id, by=owner_of(backends, event)).items

    assert [(one.coupon.code, one.uses) for one in listed] == [("OTHER", 0), ("RUN10", 3)]


@pytest.mark.parametrize("code", ["RUN11", "", "A", "RUN10\x00", "x" * 1_000, "RUN10; --"])
def test_an_unknown_code_is_not_found(backends, event, code):
    make_coupon(backends, event)
    viewer = fill_cart(backends, event)

    with pytest.raises(coupons.NoSuchCoupon):
        carts.enter_coupon(backends, viewer, code)


def test_a_code_is_good_for_what_is_in_the_cart_only(backends, event):
    make_coupon(backends, make_event(backends))
    viewer = fill_cart(backends, event)

    with pytest.raises(coupons.NoSuchCoupon):
        carts.enter_coupon(backends, viewer, "RUN10")


def test_guessing_codes_is_slowed_down(backends, event):
    viewer = fill_cart(backends, event)

    def guess() -> None:
        with pytest.raises(coupons.NoSuchCoupon):
            carts.enter_coupon(backends, viewer, "GUESS")

    for _ in range(coupons.GUESS.size):
        guess()
    with pytest.raises(TooMany):
        carts.enter_coupon(backends, viewer, "GUESS")


@pytest.mark.parametrize(
    ("begins", "ends", "refusal"),
    [(1, None, coupons.NotYetValid), (None, 0, coupons.CouponOver), (-2, -1, coupons.CouponOver)],
)
def test_a_coupon_is_good_within_its_time(backends, event, begins, ends, refusal):
    now = backends.now()
    backends.now = lambda: now
    day = timedelta(days=1)
    make_coupon(
        backends,
        event,
        valid_from=None if begins is None else now + begins * day,
        valid_until=None if ends is None else now + ends * day,
    )
    viewer = fill_cart(backends, event)

    with pytest.raises(refusal):
        carts.enter_coupon(backends, viewer, "RUN10")


def test_a_coupon_that_ends_while_it_is_in_a_cart_says_so_and_stops_the_order(backends, event):
    coupon = make_coupon(backends, event)
    viewer = fill_cart(backends, event)
    carts.enter_coupon(backends, viewer, "RUN10")
    coupons.end(backends, event.id, coupon.id, by=owner_of(backends, event))

    cart = carts.contents(backends, viewer)
    with pytest.raises(coupons.CouponOver):
        checkouts.place(backends, viewer, EMAIL)
    carts.drop_coupon(backends, viewer)
    order = checkouts.place(backends, viewer, EMAIL)

    assert isinstance(cart.refusal, coupons.CouponOver)
    assert cart.quote.total_amount == order.total_amount == 10_000
    assert order.coupon_id is None


def test_the_last_use_is_one_buyers_only(backends, event):
    make_coupon(backends, event, limit=1)
    first, second = fill_cart(backends, event), fill_cart(backends, event)
    carts.enter_coupon(backends, first, "RUN10")
    carts.enter_coupon(backends, second, "RUN10")

    checkouts.place(backends, first, EMAIL)

    with pytest.raises(coupons.UsedUp):
        checkouts.place(backends, second, "other@example.org")
    assert isinstance(carts.contents(backends, second).refusal, coupons.UsedUp)


def test_who_holds_the_last_use_may_change_their_cart_and_order_again(backends, event):
    make_coupon(backends, event, limit=1, limit_per_buyer=1)
    viewer = fill_cart(backends, event)
    carts.enter_coupon(backends, viewer, "RUN10")
    first = checkouts.place(backends, viewer, EMAIL)

    same = checkouts.place(backends, viewer, EMAIL)
    fill_cart(backends, event, viewer)
    shown = carts.contents(backends, viewer)
    second = checkouts.place(backends, viewer, EMAIL)

    assert same.id == first.id != second.id
    assert shown.quote.total_amount == second.total_amount == 18_000


@pytest.mark.parametrize("end", [OrderStatus.FAILED, OrderStatus.EXPIRED, OrderStatus.REFUNDED])
def test_an_order_that_came_to_nothing_gives_its_use_back(backends, event, end):
    make_coupon(backends, event, limit=1)
    order = order_with(backends, event)

    set_status(backends, order, end)

    assert order_with(backends, event).total_amount == 9_000


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.HELD])
def test_a_buyer_is_known_by_browser_account_or_address(backends, event, status):
    make_coupon(backends, event, limit_per_buyer=1)
    account = make_account(backends)
    viewer = make_viewer(account)
    set_status(backends, order_with(backends, event, viewer), status)

    same_account = make_viewer(account)
    same_address = fill_cart(backends, event)
    carts.enter_coupon(backends, same_address, "RUN10")

    with pytest.raises(coupons.UsedByBuyer):
        order_with(backends, event, same_account, "other@example.org")
    with pytest.raises(coupons.UsedByBuyer):
        checkouts.place(backends, same_address, EMAIL.upper())
    if status is not OrderStatus.PENDING:
        with pytest.raises(coupons.UsedByBuyer):
            order_with(backends, event, Viewer(viewer.visitor_key), "other@example.org")
    assert order_with(backends, event, email="stranger@example.org").total_amount == 9_000


def test_a_coupon_leaves_the_cart_once_it_is_paid_with(backends, event):
    make_coupon(backends, event)
    viewer = make_viewer()
    order = order_with(backends, event, viewer)

    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    payments.refresh(backends, order.id)
    fill_cart(backends, event, viewer)

    cart = carts.contents(backends, viewer)
    assert (cart.coupon, cart.quote.total_amount) == (None, 10_000)


def test_a_coupon_that_takes_nothing_off_is_not_used(backends, event):
    make_coupon(backends, event, limit=1)
    viewer = make_viewer()
    free = make_event(backends, price_amount=0)
    make_coupon(backends, free)
    carts.add(backends, viewer, [make_photo(backends, free).id])
    carts.enter_coupon(backends, viewer, "RUN10")

    order = checkouts.place(backends, viewer, EMAIL)

    assert (order.status, order.coupon_id) == (OrderStatus.PAID, None)
