"""Cart, demo payment, order, orders and sales, as a visitor and an analyst meet them."""

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from core import carts, checkouts, consent, coupons, orders, payments, receipts, refunds, search
from core.access import Viewer
from core.backends import Backends
from core.gateway import PaymentState
from core.settings import ROOT
from models.account import Account
from models.consent import Purpose
from models.event import Event, EventStatus, MemberRole
from models.order import Download, Order, OrderStatus
from models.photo import Photo, Review
from models.price import PriceList
from models.refund import Dispute, RefundStatus
from pages.parts import order_files, site
from pages.parts.people import Person
from tests.browser import FRAME, PAGES
from tests.makers import approve, make_event, make_jpeg, make_member, make_photo, owner_of, upload


class Browser:
    """One visitor's browser, and the addresses it was sent to."""

    def __init__(self) -> None:
        self.viewer = Viewer("visitor" * 8)
        self.sent_to: list[str] = []

    def at(self, page: str, **query: str) -> AppTest:
        """A page that has not run yet."""
        opened = AppTest.from_string(FRAME.format(path=str(PAGES / page)), default_timeout=20)
        opened.query_params.update(query)
        return opened

    def visit(self, address: str, **query: str) -> AppTest:
        """A page in its frame, for links to other pages of the visit; it has not run yet."""
        opened = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=20)
        opened._page_hash = calc_hash(address)  # `switch_page` knows files, not addresses
        opened.query_params.update(query)
        return opened

    def open(self, page: str, **query: str) -> AppTest:
        return sound(self.at(page, **query).run())

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
    return checkouts.place(backends, browser.viewer, "runner@example.org")


def pay(backends: Backends, order: Order) -> Order:
    """The order, paid."""
    backends.payments.decide(order.checkout_id, PaymentState.PAID)
    return payments.refresh(backends, order.id)


def order_for(page: AppTest, email: str) -> AppTest:
    """The page after its form was sent with this address."""
    page.text_input[-1].input(email)
    return page.button[-1].click().run()


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

    assert "Run &lt;b&gt;1&lt;/b&gt; · full size: 2 × ฿120" in html(page)
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

    sound(order_for(page, "runner@example.org"))

    (order,) = orders.mine(backends, browser.viewer)
    assert browser.sent_to == [f"/pay?c={order.checkout_id}"]


def test_without_a_proper_address_nothing_is_ordered(backends, browser):
    fill_cart(backends, browser)
    page = browser.open("visitor/cart.py")

    order_for(page, "nonsense")

    assert "email address" in page.error[0].value
    assert (browser.sent_to, list(orders.mine(backends, browser.viewer))) == ([], [])


def test_free_photos_come_without_a_payment(backends, browser):
    fill_cart(backends, browser, price_amount=0)
    page = browser.open("visitor/cart.py")

    sound(order_for(page, "runner@example.org"))

    assert "/downloads/" in html(browser.follow())


def sell(backends: Backends, event: Event, **terms: object) -> None:
    """Sell an event's photos by these terms beyond their price."""
    with backends.transaction() as session:
        session.add(PriceList(event_id=event.id, **terms))


def pressed(page: AppTest, label: str) -> AppTest:
    """The page after the first button of this label was pressed."""
    button = next(button for button in page.button if button.label == label)
    return sound(button.click().run())


def test_a_photo_is_wanted_in_another_size_where_that_is_sold(backends, browser):
    event = fill_cart(backends, browser)
    sell(backends, event, web_amount=8_000)
    page = browser.open("visitor/cart.py")

    sound(page.segmented_control[0].set_value("web").run())

    (line,) = carts.contents(backends, browser.viewer).quote.lines
    assert (line.size, line.amount) == ("web", 8_000)


def test_where_only_full_sizes_are_sold_there_is_no_choice(backends, browser):
    fill_cart(backends, browser)

    page = browser.open("visitor/cart.py")

    assert not page.segmented_control


def test_the_bill_says_each_step_to_the_total_with_its_tax(backends, browser):
    event = fill_cart(backends, browser, photos=3)
    sell(backends, event, tiers=[[3, 10]], free_count=1, tax_basis_points=700)

    page = browser.open("visitor/cart.py")

    steps = ("full size: 3 × ฿120", "1 free photo", "3 photos or more −10 %", "Total", "Includes VAT 7 %")
    places = [html(page).index(step) for step in steps]
    assert places == sorted(places)
    assert "฿216" in html(page)


def test_a_coupon_is_applied_and_taken_out_again(backends, browser):
    event = fill_cart(backends, browser)
    coupons.create(backends, event.id, coupons.Draft("RUN20", percent=20), by=owner_of(backends, event))
    page = browser.open("visitor/cart.py")

    page.text_input[0].input("run20")
    page = pressed(page, "Apply")
    with_coupon = html(page)
    sound(page.button(key="drop_coupon").click().run())

    assert "Coupon RUN20 −20 %" in with_coupon
    assert "฿96" in with_coupon
    assert carts.contents(backends, browser.viewer).coupon is None


def test_a_coupon_that_does_not_fit_is_refused_in_a_sentence_and_the_cart_stays(backends, browser):
    fill_cart(backends, browser)
    page = browser.open("visitor/cart.py")

    page.text_input[0].input("NOPE")
    page = pressed(page, "Apply")

    assert "no coupon with this code" in page.error[0].value
    assert "฿120" in html(page)


def test_a_coupon_that_ended_meanwhile_says_so_and_takes_nothing_off(backends, browser):
    event = fill_cart(backends, browser)
    owner = owner_of(backends, event)
    made = coupons.create(backends, event.id, coupons.Draft("RUN20", percent=20), by=owner)
    carts.enter_coupon(backends, browser.viewer, "RUN20")
    coupons.end(backends, event.id, made.id, by=owner)

    page = browser.open("visitor/cart.py")

    assert "no longer valid" in page.warning[0].value
    assert "Pay ฿120" in [button.label for button in page.button]


def test_a_pass_is_shown_with_its_price_and_taken_out(backends, browser):
    event = make_event(backends)
    sell(backends, event, pass_amount=199_000)
    carts.add_pass(backends, browser.viewer, event.id)
    page = browser.open("visitor/cart.py")

    shown = html(page)
    sound(page.button(key=f"remove_pass_{event.id}").click().run())

    assert "pass to all photos: ฿1,990" in shown
    assert carts.count(backends, browser.viewer) == 0


def test_a_pass_that_is_no_longer_sold_is_shown_apart(backends, browser):
    event = make_event(backends)
    sell(backends, event, pass_amount=199_000)
    carts.add_pass(backends, browser.viewer, event.id)
    with backends.transaction() as session:
        session.get_one(PriceList, event.id).pass_amount = None
    page = browser.open("visitor/cart.py")

    warning = page.warning[0].value
    sound(page.button(key="withdrawn").click().run())

    assert "1 item in your cart is no longer for sale" in warning
    assert carts.count(backends, browser.viewer) == 0


def test_a_guest_is_told_how_many_more_photos_are_free(backends, browser):
    event = fill_cart(backends, browser, photos=1)
    sell(backends, event, free_count=3)

    page = browser.open("visitor/cart.py")

    assert "2 more photos are free for you" in page.info[0].value


@pytest.mark.parametrize(("bundle", "is_hinted"), [(36_000, True), (36_100, False)])
def test_a_hint_says_when_all_of_ones_photos_cost_no_more_together(backends, browser, bundle, is_hinted):
    event = fill_cart(backends, browser, photos=3)
    sell(backends, event, bundle_amount=bundle)

    page = browser.open("visitor/cart.py")

    assert ["all your photos for" in info.value for info in page.info] == [True] * is_hinted


# What visitors are offered


def test_a_gallery_says_from_which_price_on_and_what_makes_it_less(backends, browser):
    event = make_event(backends)
    make_photo(backends, event)
    sell(backends, event, web_amount=8_000, tiers=[[5, 10]], free_count=2)

    page = sound(browser.visit("gallery", event=event.slug).run())

    assert "Photos from ฿80 · web or full size · 5 or more −10 %" in html(page)
    assert "2 photos are free for you" in html(page)


def test_a_gallery_offers_the_pass_which_takes_the_place_of_single_photos(backends, browser):
    event = fill_cart(backends, browser, photos=2)
    sell(backends, event, pass_amount=199_000)
    page = sound(browser.visit("gallery", event=event.slug).run())

    page = pressed(page, "Whole event ฿1,990")

    cart = carts.contents(backends, browser.viewer)
    assert ([one.event.id for one in cart.passes], cart.items) == ([event.id], ())
    assert "The pass to all photos is in your cart" in html(page)


@pytest.mark.parametrize("fields", [{}, {"status": EventStatus.UPLOADED}], ids=["no pass", "not on sale"])
def test_a_pass_that_is_not_sold_is_not_offered(backends, browser, fields):
    event = make_event(backends, **fields)
    make_photo(backends, event)
    if fields:
        sell(backends, event, pass_amount=199_000)

    page = sound(browser.visit("gallery", event=event.slug).run())

    assert "whole_event" not in [button.key for button in page.button]


def searched(backends: Backends, browser: Browser, event: Event, work, photos: int) -> AppTest:
    """The page of a guest who was found in so many photos."""
    by = owner_of(backends, event)
    kept = [upload(backends, event, make_jpeg("alice", seed=number), by=by) for number in range(photos)]
    work()
    approve(backends, *kept)
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=browser.viewer)
    found = search.by_selfies(
        backends, event.id, [make_jpeg("alice")], receipt_id=receipt.id, by=browser.viewer
    )
    assert len(found.sure) == photos
    page = browser.visit("find_me", event=event.slug)
    page.session_state[f"people_{event.id}"] = [Person(receipt.id, 1, found, found)]
    return sound(page.run())


def test_all_photos_of_a_search_go_into_the_cart_together(backends, browser, work):
    event = make_event(backends)
    sell(backends, event, bundle_amount=30_000)
    page = searched(backends, browser, event, work, photos=3)

    page = pressed(page, "All my photos for ฿300")

    cart = carts.contents(backends, browser.viewer)
    assert ([item.is_found for item in cart.items], cart.quote.total_amount) == ([True] * 3, 30_000)
    assert "All your photos are in your cart" in html(page)


@pytest.mark.parametrize("bundle", [None, 36_001], ids=["none", "dearer than one by one"])
def test_a_bundle_is_offered_only_where_it_costs_no_more(backends, browser, work, bundle):
    event = make_event(backends)
    sell(backends, event, bundle_amount=bundle)

    page = searched(backends, browser, event, work, photos=3)

    assert "all_mine" not in [button.key for button in page.button]


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
    with backends.transaction() as session:
        session.get_one(Order, order.id).total_amount -= 1  # so that what is paid is not what is asked
    pay(backends, order)

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


def order_with_rule(backends: Backends, browser: Browser, *, photos: int = 2) -> Order:
    """A paid order of an event whose buyers may give photos back for a week."""
    event = fill_cart(backends, browser, photos=photos)
    sell(backends, event, refund_days=7)
    return pay(backends, checkouts.place(backends, browser.viewer, "runner@example.org"))


def test_an_order_shows_its_bill_as_it_was_and_its_receipt(backends, browser):
    order = order_with_rule(backends, browser)
    with backends.transaction() as session:
        session.exec(select(Event)).one().price_amount = 99_900

    page = browser.open("visitor/order.py", o=token(backends, order))

    (receipt,) = receipts.of_order(backends, order)
    assert "full size: 2 × ฿120" in html(page)
    assert f'href="{receipts.address(backends, order, receipt)}"' in html(page)
    assert f"Receipt {receipt.code}" in html(page)


def test_a_buyer_gives_a_photo_back_and_its_link_is_gone(backends, browser, work):
    order = order_with_rule(backends, browser)
    returned = orders.lines(backends, order)[1]
    page = browser.open("visitor/order.py", o=token(backends, order))

    page = page.multiselect[0].set_value([returned.id]).run()
    asked = " ".join(element.value for element in page.markdown)
    pressed(page, "Yes, give back ฿120")
    work()
    page = browser.open("visitor/order.py", o=token(backends, order))

    (refund,) = refunds.of_order(backends, order)
    assert (refund.status, refund.amount) == (RefundStatus.DONE, 12_000)
    assert "฿120" in asked
    assert "up to ten days" in asked
    assert html(page).count(" download ") == 1
    for words in ("Partly refunded", "Refunded: no longer there.", "Given back", "Credit note C"):
        assert words in html(page)


def test_nothing_is_offered_back_without_a_rule_or_after_a_download(backends, browser):
    without_rule = pay(backends, place(backends, browser))
    fetched = order_with_rule(backends, browser, photos=1)
    with backends.transaction() as session:
        session.exec(
            select(Download).where(Download.order_id == fetched.id)
        ).one().fetched_at = backends.now()

    pages = [browser.open("visitor/order.py", o=token(backends, order)) for order in (without_rule, fetched)]

    assert [len(page.multiselect) for page in pages] == [0, 0]


def test_nothing_is_offered_back_under_dispute(backends, browser):
    order = order_with_rule(backends, browser)
    offered = len(browser.open("visitor/order.py", o=token(backends, order)).multiselect)
    with backends.transaction() as session:
        session.add(Dispute(id="dp_1", order_id=order.id, amount=24_000, currency="THB"))

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert (offered, len(page.multiselect)) == (1, 0)
    assert "Disputed" in html(page)


def test_an_order_that_was_refunded_as_a_whole_says_so_and_delivers_nothing(backends, browser, work):
    order = order_with_rule(backends, browser)
    refunds.ask(backends, order, None, by=browser.viewer)
    work()

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert "All of the money went back" in page.warning[0].value
    assert "/downloads/" not in html(page)
    assert "Credit note C" in html(page)


def test_many_files_are_shown_page_by_page(backends, browser, monkeypatch):
    monkeypatch.setattr(order_files, "PER_PAGE", 2)
    order = pay(backends, place(backends, browser, photos=3))

    first = browser.open("visitor/order.py", o=token(backends, order))
    second = browser.at("visitor/order.py", o=token(backends, order))
    second.query_params["page"] = "2"
    second = sound(second.run())

    assert [html(page).count(" download ") for page in (first, second)] == [2, 1]


def test_a_pass_has_every_photo_of_its_event(backends, browser):
    event = make_event(backends)
    sell(backends, event, pass_amount=199_000)
    for _ in range(3):
        make_photo(backends, event)
    carts.add_pass(backends, browser.viewer, event.id)
    order = pay(backends, checkouts.place(backends, browser.viewer, "runner@example.org"))

    page = browser.open("visitor/order.py", o=token(backends, order))

    assert html(page).count(" download ") == 3


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
