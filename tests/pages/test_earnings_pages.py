"""The pages of money between people: what one earns, what admins pay out, and what waits for them."""

from datetime import date

import pytest
from sqlmodel import select

from core import bookings, orders, payouts
from models.account import Role
from models.event import MemberRole
from models.ledger import Payout, PayoutStatus
from models.order import Order
from models.refund import Dispute
from pages.parts import earning_statement
from tests.browser import press, refusal
from tests.core.test_bookings import Sold, change, make_order
from tests.core.test_held import make_held
from tests.core.test_statements import at
from tests.makers import make_account, make_event, make_member, make_photo, owner_of
from tests.pages.test_webhooks_page import labels, text

EARNINGS, PAYOUTS, JOBS = "photographer/earnings.py", "analyst/payouts.py", "admin/jobs.py"
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def photographer(backends, event):
    return make_member(backends, event, MemberRole.PHOTOGRAPHER, name="Phil")


@pytest.fixture
def admin(backends, browser):
    account = make_account(backends, Role.ADMIN)
    browser.sign_in(backends, account)
    return account


@pytest.fixture
def sold(backends, browser, event, photographer) -> Order:
    """One photo sold in October for ฿120, and it is November now."""
    at(backends, 2026, 10, 17, 12)
    photo = make_photo(backends, event, filename="IMG_7.jpg")
    order, _ = make_order(backends, event, Sold(), photographer=photographer, photo_id=photo.id)
    at(backends, 2026, 11, 2, 12)
    return order


def figures(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def of_everybody(backends, status: PayoutStatus) -> list[Payout]:
    with backends.reading() as session:
        return list(session.exec(select(Payout).where(Payout.status == status)))


# --- earnings ------------------------------------------------------------------------------


def test_who_earned_nothing_yet_learns_how_it_works(backends, browser, photographer):
    browser.sign_in(backends, photographer)

    said = text(browser.open(EARNINGS))

    assert "Nothing earned yet" in said
    assert "For example ฿120 paid − ฿0 tax − ฿12 platform = ฿108; 60 % of it is ฿64.80." in said


def test_a_photographer_sees_what_is_owed_and_how_it_was_computed(backends, browser, photographer, sold):
    browser.sign_in(backends, photographer)

    page = browser.open(EARNINGS)

    assert figures(page) == {
        "Owed to you": "฿64.80",
        "Of that on its way": "฿0",
        "Frozen": "฿0",
        "Paid so far": "฿0",
    }
    said = text(page)
    assert "For example IMG_7.jpg: ฿120 paid − ฿0 tax − ฿12 platform = ฿108; 60 % of it is ฿64.80." in said
    assert "Sold: IMG_7.jpg" in said
    assert "17 Oct 2026 · Hill run · 60 % of ฿108" in said
    assert "Oct 2026" in said


def test_an_organiser_sees_how_what_is_left_came_about(backends, browser, event, sold):
    browser.sign_in(backends, owner_of(backends, event))

    said = text(browser.open(EARNINGS))

    assert "฿120 − ฿0 − ฿12 − ฿64.80" in said
    assert "฿43.20" in said


def test_frozen_money_says_why(backends, browser, photographer, sold):
    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", sold)
    browser.sign_in(backends, photographer)

    page = browser.open(EARNINGS)

    assert (figures(page)["Owed to you"], figures(page)["Frozen"]) == ("฿0", "฿64.80")
    told = page.warning[0].value.replace("\\", "")
    assert f"฿64.80 of Hill run is frozen: the bank of the buyer of order {str(sold.id)[:8]}" in told


def test_who_was_paid_more_than_is_owed_now_learns_what_follows(backends, browser, admin, photographer, sold):
    payouts.draw_up(backends, OCTOBER, NOVEMBER, "THB", by=admin)
    (mine,) = [one for one in of_everybody(backends, PayoutStatus.DUE) if one.account_id == photographer.id]
    payouts.mark_paid(backends, mine.id, "SCB 4711", by=admin)
    with backends.reading() as session:
        lines = session.exec(orders.lines_of(sold)).all()
    change(backends, sold, lines, 0)
    browser.sign_in(backends, photographer)

    page = browser.open(EARNINGS)

    assert (figures(page)["Owed to you"], figures(page)["Paid so far"]) == ("−฿64.80", "฿64.80")
    assert "your next sales make up for it" in page.info[0].value
    said = text(page)
    assert "SCB 4711" in said
    assert "1 Oct 2026 – 31 Oct 2026" in said


def test_another_period_is_another_statement(backends, browser, event, photographer, sold):
    for _ in range(earning_statement.SHOWN):
        make_order(backends, event, Sold(), photographer=photographer)
    browser.sign_in(backends, photographer)
    page = browser.open(EARNINGS)

    november = text(page)
    page.date_input[0].set_value(OCTOBER).run()
    both = text(page)
    page.date_input[1].set_value(date(2026, 10, 16)).run()
    nothing = text(page)
    page.date_input[1].set_value(date(2026, 9, 16)).run()

    assert "15 movements, from ฿64.80 to ฿1,036.80" in november
    assert "16 movements, from ฿0 to ฿1,036.80" in both
    assert "The newest 15 are shown" in both
    assert "Nothing moved in these days" in nothing
    assert "one day at least" in refusal(page)


def test_nobody_sees_what_others_earn(backends, browser, event, photographer, sold):
    browser.sign_in(backends, make_account(backends, Role.PHOTOGRAPHER))

    said = text(browser.open(EARNINGS))

    assert "Nothing earned yet" in said
    assert "Hill run" not in said


# --- payouts -------------------------------------------------------------------------------


def test_without_a_sale_nobody_is_owed_anything(browser, admin):
    assert "Nobody is owed anything" in text(browser.open(PAYOUTS))


def test_payouts_are_drawn_up_for_the_month_before(backends, browser, event, admin, sold):
    page = browser.open(PAYOUTS)

    page = press(page, "Draw up payouts")

    drawn = of_everybody(backends, PayoutStatus.DUE)
    assert {(one.period_start, one.period_end) for one in drawn} == {(OCTOBER, NOVEMBER)}
    assert sorted(one.amount for one in drawn) == [4_320, 6_480]
    said = text(page)
    assert "Phil · ฿64.80" in said
    assert "1 Oct 2026 – 31 Oct 2026" in said


def test_drawing_up_again_says_that_nothing_is_left(backends, browser, admin, sold):
    payouts.draw_up(backends, OCTOBER, NOVEMBER, "THB", by=admin)

    page = press(browser.open(PAYOUTS), "Draw up payouts")

    assert "Nothing is owed for these days" in page.info[0].value
    assert len(of_everybody(backends, PayoutStatus.DUE)) == 2


def only_phils(backends, photographer, admin) -> Payout:
    """A due payout, the only one."""
    for one in payouts.draw_up(backends, OCTOBER, NOVEMBER, "THB", by=admin):
        if one.account_id != photographer.id:
            payouts.cancel(backends, one.id, by=admin)
    (mine,) = of_everybody(backends, PayoutStatus.DUE)
    return mine


def test_a_payout_is_marked_paid_with_its_reference(backends, browser, photographer, admin, sold):
    payout = only_phils(backends, photographer, admin)
    page = browser.open(PAYOUTS)
    page.text_input(key=f"reference_{payout.id}").set_value("SCB 4711")

    page = press(page, "It is paid")

    (paid,) = of_everybody(backends, PayoutStatus.PAID)
    assert (paid.id, paid.reference) == (payout.id, "SCB 4711")
    assert "SCB 4711" in text(page)


def test_what_is_frozen_meanwhile_is_refused_in_a_sentence(backends, browser, photographer, admin, sold):
    payout = only_phils(backends, photographer, admin)
    with backends.transaction() as session:
        bookings.freeze(backends, session, "d1", sold)
    page = browser.open(PAYOUTS)
    page.text_input(key=f"reference_{payout.id}").set_value("SCB 4711")

    page = press(page, "It is paid")

    assert "Cancel this payout" in refusal(page)
    assert [one.id for one in of_everybody(backends, PayoutStatus.DUE)] == [payout.id]


def test_a_payout_is_cancelled_and_offers_nothing_more(backends, browser, photographer, admin, sold):
    payout = only_phils(backends, photographer, admin)

    page = press(browser.open(PAYOUTS), "Cancel this payout")

    assert payout.id in {one.id for one in of_everybody(backends, PayoutStatus.CANCELLED)}
    assert "It is paid" not in labels(page)


def test_one_state_is_shown_and_kept_in_the_address(backends, browser, photographer, admin, sold):
    only_phils(backends, photographer, admin)
    page = browser.open(PAYOUTS)

    page = page.segmented_control[0].set_value("due").run()

    assert page.query_params["show"] == "due"
    assert (">Due<" in text(page), ">Cancelled<" in text(page)) == (True, False)
    assert "No payout here" in text(browser.open(PAYOUTS, show="paid"))


def test_a_made_up_place_in_the_list_shows_the_newest(backends, browser, photographer, admin, sold):
    only_phils(backends, photographer, admin)

    assert "Phil · ฿64.80" in text(browser.open(PAYOUTS, after="guessed"))


def test_only_admins_see_what_is_paid_to_whom(backends, browser, event, sold):
    browser.sign_in(backends, owner_of(backends, event))

    page = browser.open(PAYOUTS)

    assert "Ask an admin" in refusal(page)
    assert "Phil" not in text(page)


# --- money that waits for an admin ---------------------------------------------------------


def test_money_that_was_put_aside_is_given_back_after_a_second_thought(backends, browser, admin):
    order = make_held(backends)

    page = browser.open(JOBS)
    before = text(page)
    page = press(page, "Give ฿120 back")

    assert "asked for ฿0.01; ฿120 came that does not fit" in before
    assert [refund.amount for refund in backends.payments.look_up(order.checkout_id).refunds] == [12_000]
    assert "Money that waits" not in text(page)


def test_a_dispute_is_shown_until_it_is_decided(backends, browser, admin, sold):
    with backends.transaction() as session:
        session.add(Dispute(id="dp_1", order_id=sold.id, amount=12_000, currency="THB"))
    disputed = browser.open(JOBS)

    assert ">Disputed<" in text(disputed)
    assert f"buyer of order {str(sold.id)[:8]}" in text(disputed)
    assert "only played here" in text(disputed)


def test_where_a_real_gateway_is_the_way_to_its_answer_is_shown(backends, browser, admin, sold):
    backends.payments.name = "stripe"
    with backends.transaction() as session:
        session.add(Dispute(id="dp_1", order_id=sold.id, amount=12_000, currency="THB"))

    page = browser.open(JOBS)

    (link,) = page.get("link_button")
    assert link.proto.url == "https://dashboard.stripe.com/disputes/dp_1"


def test_where_no_money_waits_nothing_is_said_of_it(browser, admin):
    assert "Money that waits" not in text(browser.open(JOBS))
