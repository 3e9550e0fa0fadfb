"""An admin moves the demo event to another engine in a real browser, while a guest goes on searching."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.site import Site
from tests.journeys.steps import PATIENCE, PIPELINE, SELFIE, agree, give_selfie
from tests.requirements import weight_file

pytestmark = pytest.mark.browser


@pytest.fixture
def light_site(new_folder: Callable[[], Path]) -> Iterator[Site]:
    """A running site with the demo event that has the weights of the engine `light`."""
    weights = weight_file("MobileFaceNet.onnx").parent
    site = Site(new_folder(), ENCORE_WEIGHTS=str(weights)).start()
    yield site
    assert site.interrupt() == []


@pytest.fixture
def open_page(chromium: Browser, light_site: Site) -> Iterator[Callable[..., Page]]:
    """Open an address, in a browser of its own."""
    opened = []

    def make(address: str, email: str = "") -> Page:
        context = chromium.new_context(base_url=light_site.address)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        if email:
            context.add_cookies(light_site.cookies(email))
        page = context.new_page()
        page.goto(address)
        return page

    yield make
    for context in opened:
        context.close()


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option).click()


def search(page: Page) -> None:
    """Give the selfie, and return once something was found."""
    agree(page)
    give_selfie(page, SELFIE)
    expect(page.get_by_role("button", name="Choose photo 1:").first).to_be_visible()


def test_an_admin_moves_an_event_while_guests_go_on_searching(light_site, open_page):
    event = light_site.demo_event()
    admin = open_page("/faces", "admin@demo.example")

    choose(admin, "Event to change", event.name)
    choose(admin, "Engine", "light")
    admin.get_by_role("button", name="Re-index").click()
    admin.get_by_role("dialog").get_by_role("button", name="Re-index now").click()
    expect(admin.get_by_text("photos are re-indexed with light")).to_be_visible()
    search(open_page(f"/gallery?event={event.slug}"))
    expect(admin.get_by_role("progressbar")).to_have_count(0, timeout=PIPELINE)
    admin.goto(f"/event?id={event.id}")

    expect(admin.get_by_text("Faces: searched with the engine light")).to_be_visible()
    search(open_page(f"/gallery?event={event.slug}"))
