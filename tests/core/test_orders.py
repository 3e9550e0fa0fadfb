"""From the cart to a paid order, whatever the gateway says, how often and in which order."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import func, select

from core import audit, carts, checkouts, orders
from core.access import Viewer
from core.adapters.demo_gateway import SIGNATURE_HEADER
from core.errors import Forbidden, InvalidInput, NotFound, Unavailable
from core.gateway import PaymentState
from models.activity import Activity, ActivityKind
from models.audit import AuditEntry
from models.cart import CartItem
from models.event import Event
from models.fields import utc_now
from models.job import Job, JobKind
from models.order import Download, Order, OrderStatus, ReceivedEvent
from models.photo import Photo, Review
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
    return orders.place(backends, fill_cart(backends, **cart), EMAIL)


def message(backends, order: Order, **fields) -> tuple[bytes, dict[str, str]]:
    """A message that the gateway signed about an order."""
    content = {
        "type": "checkout",
        "id": uuid4().hex,
        "order_id": str(order.id),
        "checkout_id": order.checkout_id,
        "state": "paid",
        "amount": order.total_amount,
        "currency": order.currency,
    }
    body = json.dumps(content | fields).encode()
    return body, {SIGNATURE_HEADER: backends.payments.signature(body)}


def tell(backends, order: Order, **fields) -> None:
    """Receive a message and settle it."""
    orders.receive(backends, *message(backends, order, **fields))
    orders.settle(backends, str(order.id))


def count(backends, table, *where) -> int:
    """How many rows there are."""
    with backends.reading() as session:
        return session.exec(select(func.count()).select_from(table).where(*where)).one()


def at_once(number: int, work: Callable[[], object]) -> list[object]:
    """Run the same work in several threads at the same moment; return what each gave or raised."""
    barrier, results = threading.Barrier(number), []

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001  a thread's error would be lost otherwise
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class GatewayAway:
    """A gateway that does not answer."""

    name = "demo"

    def start_checkout(self, request):
        raise Unavailable("The payment service does not answer. Try again in a minute.")

    def look_up(self, checkout_id):
        raise Unavailable("The payment service does not answer. Try again in a minute.")


# Placing


def test_an_order_copies_the_prices_and_opens_a_checkout(backends):
    viewer = fill_cart(backends, price=12_000, photos=2)

    order = orders.place(backends, viewer, " Runner@Example.org ")

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

    tell(backends, order)

    paid = orders.find(backends, order.id)
    assert (paid.status, paid.total_amount) == (OrderStatus.PAID, 12_000)


def test_an_empty_cart_is_no_order(backends):
    with pytest.raises(orders.CartIsEmpty):
        orders.place(backends, make_viewer(), EMAIL)

    assert count(backends, Order) == 0


def test_a_photo_withdrawn_meanwhile_is_never_ordered(backends):
    viewer = fill_cart(backends, photos=2)
    with backends.transaction() as session:
        withdrawn = session.exec(select(Photo)).first()
        withdrawn.review = Review.REJECTED

    order = orders.place(backends, viewer, EMAIL)

    assert order.total_amount == 12_000
    assert withdrawn.id not in {item.photo_id for item in orders.lines(backends, order)}


@pytest.mark.parametrize(
    "email", ["", "runner", "a@b", "a b@example.org", "a@example.org\nBcc: x@y.zz", "a@@b.org"]
)
def test_an_address_that_cannot_receive_mail_is_refused(backends, email):
    viewer = fill_cart(backends)

    with pytest.raises(InvalidInput, match="email"):
        orders.place(backends, viewer, email)


def test_a_free_order_is_paid_at_once_without_the_gateway(backends):
    viewer = fill_cart(backends, price=0)
    backends.payments = GatewayAway()

    order = orders.place(backends, viewer, EMAIL)

    assert (order.status, order.checkout_id, order.gateway) == (OrderStatus.PAID, None, "free")
    assert order.paid_at is not None
    assert count(backends, Download) == 2
    assert carts.count(backends, viewer) == 0


def test_the_same_cart_placed_twice_is_the_same_order(backends):
    viewer = fill_cart(backends)

    first, second = orders.place(backends, viewer, EMAIL), orders.place(backends, viewer, EMAIL)

    assert (first.id, first.checkout_url) == (second.id, second.checkout_url)
    assert count(backends, Order) == 1


def test_another_cart_or_address_is_another_order(backends):
    viewer = fill_cart(backends)
    first = orders.place(backends, viewer, EMAIL)

    other_address = orders.place(backends, viewer, "friend@example.org")
    carts.add(backends, viewer, [make_photo(backends, make_event(backends)).id])
    other_cart = orders.place(backends, viewer, EMAIL)

    assert len({first.id, other_address.id, other_cart.id}) == 3


def test_a_double_click_makes_one_order(backends):
    viewer = fill_cart(backends)

    placed = at_once(6, lambda: orders.place(backends, viewer, EMAIL).id)

    assert len(placed) == 6
    assert len(set(placed)) == 1
    assert count(backends, Order) == 1


def test_a_double_click_without_the_key_of_the_cart_makes_several(backends, monkeypatch):
    """The negative control: it is the key that makes one of two."""
    viewer = fill_cart(backends)
    monkeypatch.setattr(checkouts, "cart_key", lambda *_: uuid4().hex)

    at_once(6, lambda: orders.place(backends, viewer, EMAIL).id)

    assert count(backends, Order) == 6


def test_a_double_click_on_a_free_cart_makes_one_order(backends):
    viewer = fill_cart(backends, price=0)

    placed = at_once(4, lambda: orders.place(backends, viewer, EMAIL))

    assert count(backends, Order) == 1
    assert sorted(type(one).__name__ for one in placed) == ["CartIsEmpty"] * 3 + ["Order"]


def test_an_order_survives_a_gateway_that_is_away_and_is_tried_again(backends):
    viewer = fill_cart(backends)
    gateway, backends.payments = backends.payments, GatewayAway()
    with pytest.raises(Unavailable):
        orders.place(backends, viewer, EMAIL)
    waiting = orders.mine(backends, viewer)

    backends.payments = gateway
    order = orders.place(backends, viewer, EMAIL)

    assert [one.id for one in waiting] == [order.id]
    assert order.checkout_url is not None


def test_an_order_whose_time_is_over_is_replaced_by_a_new_one(backends):
    viewer = fill_cart(backends)
    first = orders.place(backends, viewer, EMAIL)
    backends.now = lambda: utc_now() + timedelta(hours=1)

    second = orders.place(backends, viewer, EMAIL)

    assert second.id != first.id
    assert orders.find(backends, first.id).status is OrderStatus.EXPIRED
    assert second.checkout_url != first.checkout_url


def test_coming_back_unpaid_finds_the_cart_as_it_was(backends):
    viewer = fill_cart(backends, photos=2)
    order = orders.place(backends, viewer, EMAIL)

    cancel_url = backends.payments.request(order.checkout_id).cancel_url

    assert cancel_url == "http://localhost:8501/cart"
    assert carts.count(backends, viewer) == 2


# Messages about money


def test_a_payment_makes_the_order_paid_and_grants_its_files(backends, work):
    viewer = fill_cart(backends, photos=2)
    order = orders.place(backends, viewer, EMAIL)
    later = make_photo(backends, make_event(backends))
    carts.add(backends, viewer, [later.id])

    orders.receive(backends, *message(backends, order))
    before = orders.find(backends, order.id).status
    work()

    paid = orders.find(backends, order.id)
    assert (before, paid.status, paid.pending_key) == (OrderStatus.PENDING, OrderStatus.PAID, None)
    assert count(backends, Download, Download.order_id == order.id) == 2
    with backends.reading() as session:
        assert [item.photo_id for item in session.exec(select(CartItem))] == [later.id]
        activity = session.exec(select(Activity).where(Activity.kind == ActivityKind.PAID)).one()
    assert activity.numbers == {"amount": 24_000, "count": 2}
    assert (activity.subject, activity.visitor_key) == (str(order.id), viewer.visitor_key)


def test_an_unsigned_message_changes_nothing(backends):
    order = make_order(backends)
    body, _ = message(backends, order)

    with pytest.raises(Forbidden):
        orders.receive(backends, body, {SIGNATURE_HEADER: f"t=1,v1={'0' * 64}"})

    assert count(backends, ReceivedEvent) == 0


def test_a_message_that_comes_twice_is_written_down_once(backends):
    order = make_order(backends)
    body, headers = message(backends, order)

    orders.receive(backends, body, headers)
    orders.receive(backends, body, headers)

    assert count(backends, ReceivedEvent) == 1
    assert count(backends, Job, Job.kind == JobKind.SETTLE_ORDER) == 1


def test_two_deliveries_of_a_message_at_once_are_one(backends, work):
    order = make_order(backends)
    body, headers = message(backends, order)

    results = at_once(6, lambda: orders.receive(backends, body, headers))
    settled = at_once(6, lambda: orders.settle(backends, str(order.id)))

    assert results == [None] * 6
    assert settled == [None] * 6
    assert count(backends, ReceivedEvent) == 1
    assert count(backends, Download) == 2
    assert count(backends, Activity, Activity.kind == ActivityKind.PAID) == 1


def test_paying_without_looking_at_the_status_would_grant_twice(backends, monkeypatch):
    """The negative control: without the condition of the UPDATE, a second payment tries to grant again."""
    order = make_order(backends)
    tell(backends, order)
    monkeypatch.setattr(orders, "UNPAID", tuple(OrderStatus))

    with pytest.raises(Exception, match="UNIQUE"):
        tell(backends, order)


@pytest.mark.parametrize("late", ["failed", "expired"])
def test_a_late_bad_message_never_takes_a_payment_back(backends, late):
    order = make_order(backends)

    tell(backends, order)
    tell(backends, order, state=late)

    assert orders.find(backends, order.id).status is OrderStatus.PAID
    assert count(backends, Download) == 2


@pytest.mark.parametrize(
    ("early", "status"), [("failed", OrderStatus.FAILED), ("expired", OrderStatus.EXPIRED)]
)
def test_a_payment_wins_over_a_bad_message_that_came_first(backends, early, status):
    order = make_order(backends)

    tell(backends, order, state=early)
    between = orders.find(backends, order.id)
    tell(backends, order)

    assert (between.status, between.pending_key) == (status, None)
    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_a_refused_payment_lets_the_cart_be_ordered_again(backends):
    viewer = fill_cart(backends)
    first = orders.place(backends, viewer, EMAIL)
    tell(backends, first, state="failed")

    second = orders.place(backends, viewer, EMAIL)

    assert second.id != first.id
    assert carts.count(backends, viewer) == 2


@pytest.mark.parametrize(
    "wrong", [{"amount": 1}, {"amount": 24_001}, {"currency": "USD"}, {"checkout_id": "demo_of_another"}]
)
def test_money_that_does_not_fit_is_put_aside_and_delivers_nothing(backends, wrong):
    order = make_order(backends)

    tell(backends, order, **wrong)

    with backends.reading() as session:
        entry = session.exec(select(AuditEntry)).one()
    assert orders.find(backends, order.id).status is OrderStatus.HELD
    assert (entry.action, entry.subject) == ("order.held", str(order.id))
    assert count(backends, Download) == 0
    assert audit.first_break(backends) is None


@pytest.mark.parametrize("next_", [{"state": "failed"}, {"state": "expired"}, {"amount": 2}])
def test_a_held_order_waits_for_a_human_while_no_correct_payment_comes(backends, next_):
    order = make_order(backends)
    tell(backends, order, amount=1)

    tell(backends, order, **next_)
    orders.expire(backends, str(order.id))

    assert orders.find(backends, order.id).status is OrderStatus.HELD
    assert count(backends, Download) == 0


def test_a_correct_payment_settles_a_held_order(backends):
    order = make_order(backends)
    tell(backends, order, amount=1)

    tell(backends, order)

    assert orders.find(backends, order.id).status is OrderStatus.PAID
    assert count(backends, Download, Download.order_id == order.id) == 2
    assert count(backends, Activity, Activity.kind == ActivityKind.PAID) == 1


def test_money_that_does_not_fit_a_paid_order_is_noted_and_takes_nothing_back(backends):
    order = make_order(backends)
    tell(backends, order)

    tell(backends, order, amount=1)

    assert orders.find(backends, order.id).status is OrderStatus.PAID
    assert count(backends, AuditEntry) == 1


def test_a_message_about_an_order_that_is_not_ours_is_not_found(backends):
    order = make_order(backends)

    with pytest.raises(NotFound):
        orders.receive(backends, *message(backends, order, order_id=str(uuid4())))


# Messages that were lost


def test_the_return_page_asks_the_gateway_itself(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)  # its message is lost

    refreshed = orders.refresh(backends, order.id)

    assert refreshed.status is OrderStatus.PAID
    assert count(backends, Download) == 2


def test_asking_and_being_told_pay_once(backends, work):
    order = make_order(backends)
    body, headers = backends.payments.decide(order.checkout_id, PaymentState.PAID)

    orders.refresh(backends, order.id)
    orders.receive(backends, body, headers)
    orders.refresh(backends, order.id)
    work()

    assert count(backends, Download) == 2
    assert count(backends, Activity, Activity.kind == ActivityKind.PAID) == 1


def test_asking_about_an_open_checkout_changes_nothing(backends):
    order = make_order(backends)

    assert orders.refresh(backends, order.id).status is OrderStatus.PENDING
    assert count(backends, ReceivedEvent) == 0


def test_a_gateway_that_is_away_does_not_break_the_return_page(backends):
    order = make_order(backends)
    backends.payments = GatewayAway()

    assert orders.refresh(backends, order.id).status is OrderStatus.PENDING


def test_an_unpaid_order_ends_when_its_time_is_over(backends):
    viewer = fill_cart(backends)
    order = orders.place(backends, viewer, EMAIL)

    orders.expire(backends, str(order.id))

    ended = orders.find(backends, order.id)
    assert (ended.status, ended.pending_key) == (OrderStatus.EXPIRED, None)
    assert carts.count(backends, viewer) == 2


def test_an_order_that_was_paid_unheard_is_paid_when_its_time_is_over(backends):
    order = make_order(backends)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    orders.expire(backends, str(order.id))

    assert orders.find(backends, order.id).status is OrderStatus.PAID


def test_an_order_does_not_end_while_the_gateway_is_away(backends):
    order = make_order(backends)
    backends.payments = GatewayAway()

    with pytest.raises(Unavailable):
        orders.expire(backends, str(order.id))

    assert orders.find(backends, order.id).status is OrderStatus.PENDING


def test_the_end_of_an_order_is_a_job_at_its_expiry(backends):
    order = make_order(backends)

    with backends.reading() as session:
        job = session.exec(select(Job).where(Job.kind == JobKind.EXPIRE_ORDER)).one()

    assert job.subject == str(order.id)
    assert abs(job.run_at - order.expires_at) < timedelta(seconds=5)


# Every history


HAPPENINGS = st.lists(
    st.sampled_from(
        ["paid", "failed", "expired", "open", "wrong amount", "repeat", "look", "bank", "time is over"]
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HAPPENINGS)
def test_whatever_happens_an_order_is_paid_at_most_once_and_files_are_granted_if_paid(backends, history):
    order = make_order(backends)
    last = message(backends, order, state="open")

    for happening in history:
        last = happen(backends, order, happening, last)

    status = orders.find(backends, order.id).status
    granted = count(backends, Download, Download.order_id == order.id)
    paid = count(backends, Activity, Activity.kind == ActivityKind.PAID, Activity.subject == str(order.id))
    assert (granted, paid) == ((2, 1) if status is OrderStatus.PAID else (0, 0))
    assert status is expected(history)


def happen(backends, order: Order, happening: str, last: tuple[bytes, dict[str, str]]):
    """One thing of a history; returns the last message sent."""
    match happening:
        case "look":
            orders.refresh(backends, order.id)
        case "bank":  # the visitor pays, and the message is lost
            backends.payments.decide(order.checkout_id, PaymentState.PAID)
        case "time is over":
            orders.expire(backends, str(order.id))
        case _:
            if happening == "wrong amount":
                last = message(backends, order, amount=1)
            elif happening != "repeat":
                last = message(backends, order, state=happening)
            orders.receive(backends, *last)
            orders.settle(backends, str(order.id))
    return last


def expected(history: list[str]) -> OrderStatus:
    """The rule in its plainest words: the first payment decides, else the first bad end does."""
    status, is_paid_at_bank = OrderStatus.PENDING, False
    for happening in history:
        is_paid_at_bank |= happening == "bank"
        is_settled = status in (OrderStatus.PAID, OrderStatus.HELD)
        if happening == "paid" or (
            is_paid_at_bank and happening in ("look", "time is over") and not is_settled
        ):
            status = OrderStatus.PAID
        elif is_settled:
            continue
        elif happening == "wrong amount":
            status = OrderStatus.HELD
        elif status is OrderStatus.PENDING and happening == "failed":
            status = OrderStatus.FAILED
        elif status is OrderStatus.PENDING and happening in ("expired", "time is over"):
            status = OrderStatus.EXPIRED
    return status


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
    order = orders.place(backends, buyer, EMAIL)

    elsewhere = make_viewer(account)

    assert [one.id for one in orders.mine(backends, elsewhere)] == [order.id]
    assert orders.mine(backends, make_viewer(make_account(backends))) == []
    assert orders.mine(backends, Viewer("")) == []
