"""An organiser connects a program: added on the page, tried, away for a while, and told again."""

import pytest
from playwright.sync_api import Page, expect

from core import notices
from models.notice import NoticeKind
from tests.hook_receiver import receiving
from tests.journeys.site import Site
from tests.journeys.steps import settle
from tests.journeys.test_every_page_in_browser import DESK, PHONE, Reader


@pytest.fixture
def organiser(new_browser, site) -> Page:
    browser = new_browser(viewport=DESK)
    browser.add_cookies(site.cookies("organiser@demo.example"))
    page = browser.new_page()
    page.goto(f"/event?id={site.demo_event().id}")
    page.get_by_role("navigation", name="This event").get_by_role("link", name="Webhooks").click()
    settle(page)
    return page


def something_happens(site: Site) -> None:
    """What a service notes, here without the work."""
    with site.backends() as backends, backends.transaction() as session:
        notices.note(session, NoticeKind.PHOTO_REVIEWED, site.demo_event().id, review="approved")


def secret_of(page: Page) -> str:
    page.get_by_role("button", name="Secret").click()
    shown = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()
    page.keyboard.press("Escape")
    return shown


@pytest.mark.browser
def test_a_program_is_connected_misses_a_message_and_gets_it_again(organiser, site):
    with receiving() as receiver:
        organiser.get_by_label("Address of your program").fill(receiver.url("/encore"))
        organiser.get_by_role("button", name="Add webhook").click()
        expect(organiser.get_by_text("Nothing was told yet")).to_be_visible()
        secret = secret_of(organiser)
        organiser.get_by_role("button", name="Send a test").click()
        expect(organiser.get_by_text("Delivered", exact=True)).to_be_visible()
        receiver.status = 503
        something_happens(site)
        expect(organiser.get_by_text("Trying again", exact=True)).to_be_visible()
        receiver.status = 200
        organiser.get_by_role("button", name="Send now").click()
        expect(organiser.get_by_text("Delivered", exact=True)).to_have_count(2)

    opened = [message.opened(secret) for message in receiver.got]
    assert [one["kind"] for one in opened] == ["ping", "photo.reviewed", "photo.reviewed"]
    assert opened[1] == opened[2]

    reader = Reader(organiser)
    organiser.get_by_text("Edit", exact=True).click()
    for scheme in ("light", "dark"):
        organiser.emulate_media(color_scheme=scheme)
        assert (reader.flaws(DESK), reader.flaws(PHONE)) == ([], [])

    organiser.get_by_role("button", name="Remove").click()
    organiser.get_by_role("button", name="Remove this webhook").click()
    expect(organiser.get_by_text("No webhook yet")).to_be_visible()
