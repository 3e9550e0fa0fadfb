"""The organiser's orders: found, opened, refunded, sent again, and what others see of it."""

from uuid import UUID

import pytest
from sqlmodel import select

from core import refund_answers
from models.event import MemberRole
from models.mail import MailKind, OutboxMail
from models.order import LineItem, LineKind, Order, OrderStatus
from models.refund import Dispute, Receipt, ReceiptKind, Refund, RefundStatus
from pages.parts import navigation
from tests.browser import press, refusal
from tests.core.test_sales import make_sale
from tests.makers import make_account, make_event, make_member, make_photo, owner_of
from tests.pages.test_webhooks_page import labels, text

PAGE = "organiser/orders.py"


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def owner(backends, browser, event):
    account = owner_of(backends, event)
    browser.sign_in(backends, account)
    return account


def buy(backends, event, *names: str, **fields) -> Order:
    photos = [make_photo(backends, event, filename=name) for name in names or ("IMG_1.jpg",)]
    return make_sale(backends, *photos, **fields)


def opened(browser, event, order, **query):
    return browser.open(PAGE, id=str(event.id), order=str(order.id), **query)


def refunds_of(backends, order) -> list[Refund]:
    with backends.reading() as session:
        return list(session.exec(select(Refund).where(Refund.order_id == order.id)))


def test_without_an_order_the_page_says_what_to_do(browser, event, owner):
    said = text(browser.open(PAGE))

    assert "No order yet" in said
    assert f"/share?id={event.id}" in said


def test_orders_are_listed_with_a_way_to_each(backends, browser, event, owner):
    order = buy(backends, event, "a.jpg", "b.jpg")
    make_sale(backends, make_photo(backends, make_event(backends)), email="stranger@example.org")

    said = text(browser.open(PAGE))

    assert f"order={order.id}" in said
    assert "runner@example.org" in said
    assert "2 photos" in said
    assert "฿240" in said
    assert "stranger" not in said


def test_what_is_looked_for_is_kept_in_the_address(backends, browser, event, owner):
    buy(backends, event, email="anna@example.org")
    buy(backends, event, email="ben@example.org")
    page = browser.open(PAGE)

    page = page.text_input[0].set_value("anna@").run()
    again = browser.open(PAGE, q="anna@")

    assert page.query_params["q"] == "anna@"
    for one in (page, again):
        assert ("anna@example.org" in text(one), "ben@example.org" in text(one)) == (True, False)
        assert "q=anna%40" in text(one)
    assert again.text_input[0].value == "anna@"


def test_one_status_is_shown_and_kept_in_the_address(backends, browser, event, owner):
    buy(backends, event, email="paid@example.org")
    buy(backends, event, email="late@example.org", status=OrderStatus.EXPIRED)
    page = browser.open(PAGE)

    page = page.selectbox[1].select("expired").run()

    assert page.query_params["show"] == "expired"
    assert ("late@example.org" in text(page), "paid@example.org" in text(page)) == (True, False)
    assert "paid@example.org" not in text(browser.open(PAGE, show="expired"))


def test_a_search_that_finds_nothing_leads_back_to_all(backends, browser, event, owner):
    buy(backends, event)

    said = text(browser.open(PAGE, q="nobody@"))

    assert "No order fits" in said
    assert f"/sold?id={event.id}" in said


def test_orders_are_shown_page_by_page_and_a_new_search_begins_with_the_newest(
    backends, browser, event, owner, monkeypatch
):
    for number in range(26):
        buy(backends, event, email=f"runner{number:02}@example.org")
    page = browser.open(PAGE)
    newest = text(page)

    page = press(page, "Older")
    oldest = text(page)
    page = page.text_input[0].set_value("runner25").run()

    assert ("runner25@" in newest, "runner00@" in newest) == (True, False)
    assert ("runner25@" in oldest, "runner00@" in oldest) == (False, True)
    assert "runner25@" in text(page)
    assert "after" not in page.query_params


def test_a_made_up_place_in_the_list_shows_the_newest(backends, browser, event, owner):
    buy(backends, event)

    assert "runner@example.org" in text(browser.open(PAGE, after="guessed"))


def test_an_order_is_opened_with_its_photos_and_papers(backends, browser, event, owner):
    order = buy(backends, event, "a.jpg", "b.jpg")
    with backends.transaction() as session:
        values = {"order_id": order.id, "amount": 24_000, "tax_amount": 0, "currency": "THB", "seller": ""}
        session.add(Receipt(kind=ReceiptKind.RECEIPT, year=2026, number=7, **values))

    said = text(opened(browser, event, order, q="runner"))

    assert "R2026-000007" in said
    assert str(order.id)[:8] in said
    assert ("a.jpg" in said, "b.jpg" in said, "/img/" in said) == (True, True, True)
    assert "not downloaded yet" in said
    assert f"/sold?id={event.id}&amp;q=runner" in said


def test_names_are_shown_as_they_are_and_run_nothing(backends, browser, event, owner):
    order = buy(backends, event, "<script>x</script>.jpg", email="<b>@example.org")

    for page in (browser.open(PAGE), opened(browser, event, order)):
        shown = "".join(block.proto.body for block in page.get("html"))
        assert "&lt;b&gt;@example.org" in shown
        assert ("<script>" in shown, "<b>" in shown) == (False, False)


def test_all_of_an_order_is_given_back_with_a_reason(backends, browser, event, owner):
    order = buy(backends, event, "a.jpg", "b.jpg")
    page = press(opened(browser, event, order), "Refund…")
    before = text(page)
    page.text_input(key=f"refund_reason_{order.id}").set_value("Rained off").run()

    page = press(page, r"Give ฿240 back")

    assert "gets ฿240 back" in before
    (made,) = refunds_of(backends, order)
    assert (made.amount, made.reason, made.by_account_id) == (24_000, "Rained off", owner.id)
    said = text(page)
    assert ">On its way<" in said
    assert ">Refunded<" in said
    assert "Refund…" not in labels(page)


def test_some_lines_are_given_back_and_the_amount_says_so(backends, browser, event, owner):
    order = buy(backends, event, "a.jpg", "b.jpg")
    with backends.reading() as session:
        line = session.exec(select(LineItem).where(LineItem.label == "b.jpg")).one()
    page = press(opened(browser, event, order), "Refund…")
    page.segmented_control(key=f"refund_part_{order.id}").set_value("some").run()
    page.multiselect(key=f"refund_lines_{order.id}").set_value([line.id]).run()
    page.text_input(key=f"refund_reason_{order.id}").set_value("Blurred").run()

    page = press(page, "Give ฿120 back")

    assert [made.amount for made in refunds_of(backends, order)] == [12_000]
    assert ">Partly refunded<" in text(page)
    assert ">Partly refunded<" in text(browser.open(PAGE))


def test_a_refund_without_a_reason_is_refused_in_the_dialog(backends, browser, event, owner):
    order = buy(backends, event)
    page = press(opened(browser, event, order), "Refund…")

    page = press(page, "Give ฿120 back")

    assert "Say why" in refusal(page)
    assert refunds_of(backends, order) == []


def test_lines_of_another_event_of_the_same_organiser_stay(backends, browser, event, owner):
    other = make_event(backends, owner)
    order = make_sale(backends, make_photo(backends, event), make_photo(backends, other))
    page = press(opened(browser, event, order), "Refund…")
    page.text_input(key=f"refund_reason_{order.id}").set_value("Blurred").run()

    press(page, "Give ฿120 back")

    assert [made.amount for made in refunds_of(backends, order)] == [12_000]


def test_a_failed_refund_says_why_and_is_tried_again(backends, browser, event, owner):
    order = buy(backends, event)
    with backends.transaction() as session:
        line = session.exec(select(LineItem).where(LineItem.order_id == order.id)).one()
        made = refund_answers.write(backends, session, order, {line.id: 12_000}, reason="Blurred")
        refund_answers.end(backends, session, made, "The card was closed.")
    page = opened(browser, event, order)
    before = text(page)

    page = press(page, "Try again")

    assert ">Failed<" in before
    assert "The card was closed." in before
    assert {made.status for made in refunds_of(backends, order)} == {
        RefundStatus.FAILED,
        RefundStatus.REQUESTED,
    }


def test_nothing_is_given_back_while_the_bank_disputes_it(backends, browser, event, owner):
    order = buy(backends, event)
    with backends.transaction() as session:
        session.add(Dispute(id="dp_1", order_id=order.id, amount=12_000, currency="THB"))

    page = opened(browser, event, order)

    (button,) = [button for button in page.button if button.label == "Refund…"]
    assert button.disabled
    assert ">Disputed<" in text(page)
    assert "has disputed this payment" in page.warning[0].value


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.EXPIRED, OrderStatus.HELD])
def test_an_unpaid_order_has_nothing_to_give_back_or_to_send(backends, browser, event, owner, status):
    order = buy(backends, event, status=status)

    page = opened(browser, event, order)

    assert not page.exception
    assert labels(page) == []


def test_fresh_links_are_sent_after_a_second_thought(backends, browser, event, owner):
    order = buy(backends, event)
    page = opened(browser, event, order)

    assert "ends at once" in text(page)
    page = press(page, "Send fresh links")

    with backends.reading() as session:
        (mail,) = session.exec(select(OutboxMail).where(OutboxMail.kind == MailKind.ORDER_LINKS)).all()
    assert mail.to == "runner@example.org"
    assert "Fresh links are on their way" in page.toast[0].value.replace("\\", "")


def test_a_pass_is_shown_without_a_picture(backends, browser, event, owner):
    order = buy(backends, event)
    with backends.transaction() as session:
        line = session.exec(select(LineItem).where(LineItem.order_id == order.id)).one()
        line.kind, line.photo_id, line.label = LineKind.PASS, None, "Hill run · pass"

    said = text(opened(browser, event, order))

    assert "Every photo of the event" in said
    assert "/img/" not in said


@pytest.mark.parametrize("value", ["guessed", "0", str(UUID(int=1)), "é" * 300])
def test_an_order_that_somebody_made_up_is_refused_in_a_sentence(backends, browser, event, owner, value):
    page = browser.open(PAGE, id=str(event.id), order=value)

    assert "no such order" in refusal(page)


def test_members_who_do_not_sell_and_strangers_see_no_order(backends, browser, event, owner):
    order = buy(backends, event)

    for account in (make_member(backends, event, MemberRole.ANALYST), make_account(backends)):
        browser.sign_in(backends, account)
        for page in (browser.open(PAGE, id=str(event.id)), opened(browser, event, order)):
            assert "runner@example.org" not in text(page)


def test_the_desk_is_in_the_navigation_and_on_the_event(backends, browser, event, owner):
    assert "sold" in navigation.paths()
    assert f"/sold?id={event.id}" in text(browser.open("organiser/event.py", id=str(event.id)))
