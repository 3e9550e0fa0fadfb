"""Orders as their buyers read them, and as nobody else does."""

import pytest

from core import carts, checkouts, orders, purchases
from core.access import Viewer
from core.downloads import NotPaid
from core.gateway import PaymentState
from core.orders import NoSuchOrder
from core.paging import Asked
from models.order import Order, OrderStatus
from tests.makers import make_account, make_event, make_photo, make_viewer, some_id


def buy(backends, viewer: Viewer, photos: int = 1, price: int = 12_000) -> Order:
    event = make_event(backends, price_amount=price)
    carts.add(backends, viewer, [make_photo(backends, event).id for _ in range(photos)])
    return checkouts.place(backends, viewer, "runner@example.org")


def test_ones_own_orders_come_newest_first_with_their_lines(backends):
    viewer = make_viewer()
    buy(backends, make_viewer())
    placed = []
    for number in range(1, 4):
        carts.clear(backends, viewer)
        placed.append(buy(backends, viewer, photos=number))

    first = purchases.listing(backends, Asked(2), by=viewer)
    second = purchases.listing(backends, Asked(2, first.next_cursor), by=viewer)

    found = [*first.items, *second.items]
    assert [one.order.id for one in found] == [order.id for order in placed[::-1]]
    assert [one.lines for one in found] == [orders.lines(backends, order) for order in placed[::-1]]
    assert [len(one.lines) for one in found] == [3, 2, 1]
    assert second.next_cursor is None


def test_orders_are_filtered_by_where_they_stand(backends):
    viewer = make_viewer()
    free, dear = buy(backends, viewer, price=0), buy(backends, viewer)

    found = {
        status: [one.order.id for one in purchases.listing(backends, Asked(), by=viewer, status=status).items]
        for status in OrderStatus
    }

    assert {status: ids for status, ids in found.items() if ids} == {
        OrderStatus.PAID: [free.id],
        OrderStatus.PENDING: [dear.id],
    }


def test_an_order_is_found_by_its_buyer_and_by_who_has_its_address(backends):
    viewer = make_viewer()
    order = buy(backends, viewer)

    own = purchases.find(backends, order.id, by=viewer)
    shared = purchases.find(backends, order.id, orders.address_token(backends, order), by=make_viewer())

    assert (own.order.id, own.is_own) == (order.id, True)
    assert (shared.order.id, shared.is_own) == (order.id, False)
    assert own.lines == shared.lines == orders.lines(backends, order)


@pytest.mark.parametrize(
    "ask",
    [purchases.find, purchases.refresh, purchases.files, purchases.papers, purchases.start_intent],
)
def test_to_everybody_else_there_is_no_such_order(backends, ask):
    order, other = buy(backends, make_viewer(make_account(backends))), buy(backends, make_viewer())
    stranger = make_viewer(make_account(backends))
    tokens = (
        "",
        "guessed",
        orders.address_token(backends, other),
        backends.signer.sign("img", str(order.id)),
    )

    for viewer in (stranger, make_viewer(), Viewer(""), Viewer(order.visitor_key)):
        for token in tokens:
            with pytest.raises(NoSuchOrder):
                ask(backends, order.id, token, by=viewer)
    with pytest.raises(NoSuchOrder):
        ask(backends, some_id(), by=stranger)


def test_refreshing_asks_the_gateway_and_files_come_once_paid(backends):
    viewer = make_viewer()
    order = buy(backends, viewer, photos=2)
    with pytest.raises(NotPaid):
        purchases.files(backends, order.id, by=viewer)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    refreshed = purchases.refresh(backends, order.id, by=viewer)

    files = purchases.files(backends, order.id, by=viewer)
    assert refreshed.order.status is OrderStatus.PAID
    assert {link.photo.id for link in files} == {line.photo_id for line in refreshed.lines}


def test_a_stranger_has_nobody_asked_about_an_order(backends):
    order = buy(backends, make_viewer())
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    with pytest.raises(NoSuchOrder):
        purchases.refresh(backends, order.id, by=make_viewer())

    assert orders.find(backends, order.id).status is OrderStatus.PENDING
