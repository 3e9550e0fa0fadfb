"""Cart, demo payment, order, orders and sales, as a visitor and an analyst meet them."""

import json

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import carts, orders
from core.access import Viewer
from core.adapters.demo_gateway import SIGNATURE_HEADER
from core.backends import Backends
from core.gateway import PaymentState
from models.account import Account
from models.event import Event, MemberRole
from models.order import Download, Order, OrderStatus
from models.photo import Photo, Review
from pages.parts import site
from tests.browser import FRAME, PAGES
from tests.makers import make_event, make_member, make_photo


class Browser:
    """One visitor's browser, and the addresses it was sent to."""

    def __init__(self) -> None:
        self.viewer = Viewer("visitor" * 8)
        self.sent_to: list[str] = []

    def open(self, page: str, **query: str) -> AppTest:
        opened = AppTest.from_string(FRAME.format(path=str(PAGES / page)), default_timeout=20)
        opened.query_params.update(query)
        return sound(opened.run())

    def follow(self) -> AppTest:
        """Open the page of ours that it was sent to last."""
        path, _, query = self.sent_to[-1].partition("?")
        name, _, value = query.partition("=")
        return self.open(f"visitor{path}.py", **({name: value} if name else {}))


@pytest.fixture
def browser(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = Browser()
    monkeypatch.setattr(site, "viewer", lambda: browser.viewer)
    monkeypatch.setattr(site, "account", lambda: browser.viewer.account)
    monkeypatch.setattr(site, "redirect", browser.sent_to.append)
    return browser


def sound(page: AppTest) -> AppTest:
    """The page, on which nothing broke."""
    assert not page.exception
    return page


def html(page: AppTest) -> str:
    """All HTML of a page."""
    return "\n".join(block.proto.body for block in page.get("html"))


def fill_cart(backends: Backends, browser: Browser, *, photos: int = 1, **fields: object) -> Event:
    """An event, some of whose photos lie in the browser's cart."""
    event = make_event(backends, **fields)
    carts.add(backends, browser.viewer, [make_photo(backends, event).id for _ in range(photos)])
    return event


def place(backends: Backends, browser: Browser, **fields: object) -> Order:
    """An order of what was put into the cart."""
    fill_cart(backends, browser, **fields)
    return orders.place(backends, browser.viewer, "runner@example.org")


def pay(backends: Backends, order: Order) -> Order:
    """The order, paid."""
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return orders.refresh(backends, order.id)


def token(backends: Backends, order: Order) -> str:
    """The secret part of the order's address."""
    return orders.address_token(backends, order)


# Cart


def test_an_empty_cart_shows_the_way_to_the_events(browser):
    page = browser.open("visitor/cart.py")

    assert 'href="/"' in html(page)
    assert not page.button


def test_the_cart_explains_the_total_and_has_one_primary_button(backends, browser):
    fill_cart(backends, browser, photos=2, name="Run <b>1</b>")

    page = browser.open("visitor/cart.py")

    assert "Run &lt;b&gt;1&lt;/b&gt;: 2 × ฿120" in html(page)
    assert "฿240" in html(page)
    assert html(page).count('src="/img/') == 2
    primary = [button.label for button in page.button if button.proto.type == "primary"]
    assert primary == ["Pay ฿240"]


def test_a_photo_is_taken_out_of_the_cart(backends, browser):
    fill_cart(backends, browser, photos=2)
    page = browser.open("visitor/cart.py")

    remove = next(button for button in page.button if button.label == "Remove")
    sound(remove.click().run())

    assert carts.count(backends, browser.viewer) == 1


def test_a_withdrawn_photo_is_shown_apart_and_can_be_taken_out(backends, browser):
    fill_cart(backends, browser, photos=2)
    with backends.transaction() as session:
        session.exec(select(Photo)).first().review = Review.REJECTED

    page = browser.open("visitor/cart.py")
    warning = page.warning[0].value
    bill = html(page)
    sound(page.button(key="withdrawn").click().run())

    assert "no longer for sale" in warning
    assert ("฿120" in bill, "฿240" in bill) == (True, False)
    assert carts.count(backends, browser.viewer) == 1


def test_paying_sends_the_browser_to_the_checkout(backends, browser):
    fill_cart(backends, browser)
    page = browser.open("visitor/cart.py")

    page.text_input[0].input("runner@example.org")
    sound(page.button[-1].click().run())

    (order,) = orders.mine(backends, browser.viewer)
    assert browser.sent_to == [f"/pay?c={order.checkout_id}"]


def test_without_a_proper_address_nothing_is_ordered(backends, browser):
    fill_cart(backends, browser)
    page = browser.open("visitor/cart.py")

    page.text_input[0].input("nonsense")
    page.button[-1].click().run()

    assert "email address" in page.error[0].value
    assert (browser.sent_to, list(orders.mine(backends, browser.viewer))) == ([], [])


def test_free_photos_come_without_a_payment(backends, browser):
    fill_cart(backends, browser, price_amount=0)
    page = browser.open("visitor/cart.py")

    page.text_input[0].input("runner@example.org")
    sound(page.button[-1].click().run())

    assert "/downloads/" in html(browser.follow())


# Demo payment


def test_the_demo_payment_says_that_no_money_moves(backends, browser):
    order = place(backends, browser, photos=2)

    page = browser.open("visitor/pay.py", c=order.checkout_id)

    assert "No money moves" in html(page)
    assert "฿240" in html(page)
    assert [button.label for button in page.button] == ["Pay", "Refuse", "Leave"]


@pytest.mark.parametrize(
    ("button", "status"), [("pay", OrderStatus.PAID), ("refuse", OrderStatus.FAILED)], ids=["pay", "refuse"]
)
def test_the_answer_leads_back_to_an_order_that_knows_it(backends, browser, button, status):
    order = place(backends, browser)
    page = browser.open("visitor/pay.py", c=order.checkout_id)

    sound(page.button(key=button).click().run())
    browser.follow()

    assert browser.sent_to == [orders.address(backends, order)]
    assert orders.find(backends, order.id).status is status


def test_leaving_the_payment_keeps_the_cart(backends, browser):
    order = place(backends, browser)
    page = browser.open("visitor/pay.py", c=order.checkout_id)

    sound(page.button(key="leave").click().run())

    assert browser.sent_to == ["/cart"]
    assert carts.count(backends, browser.viewer) == 1
    assert orders.find(backends, order.id).status is OrderStatus.PENDING


def test_an_answered_payment_asks_nothing_again(backends, browser):
    order = pay(backends, place(backends, browser))

    page = browser.open("visitor/pay.py", c=order.checkout_id)

    assert not page.button
    assert orders.address(backends, order) in html(page)


@pytest.mark.parametrize("checkout_id", ["", "demo_" + "0" * 40, "../secret"])
def test_a_payment_that_is_not_there_is_refused_kindly(browser, checkout_id):
    page = browser.open("visitor/pay.py", c=checkout_id)

    assert page.error[0].value == "There is no such payment."


# Order


def test_a_paid_order_offers_each_file_and_all_of_them(backends, browser):
    order = pay(backends, place(backends, browser, photos=2))

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert html(page).count(" download ") == 2
    assert f'href="/downloads/zip/{token(backends, order)}"' in html(page)
    assert html(page).count("20 downloads left") == 2
    assert page.code[0].value == f"http://localhost:8501{orders.address(backends, order)}"


def test_a_file_without_downloads_left_has_no_link(backends, browser):
    order = pay(backends, place(backends, browser))
    with backends.transaction() as session:
        download = session.exec(select(Download)).one()
        download.count = download.limit

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert "/downloads/" not in html(page)
    assert "No downloads left" in html(page)


def test_a_waiting_order_leads_to_its_payment(backends, browser):
    order = place(backends, browser)

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert f'href="/pay?c={order.checkout_id}"' in html(page)
    assert "changes by itself" in page.info[0].value
    assert "/downloads/" not in html(page)


def test_opening_a_waiting_order_finds_a_payment_whose_message_was_lost(backends, browser):
    order = place(backends, browser)
    backends.payments.decide(order.checkout_id, PaymentState.PAID)

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert "Thank you" in page.success[0].value


def test_a_held_order_is_explained_and_delivers_nothing(backends, browser):
    order = place(backends, browser)
    message = {
        "type": "checkout",
        "id": "of the gateway",
        "order_id": str(order.id),
        "checkout_id": order.checkout_id,
        "state": "paid",
        "amount": 1,
        "currency": "THB",
    }
    body = json.dumps(message).encode()
    orders.receive(backends, body, {SIGNATURE_HEADER: backends.payments.signature(body)})

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert "does not fit" in page.warning[0].value
    assert "/downloads/" not in html(page)


@pytest.mark.parametrize("state", [PaymentState.FAILED, PaymentState.EXPIRED])
def test_an_order_that_came_to_nothing_leads_back_to_the_cart(backends, browser, state):
    order = place(backends, browser)
    backends.payments.decide(order.checkout_id, state)

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert "nothing was charged" in page.warning[0].value
    assert 'href="/cart"' in html(page)


def test_a_wrong_order_address_is_refused_kindly(browser):
    assert "no such order" in browser.open("visitor/order.py", o="nonsense").error[0].value


# Orders


def test_orders_are_listed_with_their_private_address(backends, browser):
    order = pay(backends, place(backends, browser))

    page = browser.open("visitor/orders.py")

    assert f'href="{orders.address(backends, order)}"' in html(page)
    assert "Paid" in html(page)


def test_another_browser_sees_none_of_them(backends, browser):
    order = place(backends, browser)
    browser.viewer = Viewer("another" * 8)

    page = browser.open("visitor/orders.py")

    assert orders.address(backends, order) not in html(page)
    assert "No orders yet" in html(page)


# Sales


def sign_in_analyst(backends: Backends, browser: Browser, event: Event) -> Account:
    """The browser belongs to an analyst of the event from now on."""
    account = make_member(backends, event, MemberRole.ANALYST)
    browser.viewer = Viewer(browser.viewer.visitor_key, account)
    return account


def test_sales_show_sums_days_and_the_best_photos_without_the_buyer(backends, browser):
    order = pay(backends, place(backends, browser, photos=2))
    with backends.reading() as session:
        event = session.exec(select(Event)).one()
    sign_in_analyst(backends, browser, event)

    page = browser.open("analyst/sales.py", id=str(event.id))

    assert {metric.label: metric.value for metric in page.metric} == {
        "Revenue": "฿240",
        "Orders": "1",
        "Photos sold": "2",
        "Average order": "฿240",
    }
    assert page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")
    assert html(page).count("sold once") == 2
    assert order.email not in html(page)


def test_an_event_that_sold_nothing_says_so(backends, browser):
    event = make_event(backends)
    sign_in_analyst(backends, browser, event)

    page = browser.open("analyst/sales.py", id=str(event.id))

    assert "Nothing sold yet" in html(page)
    assert not page.metric


def test_the_sales_of_others_are_not_shown(backends, browser):
    foreign = place(backends, browser)
    pay(backends, foreign)
    own = make_event(backends, name="My own run")
    sign_in_analyst(backends, browser, own)

    page = browser.open("analyst/sales.py")

    assert page.selectbox[0].options == [f"My own run · {site.day(own.held_on)}"]
    assert "Nothing sold yet" in html(page)
