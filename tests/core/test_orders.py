"""From the cart to a paid order, whatever the gateway says, how often and in which order."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from core import carts, checkouts, orders, payments
from core.access import Viewer
from core.errors import InvalidInput, Unavailable
from core.gateway import PaymentState
from models.event import Event
from models.fields import utc_now
from models.order import Download, Order, OrderStatus
from models.photo import Photo, Review
from tests.core.money import GatewayAway, at_once, count
from tests.makers import make_account, make_event, make_photo, make_viewer

EMAIL = "runner@example.org"


def fill_cart(backends, *, price: int = 12_000, photos: int = 2) -> Viewer:
    """A visitor whose cart holds photos of one event."""
    event = make_event(backends, price_amount=price)
    viewer = make_viewer()
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(photos)])
    return viewer


def make_order(backends, **cart) -> Order:
    """A pending order with an open checkout."""
    return checkouts.place(backends, fill_cart(backends, **cart), EMAIL)


# Placing


def test_an_order_copies_the_prices_and_opens_a_checkout(backends):
    viewer = fill_cart(backends, price=12_000, photos=2)

    order = checkouts.place(backends, viewer, " Runner@Example.org ")

    request = backends.payments.request(order.checkout_id)
    assert (order.status, order.total_amount, order.currency) == (OrderStatus.PENDING, 24_000, "THB")
    assert order.email == EMAIL
    assert [item.amount for item in orders.lines(backends, order)] == [12_000, 12_000]
    assert (request.order_id, request.amount, len(request.lines)) == (order.id, 24_000, 1)
    assert (request.lines[0].amount, request.lines[0].quantity) == (24_000, 2)
    assert orders.by_token(backends, request.return_url.split("o=")[1]).id == order.id


def test_a_price_changed_after_placing_does_not_change_the_order(backends):
    order = make_order(backends, price=12_000, photos=1)
    with backends.transaction() as session:
        session.exec(select(Event)).one().price_amount = 1

    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    paid = payments.refresh(backends, order.id)

    assert (paid.status, paid.total_amount) == (OrderStatus.PAID, 12_000)


def test_an_empty_cart_is_no_order(backends):
    with pytest.raises(checkouts.CartIsEmpty):
        checkouts.place(backends, make_viewer(), EMAIL)

    assert count(backends, Order) == 0


def test_a_photo_withdrawn_meanwhile_is_never_ordered(backends):
    viewer = fill_cart(backends, photos=2)
    with backends.transaction() as session:
        withdrawn = session.exec(select(Photo)).first()
        withdrawn.review = Review.REJECTED

    order = checkouts.place(backends, viewer, EMAIL)

    assert order.total_amount == 12_000
    assert withdrawn.id not in {item.photo_id for item in orders.lines(backends, order)}


@pytest.mark.parametrize(
    "email", ["", "runner", "a@b", "a b@example.org", "a@example.org\nBcc: x@y.zz", "a@@b.org"]
)
def test_an_address_that_cannot_receive_mail_is_refused(backends, email):
    viewer = fill_cart(backends)

    with pytest.raises(InvalidInput, match="email"):
        checkouts.place(backends, viewer, email)


def test_a_free_order_is_paid_at_once_without_the_gateway(backends):
    viewer = fill_cart(backends, price=0)
    backends.payments = GatewayAway()

    order = checkouts.place(backends, viewer, EMAIL)

    assert (order.status, order.checkout_id, order.gateway) == (OrderStatus.PAID, None, "free")
    assert order.paid_at is not None
    assert count(backends, Download) == 2
    assert carts.count(backends, viewer) == 0


def test_the_same_cart_placed_twice_is_the_same_order(backends):
    viewer = fill_cart(backends)

    first, second = checkouts.place(backends, viewer, EMAIL), checkouts.place(backends, viewer, EMAIL)

    assert (first.id, first.checkout_url) == (second.id, second.checkout_url)
    assert count(backends, Order) == 1


def test_another_cart_or_address_is_another_order(backends):
    viewer = fill_cart(backends)
    first = checkouts.place(backends, viewer, EMAIL)

    other_address = checkouts.place(backends, viewer, "friend@example.org")
    carts.add(backends, viewer, [make_photo(backends, make_event(backends)).id])
    other_cart = checkouts.place(backends, viewer, EMAIL)

    assert len({first.id, other_address.id, other_cart.id}) == 3


def test_a_double_click_makes_one_order(backends):
    viewer = fill_cart(backends)

    placed = at_once(6, lambda: checkouts.place(backends, viewer, EMAIL).id)

    assert len(placed) == 6
    assert len(set(placed)) == 1
    assert count(backends, Order) == 1


def test_a_double_click_without_the_key_of_the_cart_makes_several(backends, monkeypatch):
    """The negative control: it is the key that makes one of two."""
    viewer = fill_cart(backends)
    monkeypatch.setattr(checkouts, "cart_key", lambda *_: uuid4().hex)

    at_once(6, lambda: checkouts.place(backends, viewer, EMAIL).id)

    assert count(backends, Order) > 1


def test_a_double_click_on_a_free_cart_makes_one_order(backends):
    viewer = fill_cart(backends, price=0)

    placed = at_once(4, lambda: checkouts.place(backends, viewer, EMAIL))

    assert count(backends, Order) == 1
    assert sorted(type(one).__name__ for one in placed) == ["CartIsEmpty"] * 3 + ["Order"]


def test_an_order_survives_a_gateway_that_is_away_and_is_tried_again(backends):
    viewer = fill_cart(backends)
    gateway, backends.payments = backends.payments, GatewayAway()
    with pytest.raises(Unavailable):
        checkouts.place(backends, viewer, EMAIL)
    waiting = orders.mine(backends, viewer)

    backends.payments = gateway
    order = checkouts.place(backends, viewer, EMAIL)

    assert [one.id for one in waiting] == [order.id]
    assert order.checkout_url is not None


def test_an_order_whose_time_is_over_is_replaced_by_a_new_one(backends):
    viewer = fill_cart(backends)
    first = checkouts.place(backends, viewer, EMAIL)
    backends.now = lambda: utc_now() + timedelta(hours=1)

    second = checkouts.place(backends, viewer, EMAIL)

    assert second.id != first.id
    assert orders.find(backends, first.id).status is OrderStatus.EXPIRED
    assert second.checkout_url != first.checkout_url


def test_coming_back_unpaid_finds_the_cart_as_it_was(backends):
    viewer = fill_cart(backends, photos=2)
    order = checkouts.place(backends, viewer, EMAIL)

    cancel_url = backends.payments.request(order.checkout_id).cancel_url

    assert cancel_url == "http://localhost:8501/cart"
    assert carts.count(backends, viewer) == 2


# Private addresses


def test_the_private_address_opens_one_order_only(backends):
    one, other = make_order(backends), make_order(backends)

    token = orders.address_token(backends, one)

    assert orders.by_token(backends, token).id == one.id != other.id


@pytest.mark.parametrize(
    "spoil", [lambda token: token[:-1], lambda token: token + "A", lambda _: "", lambda _: "ก"]
)
def test_a_changed_private_address_opens_nothing(backends, spoil):
    token = orders.address_token(backends, make_order(backends))

    with pytest.raises(orders.NoSuchOrder):
        orders.by_token(backends, spoil(token))


def test_a_token_made_for_something_else_opens_no_order(backends):
    order = make_order(backends)

    with pytest.raises(orders.NoSuchOrder):
        orders.by_token(backends, backends.signer.sign("download", str(order.id)))


def test_orders_are_listed_to_their_account_on_any_browser_and_to_nobody_else(backends):
    account = make_account(backends)
    event = make_event(backends)
    buyer = make_viewer(account)
    carts.add(backends, buyer, [make_photo(backends, event).id])
    order = checkouts.place(backends, buyer, EMAIL)

    elsewhere = make_viewer(account)

    assert [one.id for one in orders.mine(backends, elsewhere)] == [order.id]
    assert orders.mine(backends, make_viewer(make_account(backends))) == []
    assert orders.mine(backends, Viewer("")) == []
