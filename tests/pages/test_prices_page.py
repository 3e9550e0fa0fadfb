"""The page of prices: what is typed is tried, saved as a whole or taken back; coupons; single photos."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import coupons, galleries, prices
from core.coupons import Draft
from core.terms import Terms
from models.audit import AuditEntry
from models.event import MemberRole
from models.photo import Photo
from pages.parts import photo_prices
from pages.parts.photo_grid import GridResult, PressedAction
from pages.parts.price_form import PriceForm, Said
from tests.browser import press, refusal
from tests.makers import gallery_of, make_account, make_event, make_member, make_photo, owner_of

PAGE = "organiser/prices.py"


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def owner(backends, browser, event):
    account = owner_of(backends, event)
    browser.sign_in(backends, account)
    return account


def said(page: AppTest) -> str:
    """All that the page says."""
    assert not page.exception
    blocks = (block.proto.body for block in page.get("html"))
    spoken = (element.value for element in (*page.markdown, *page.caption, *page.code, *page.get("text")))
    return "\n".join((*blocks, *spoken)).replace("\\", "")


def field(page: AppTest, name: str, version: int = 0):
    """A number of the form."""
    return next(one for one in page.number_input if one.key.endswith(f"_{version}_{name}"))


def filled(page: AppTest, version: int = 0, **values: float) -> AppTest:
    """The page after these numbers were typed, one after the other."""
    for name, value in values.items():
        page = field(page, name, version).set_value(value).run()
    assert not page.exception
    return page


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


# The form


def test_prices_are_saved_as_a_whole_and_written_down(backends, browser, event, owner):
    page = browser.open(PAGE)

    page = filled(page, full=150.5, web=80.0, n0=3, p0=10, bundle=490.0, free=1, tax=7.25, refund=14)
    page = filled(page, **{"pass": 1990.0})
    before = prices.terms(backends, event.id, by=owner)
    page = press(page, "Save")

    assert before == Terms(price_amount=12_000)
    assert prices.terms(backends, event.id, by=owner) == Terms(
        price_amount=15_050,
        web_amount=8_000,
        tiers=((3, 10),),
        bundle_amount=49_000,
        pass_amount=199_000,
        free_count=1,
        tax_basis_points=725,
        refund_days=14,
    )
    with backends.reading() as session:
        assert "prices.edit" in session.exec(select(AuditEntry.action)).all()
    assert "Not saved yet" not in said(page)


def test_what_is_not_saved_is_said_and_can_be_taken_back(backends, browser, event, owner):
    page = browser.open(PAGE)
    clean = said(page)

    page = filled(page, full=99.0)
    waiting = said(page)
    page = press(page, "Discard")

    assert ["Not saved yet" in text for text in (clean, waiting, said(page))] == [False, True, False]
    assert field(page, "full", version=1).value == 120.0
    assert prices.terms(backends, event.id, by=owner).price_amount == 12_000


def test_an_early_bird_lasts_until_the_end_of_its_last_day_at_the_event(backends, browser, event, owner):
    page = filled(browser.open(PAGE), early=20)
    page.date_input(key=f"price_{event.id}_0_until").set_value(date(2026, 12, 24)).run()

    press(page, "Save")

    saved = prices.terms(backends, event.id, by=owner)
    assert (saved.early_percent, saved.early_until) == (20, datetime(2026, 12, 24, 16, 59, 59, tzinfo=UTC))


def test_a_moment_that_a_program_set_stays_as_long_as_its_day(backends, browser, event, owner):
    noon = datetime(2026, 12, 24, 5, tzinfo=UTC)
    prices.save(backends, event.id, Terms(12_000, early_percent=20, early_until=noon), by=owner)

    page = filled(browser.open(PAGE), full=130.0)
    press(page, "Save")

    assert prices.terms(backends, event.id, by=owner).early_until == noon


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"n0": 5}, "takes 1 to 99 percent off"),
        ({"full": 1_000_001.0}, "below one million"),
    ],
    ids=["tier without a percentage", "a slip of the keyboard"],
)
def test_what_cannot_be_a_price_is_refused_in_a_sentence(backends, browser, event, owner, values, reason):
    page = filled(browser.open(PAGE), **values)

    page = press(page, "Save")

    assert reason in page.error[0].value
    assert prices.terms(backends, event.id, by=owner) == Terms(price_amount=12_000)
    assert "Not saved yet" in said(page)


def test_steps_are_put_in_order_and_the_next_one_comes_when_one_is_filled(backends, browser, event, owner):
    page = browser.open(PAGE)
    at_first = [one.key for one in page.number_input if "_n" in (one.key or "")]

    page = filled(page, n0=10, p0=20, n1=5, p1=10)
    press(page, "Save")

    assert len(at_first) == 1
    assert prices.terms(backends, event.id, by=owner).tiers == ((5, 10), (10, 20))


def test_a_gallery_has_prices_of_its_own(backends, browser, event, owner):
    gallery = gallery_of(backends, event)

    page = filled(browser.open(PAGE), web=50.0, **{f"f{gallery.id}": 200.0, f"w{gallery.id}": 90.0})
    press(page, "Save")

    own = prices.of_gallery(backends, gallery.id, by=owner)
    assert (own.price_amount, own.web_amount) == (20_000, 9_000)


def test_a_gallery_that_is_left_open_has_the_events_prices_again(backends, event, owner):
    gallery = prices.save_gallery(backends, gallery_of(backends, event).id, 20_000, 9_000, by=owner)
    terms = prices.terms(backends, event.id, by=owner)
    form = PriceForm(event, terms, [gallery], 0)

    form.save(Said(terms, {gallery.id: (None, None)}), by=owner)

    own = prices.of_gallery(backends, gallery.id, by=owner)
    assert (own.price_amount, own.web_amount) == (None, None)


def test_a_name_with_signs_of_markdown_stays_a_name(backends, browser, event, owner):
    galleries.add(backends, event.id, "*Finish*", by=owner)

    page = browser.open(PAGE)

    assert any(one.label == r"\*Finish\*: full size (THB)" for one in page.number_input)


# What a guest pays


def test_the_preview_follows_what_is_typed_before_it_is_saved(browser, owner):
    page = browser.open(PAGE)

    page = filled(page, full=100.0, n0=3, p0=10, bundle=490.0)
    shown = said(page)

    for words in ("1 photo</span>", "10 photos</span>", "3 photos or more −10 %", "All my photos: 20 found"):
        assert words in shown
    assert "<s>฿300</s> </span><strong>฿270</strong>" in shown
    assert "<s>฿2,000</s> </span><strong>฿490</strong>" in shown


def test_the_preview_tries_a_coupon(backends, browser, event, owner):
    coupons.create(backends, event.id, Draft("RUN20", percent=20), by=owner)
    page = browser.open(PAGE)

    page = page.text_input(key="try_coupon").set_value("run20").run()
    good = said(page)
    page = page.text_input(key="try_coupon").set_value("NOPE").run()

    assert "Coupon RUN20 −20 %" in good
    assert "no coupon with this code" in page.warning[0].value
    assert "<strong>฿120</strong>" in said(page)


def test_the_preview_tries_the_web_size(browser, owner):
    page = filled(browser.open(PAGE), web=80.0)

    page = page.segmented_control(key="try_size").set_value("web").run()

    assert "web size: 3 × ฿80" in said(page)


# Coupons


def code(page: AppTest):
    """Where a new coupon's code is typed."""
    return next(one for one in page.text_input if one.label == "Code")


def test_a_coupon_is_made_with_its_limits(backends, browser, event, owner):
    page = browser.open(PAGE)
    code(page).set_value("early10")
    in_form = {one.label: one for one in page.number_input}
    in_form["Percent off"].set_value(15)
    in_form["Orders in all"].set_value(100)

    page = press(page, "Make the coupon")

    (counted,) = coupons.listing(backends, event.id, by=owner).items
    made = counted.coupon
    assert (made.code, made.percent, made.limit, made.limit_per_buyer) == ("EARLY10", 15, 100, 1)
    shown = said(page)
    for words in ("EARLY10", "−15 %", "Used 0 of 100 times", "1 for each buyer", "Without end", "Valid"):
        assert words in shown


def test_a_coupon_for_a_time_is_good_on_whole_days_at_the_event(backends, browser, event, owner):
    page = browser.open(PAGE)
    page = page.toggle[0].set_value(True).run()
    code(page).set_value("EARLY10")
    page.date_input[0].set_value(date(2026, 12, 1))
    page.date_input[1].set_value(date(2026, 12, 24))

    press(page, "Make the coupon")

    (counted,) = coupons.listing(backends, event.id, by=owner).items
    assert counted.coupon.valid_from == datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert counted.coupon.valid_until == datetime(2026, 12, 24, 16, 59, 59, tzinfo=UTC)


def test_a_coupon_is_ended_after_a_second_thought_and_made_again_under_another_code(
    backends, browser, event, owner
):
    coupons.create(backends, event.id, Draft("RUN20", amount=2_000), by=owner)
    page = browser.open(PAGE)

    page = press(page, "End this coupon")
    ended = said(page)
    page = press(page, "Make again")
    page = press(page, "Make the coupon")

    found = coupons.listing(backends, event.id, by=owner).items
    assert "Ended" in ended
    assert [(one.coupon.code, one.coupon.amount, one.coupon.ended_at is None) for one in found] == [
        ("RUN20-2", 2_000, True),
        ("RUN20", 2_000, False),
    ]


def test_a_code_that_is_taken_is_refused_and_the_form_stays(backends, browser, event, owner):
    coupons.create(backends, event.id, Draft("RUN20", percent=20), by=owner)
    page = browser.open(PAGE)
    code(page).set_value("RUN20")

    page = press(page, "Make the coupon")

    assert "has a coupon with this code already" in page.error[0].value
    assert "RUN20" in [one.value for one in page.text_input]


def test_each_coupon_says_why_it_is_not_good(backends, browser, event, owner):
    now = backends.now()
    day = timedelta(days=1)
    coupons.create(backends, event.id, Draft("LATER", percent=5, valid_from=now + day), by=owner)
    coupons.create(backends, event.id, Draft("GONE", percent=5, valid_until=now - day), by=owner)

    shown = said(browser.open(PAGE))

    assert "Not yet" in shown
    assert "Over" in shown


# Single photos


def test_a_chosen_photo_gets_a_price_of_its_own(backends, browser, event, owner, monkeypatch):
    photo = make_photo(backends, event)
    grids: list[list] = []

    def grid(shown, **_):
        grids.append(list(shown))
        return GridResult((), PressedAction("price", (str(photo.id),)))

    monkeypatch.setattr(photo_prices, "photo_grid", grid)
    page = AppTest.from_function(single_photos, default_timeout=20, args=(event.id, owner.email))
    page = page.run()

    page.number_input(key="one_price").set_value(500.0)
    page = press(page, "Save")

    with backends.reading() as session:
        assert session.exec(select(Photo.price_amount)).one() == 50_000
    assert [shown[0].badge for shown in (grids[0], grids[-1])] == ["", "฿500"]
    assert grids[0][0].caption == photo.filename


def single_photos(event_id: int, email: str) -> None:
    """The part of the page, by itself: a tab that is not open shows nothing."""
    from sqlmodel import select

    from models.account import Account
    from models.event import Event
    from pages.parts import photo_prices, site

    with site.backends().reading() as session:
        event = session.get_one(Event, event_id)
        account = session.exec(select(Account).where(Account.email == email)).one()
    photo_prices.show(event, account)


# Who may


@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_only_those_who_sell_see_prices(backends, browser, event, role):
    browser.sign_in(backends, make_member(backends, event, role))

    page = browser.open(PAGE)

    assert "No event to work on" in said(page)
    assert not page.number_input


def test_the_organiser_of_another_event_learns_nothing_of_this_one(backends, browser, event):
    other = make_event(backends)
    browser.sign_in(backends, owner_of(backends, other))

    page = browser.open(PAGE, id=str(event.id))

    assert "no such event" in refusal(page)


def test_somebody_without_an_account_is_sent_to_sign_in(backends, browser, event):
    page = browser.open(PAGE)

    assert browser.sent_to == ["/sign_in?next=/"]
    assert not page.number_input


def test_a_page_of_somebody_whose_part_has_ended_saves_nothing(backends, browser, event, owner):
    page = filled(browser.open(PAGE), full=1.0)
    browser.sign_in(backends, make_account(backends))

    page = press(page, "Save")

    assert prices.terms(backends, event.id, by=owner).price_amount == 12_000
