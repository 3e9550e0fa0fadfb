"""Money in a real browser: sold with a coupon and a bundle, a part of it given back, and its file gone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.site import Site
from tests.journeys.steps import SELFIE, agree, give_selfie, go_to_payment, settle, sign_in

BUYER = "runner@example.org"


def set_prices(page: Page, site: Site) -> None:
    """All photos of one guest for 290 baht at most, and a coupon of ten percent."""
    page.goto(f"/prices?id={site.demo_event().id}")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    sign_in(page, "organiser@demo.example")
    settle(page)
    page.get_by_label("Together").fill("290")
    page.get_by_label("Together").press("Tab")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. New orders have these prices.")).to_be_visible()
    page.get_by_role("tab", name="Coupons").click()
    page.get_by_text("New coupon").click()
    page.get_by_label("Code").fill("river10")
    page.get_by_role("button", name="Make the coupon").click()
    expect(page.get_by_text("RIVER10")).to_be_visible()


def buy_all_of_oneself(page: Page, site: Site) -> int:
    """From the gallery to the paid order, with the bundle and the coupon; returns how many photos it has."""
    page.goto(f"/gallery?event={site.demo_event().slug}")
    agree(page)
    give_selfie(page, SELFIE)
    expect(page.get_by_role("heading", name="Photos of you")).to_be_visible()
    settle(page)
    found = page.locator(".tiles").first.locator("li").count()
    page.get_by_role("button", name="All my photos for ฿290").click()
    expect(page.get_by_text("All your photos are in your cart")).to_be_visible()
    page.goto("/cart")
    expect(page.get_by_text("All my photos for ฿290")).to_be_visible()
    page.get_by_label("Coupon").fill("RIVER10")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Coupon RIVER10 −10 %")).to_be_visible()
    go_to_payment(page, BUYER)
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_text("Paid. Thank you: your photos are ready.")).to_be_visible()
    settle(page)
    return found


def give_one_back(page: Page) -> None:
    """Give the money of an order's first photo back, and wait until it is on its way."""
    page.get_by_role("button", name="Refund…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=re.compile("^Give .* back"))).to_be_visible()
    settle(page)
    dialog.get_by_text("Some of it").click()
    dialog.get_by_label("Photos").click()
    page.get_by_role("option").filter(has_text=".jpg").first.click()
    settle(page)
    dialog.get_by_label("Why?").fill("The photo is blurred")
    dialog.get_by_label("Why?").press("Tab")
    settle(page)
    dialog.get_by_role("button", name=re.compile("^Give .* back")).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("The photo is blurred")).to_be_visible()


def files(page: Page) -> list[str]:
    """The addresses of the files that an order's page offers."""
    links = page.get_by_role("link", name=re.compile("^Download .*jpg")).all()
    return [link.get_attribute("href") for link in links]


def status_of(page: Page, address: str) -> int:
    return page.request.get(address).status


@pytest.mark.browser
def test_a_bundle_with_a_coupon_is_bought_and_the_refunded_photos_link_is_dead(new_browser, guest, site):
    organiser = new_browser(viewport={"width": 1280, "height": 900}).new_page()
    set_prices(organiser, site)

    found = buy_all_of_oneself(guest, site)
    bought = files(guest)
    expect(guest.get_by_text("฿261").first).to_be_visible()
    assert len(bought) == found
    assert {status_of(guest, address) for address in bought} == {200}

    organiser.goto(f"/sold?id={site.demo_event().id}&q={BUYER}")
    settle(organiser)
    organiser.get_by_role("link", name=re.compile(BUYER)).first.click()
    settle(organiser)
    give_one_back(organiser)

    guest.reload()
    settle(guest)
    left = files(guest)
    assert len(left) == found - 1
    assert [status_of(guest, address) for address in bought if address not in left] == [403]
    assert {status_of(guest, address) for address in left} == {200}
