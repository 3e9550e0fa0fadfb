"""What an order keeps of its cart, and what becomes of the orders before it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core import attempts, bills, carts, checkouts, orders, payments, prices
from core.access import Viewer
from core.coupons import Draft, create
from core.errors import Conflict, Unavailable
from core.gateway import PaymentState
from core.pricing import RowKind
from core.terms import Terms
from models.cart import Size
from models.event import Event, EventMember, MemberRole
from models.order import LineKind, Order, OrderStatus
from tests.core.test_orders import GatewayAway, at_once
from tests.makers import add_member, make_account, make_event, make_photo, make_viewer, owner_of

EMAIL = "runner@example.org"
TERMS = Terms(
    price_amount=10_000,
    web_amount=4_000,
    tiers=((3, 10),),
    pass_amount=90_000,
    free_count=1,
    tax_basis_points=700,
)


def make_offer(backends, terms: Terms = TERMS, **fields) -> Event:
    """An event that sells so."""
    event = make_event(backends, **fields)
    prices.save(backends, event.id, terms, by=owner_of(backends, event))
    return event


def fill_cart(backends, photos: int = 1, viewer: Viewer | None = None, event: Event | None = None) -> Viewer:
    """A visitor who wants photos."""
    viewer, event = viewer or make_viewer(), event or make_event(backends)
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(photos)])
    return viewer


def place(backends, viewer: Viewer) -> Order:
    return checkouts.place(backends, viewer, EMAIL)


def status(backends, order: Order) -> OrderStatus:
    return orders.find(backends, order.id).status


class StuckGateway:
    """A gateway that is just taking the money: nothing is cancelled, nothing is paid yet."""

    def __init__(self, gateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str):
        return getattr(self._gateway, name)

    def cancel(self, payment_id: str) -> None:
        raise Conflict("It is being paid.")


# What is copied


def test_an_order_keeps_each_line_with_its_list_price_tax_and_kind(backends):
    event, viewer = make_offer(backends), make_viewer()
    small = make_photo(backends, event)
    carts.add(backends, viewer, [small.id], Size.WEB)
    fill_cart(backends, 3, viewer, event)

    order = place(backends, viewer)

    lines = {line.photo_id: line for line in orders.lines(backends, order)}
    gift = lines.pop(small.id)
    assert (gift.size, gift.list_amount, gift.amount, gift.is_gift) == (Size.WEB, 4_000, 0, True)
    assert [(line.list_amount, line.amount, line.is_gift) for line in lines.values()] == [
        (10_000, 9_000, False)
    ] * 3
    assert {line.kind for line in lines.values()} == {LineKind.PHOTO}
    assert sum(line.tax_amount for line in lines.values()) == order.tax_amount == 1_766  # 27,000 × 7 / 107
    assert order.total_amount == 27_000


def test_an_order_keeps_its_bill(backends):
    event = make_offer(backends)
    create(backends, event.id, Draft("RUN10", percent=10), by=owner_of(backends, event))
    viewer = fill_cart(backends, 4, event=event)
    carts.enter_coupon(backends, viewer, "RUN10")
    shown = carts.contents(backends, viewer).quote

    order = place(backends, viewer)
    prices.save(backends, event.id, Terms(1), by=owner_of(backends, event))

    kept = bills.rows(orders.find(backends, order.id))
    assert kept == list(shown.rows)
    assert [row.kind for row in kept] == [
        RowKind.PHOTOS,
        RowKind.GIFT,
        RowKind.TIER,
        RowKind.COUPON,
        RowKind.TAX_INCLUDED,
    ]
    assert sum(row.amount for row in kept if row.kind is not RowKind.TAX_INCLUDED) == order.total_amount


def test_an_order_keeps_whom_its_money_is_for_at_what_percentages(backends):
    event, other = make_event(backends), make_event(backends)
    member, stranger = make_account(backends), make_account(backends)
    add_member(backends, event, member, MemberRole.PHOTOGRAPHER)
    add_member(backends, other, member, MemberRole.PHOTOGRAPHER)
    with backends.transaction() as session:
        session.get_one(EventMember, (event.id, member.id)).commission_percent = 60
        session.get_one(EventMember, (other.id, member.id)).commission_percent = 20
    backends.settings.platform_percent = 15
    photos = [
        make_photo(backends, event, uploaded_by=member.id),
        make_photo(backends, other, uploaded_by=member.id),
        make_photo(backends, event, uploaded_by=stranger.id),
    ]
    viewer = make_viewer()
    carts.add(backends, viewer, [photo.id for photo in photos])

    order = place(backends, viewer)
    with backends.transaction() as session:
        session.get_one(EventMember, (event.id, member.id)).commission_percent = 1

    lines = {line.photo_id: line for line in orders.lines(backends, order)}
    assert [
        (
            lines[photo.id].photographer_id,
            lines[photo.id].commission_percent,
            lines[photo.id].platform_percent,
        )
        for photo in photos
    ] == [(member.id, 60, 15), (member.id, 20, 15), (stranger.id, 0, 15)]


def test_a_pass_is_a_line_without_a_photo_or_a_photographer(backends):
    event, viewer = make_offer(backends), make_viewer()
    carts.add_pass(backends, viewer, event.id)

    order = place(backends, viewer)

    (line,) = orders.lines(backends, order)
    assert (line.kind, line.photo_id, line.photographer_id) == (LineKind.PASS, None, None)
    assert (line.label, line.list_amount, line.amount) == (event.name, 90_000, 90_000)


def test_the_gateway_hears_one_line_for_each_event_that_add_up_to_the_total(backends):
    event, viewer = make_offer(backends), make_viewer()
    fill_cart(backends, 4, viewer, event)
    fill_cart(backends, 1, viewer)

    order = place(backends, viewer)

    request = backends.payments.request(order.checkout_id)
    assert [line.amount for line in request.lines] == [27_000, 12_000]
    assert sum(line.amount for line in request.lines) == request.amount == order.total_amount


def test_a_cart_that_a_coupon_makes_free_needs_no_payment(backends):
    event = make_event(backends)
    create(backends, event.id, Draft("ALL", percent=100), by=owner_of(backends, event))
    viewer = fill_cart(backends, event=event)
    carts.enter_coupon(backends, viewer, "ALL")

    order = place(backends, viewer)

    assert (order.status, order.gateway, order.total_amount) == (OrderStatus.PAID, orders.FREE, 0)
    assert order.coupon_id is not None


# One cart, one order


def test_another_size_or_a_pass_or_a_coupon_makes_another_order(backends):
    event = make_offer(backends, Terms(10_000, web_amount=10_000, pass_amount=10_000))
    create(backends, event.id, Draft("FREE", percent=1), by=owner_of(backends, event))
    viewer, photo = make_viewer(), make_photo(backends, event)
    carts.add(backends, viewer, [photo.id])
    placed = [place(backends, viewer), place(backends, viewer)]

    carts.set_size(backends, viewer, photo.id, Size.WEB)
    placed.append(place(backends, viewer))
    carts.add_pass(backends, viewer, event.id)
    placed.append(place(backends, viewer))
    carts.enter_coupon(backends, viewer, "FREE")
    placed.append(place(backends, viewer))

    assert [order.total_amount for order in placed] == [10_000, 10_000, 10_000, 10_000, 9_900]
    assert placed[0].id == placed[1].id
    assert len({order.id for order in placed}) == 4


def test_a_new_order_ends_the_open_one_for_good(backends):
    viewer = fill_cart(backends)
    first = place(backends, viewer)
    fill_cart(backends, 1, viewer)

    second = place(backends, viewer)

    assert (status(backends, first), status(backends, second)) == (OrderStatus.EXPIRED, OrderStatus.PENDING)
    assert backends.payments.look_up(first.checkout_id).state is PaymentState.EXPIRED
    backends.payments.decide(first.checkout_id, PaymentState.PAID)
    assert backends.payments.look_up(first.checkout_id).state is PaymentState.EXPIRED


def test_another_browsers_open_order_stays(backends):
    account = make_account(backends)
    first = place(backends, fill_cart(backends, viewer=make_viewer(account)))

    place(backends, fill_cart(backends, viewer=make_viewer(account)))

    assert status(backends, first) is OrderStatus.PENDING


def test_an_open_order_that_turns_out_to_be_paid_takes_its_photos_out_of_the_next(backends):
    viewer = fill_cart(backends)
    first = place(backends, viewer)
    backends.payments.decide(first.checkout_id, PaymentState.PAID)  # and its message is lost
    fill_cart(backends, 1, viewer)

    second = place(backends, viewer)

    assert (status(backends, first), second.total_amount) == (OrderStatus.PAID, 12_000)


def test_nothing_is_ordered_beside_a_payment_that_is_under_way(backends):
    viewer = fill_cart(backends)
    first = place(backends, viewer)
    backends.payments = StuckGateway(backends.payments)
    fill_cart(backends, 1, viewer)

    with pytest.raises(attempts.PaymentUnderWay):
        place(backends, viewer)

    assert [order.id for order in orders.mine(backends, viewer)] == [first.id]


def test_nothing_is_ordered_while_the_gateway_cannot_end_what_is_open(backends):
    viewer = fill_cart(backends)
    first = place(backends, viewer)
    gateway, away = backends.payments, GatewayAway()
    away.cancel = away.look_up
    backends.payments = away
    fill_cart(backends, 1, viewer)

    with pytest.raises(Unavailable):
        place(backends, viewer)
    backends.payments = gateway

    assert place(backends, viewer).id != first.id
    assert status(backends, first) is OrderStatus.EXPIRED


def test_different_carts_placed_at_once_leave_one_open_order(backends):
    viewer = fill_cart(backends)

    def grow_and_place() -> Order:
        fill_cart(backends, 1, viewer)
        return place(backends, viewer)

    at_once(4, grow_and_place)

    with backends.reading() as session:
        placed = session.exec(select(Order)).all()
    assert len([order for order in placed if order.status is OrderStatus.PENDING]) == 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_an_event_asks_an_order_adds_up_to_the_last_satang(backends, data):
    terms = Terms(
        price_amount=data.draw(st.integers(0, 20_000)),
        web_amount=data.draw(st.none() | st.integers(0, 20_000)),
        tiers=data.draw(st.sampled_from([(), ((2, 7),), ((2, 7), (3, 33))])),
        free_count=data.draw(st.integers(0, 2)),
        tax_basis_points=data.draw(st.sampled_from([0, 700, 725])),
        is_tax_included=data.draw(st.booleans()),
    )
    viewer = fill_cart(backends, data.draw(st.integers(1, 4)), event=make_offer(backends, terms))
    fill_cart(backends, 1, viewer)

    order = checkouts.place(backends, viewer, f"{viewer.visitor_key[:8]}@example.org")

    lines, rows = orders.lines(backends, order), bills.rows(order)
    said = sum(row.amount for row in rows if row.kind is not RowKind.TAX_INCLUDED)
    assert order.total_amount == sum(line.amount for line in lines) == said
    assert order.tax_amount == sum(line.tax_amount for line in lines)


def test_an_order_that_is_over_but_paid_unheard_is_what_placing_again_returns(backends):
    viewer = fill_cart(backends)
    first = place(backends, viewer)
    backends.payments.decide(first.checkout_id, PaymentState.PAID)
    later = first.expires_at
    backends.now = lambda: later

    again = place(backends, viewer)

    assert (again.id, again.status) == (first.id, OrderStatus.PAID)
    assert payments.refresh(backends, first.id).status is OrderStatus.PAID
