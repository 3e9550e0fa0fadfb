"""The site as a tree of processes: well, alone on its folder, gone without a trace, closed to strangers."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import httpx
import pytest
from playwright.sync_api import Page, expect

from core import demo, galleries, journey, processes, sharing
from core.children import wait_for
from models.account import Account
from models.event import EventStatus
from models.sharing import ShareLink
from tests.journeys.site import Site, command_of, unread_bytes
from tests.journeys.steps import SELFIE, agree, give_selfie, hand_over, sign_in
from tests.makers import make_jpeg

PATIENCE = timedelta(seconds=60)


@pytest.fixture
def new_site(new_folder: Callable[[], Path]) -> Iterator[Callable[..., Site]]:
    """Make a site of its own at each call; whatever becomes of it, it ends."""
    made: list[Site] = []

    def make(**environment: str) -> Site:
        made.append(Site(new_folder(), **environment))
        return made[-1]

    yield make
    for site in made:
        if site.process is not None and site.process.poll() is None:
            site.kill()


def give_work(site: Site) -> None:
    """Have the worker look at a picture, so that it has pixel children."""
    picture = site.folder / "work.jpg"
    picture.write_bytes(make_jpeg(seed=1))
    event_id = site.demo_event().id
    with site.backends() as backends:
        with backends.reading() as session:
            owner = session.get_one(Account, site.demo_event().created_by)
        gallery = galleries.listing(backends, event_id, by=owner)[0]
        journey.upload_file(backends, gallery.id, picture, by=owner)


def pixel_children(site: Site) -> int:
    """How many processes are open for pixels, of the site and of its worker."""
    return sum("pixel_child" in command_of(process) for process in site.family())


def closed_link(site: Site, **fields: object) -> str:
    """A share link of the demo event, changed afterwards."""
    event = site.demo_event()
    with site.backends() as backends:
        with backends.reading() as session:
            owner = session.get_one(Account, event.created_by)
        link = sharing.create(backends, event.id, by=owner)
        with backends.transaction() as session:
            row = session.get_one(ShareLink, link.id)
            for name, value in fields.items():
                setattr(row, name, value)
        return sharing.address(backends, link)


@pytest.mark.integration
def test_every_part_is_well(site):
    status, body = site.health()

    assert status == 200
    assert {name: part["ok"] for name, part in body["parts"].items()} == dict.fromkeys(
        ("database", "objects", "vectors", "limits", "worker", "faces"), True
    )


@pytest.mark.integration
def test_the_document_carries_the_security_headers(site):
    asked = Request(f"{site.address}/gallery", headers={"Accept": "text/html"})

    with urlopen(asked) as answer:
        headers = answer.headers

    assert "script-src 'self' 'wasm-unsafe-eval'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Permissions-Policy"].startswith("camera=(self), ")
    assert "HttpOnly" in headers["Set-Cookie"]


@pytest.mark.integration
def test_a_second_site_on_the_same_folder_says_so_in_one_sentence_and_ends(site):
    second = Site(site.folder)

    code = second.run().wait(PATIENCE.total_seconds())

    said = second.log.read_text()
    assert code == 1
    assert said.count("encore: Another Encore is using this data folder") == 1
    assert "Traceback" not in said
    assert site.is_well()


@pytest.mark.integration
def test_ctrl_c_ends_the_site_and_all_its_children(new_site):
    site = new_site().start()
    give_work(site)
    assert wait_for(lambda: pixel_children(site) >= 2, PATIENCE)  # one of the site's, one of the worker's

    left = site.interrupt()

    assert left == []
    assert "Traceback" not in site.log.read_text()


@pytest.mark.integration
def test_a_site_that_is_listened_to_ends_when_it_is_told_to(new_site):
    site = new_site().start()
    form = {"grant_type": "password", "username": "organiser@demo.example", "password": demo.PASSWORD}
    token = httpx.post(f"{site.address}/api/v1/oauth/token", data=form).json()["access_token"]
    line = f"{site.address}/api/v1/events/{site.demo_event().id}/live"

    with httpx.stream("GET", line, headers={"Authorization": f"Bearer {token}"}, timeout=60) as answer:
        heard = answer.iter_lines()
        assert next(heard) == ": listening"
        left = site.interrupt()

    assert left == []


@pytest.mark.integration
def test_a_killed_site_leaves_no_process_and_starts_again(new_site):
    site = new_site().start()
    give_work(site)
    assert wait_for(lambda: pixel_children(site) >= 2, PATIENCE)

    left = site.kill()

    assert left == []
    assert site.start().is_well()
    assert site.interrupt() == []


@pytest.mark.browser
def test_chroma_killed_during_a_search_is_told_in_a_sentence_and_later_searches_work(new_site, new_browser):
    site = new_site()
    site.set_status(EventStatus.CLOSED)  # an open event's faces would be in memory before the search
    site.start()
    page = new_browser().new_page()
    page.context.add_cookies(site.cookies("organiser@demo.example"))
    page.goto(f"{site.address}/gallery?event={site.demo_event().slug}")
    agree(page)
    pid = next(process[0] for process in site.family() if "chromadb_rust" in command_of(process))
    port = processes.chroma_address(site.folder)[1]

    os.kill(pid, signal.SIGSTOP)
    give_selfie(page, SELFIE)
    asked = wait_for(lambda: unread_bytes(port) > 0, PATIENCE)
    os.kill(pid, signal.SIGKILL)

    assert asked
    expect(page.get_by_text("Search is restarting. Try again in a few seconds.")).to_be_visible()
    assert wait_for(site.is_well, PATIENCE)
    hand_over(page, SELFIE)
    expect(page.get_by_role("heading", name="Photos of you")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["events", "review", "sales", "accounts", "jobs", "status", "profile"])
def test_a_page_opened_by_its_address_asks_strangers_to_sign_in(guest: Page, path):
    guest.goto(f"/{path}?id=1")

    expect(guest.get_by_role("heading", name="Sign in to see this page")).to_be_visible()
    link = guest.get_by_role("main").get_by_role("link", name="Sign in")
    assert link.get_attribute("href") == f"/sign_in?next=/{path}%3Fid%3D1"


@pytest.mark.browser
@pytest.mark.parametrize("path", ["accounts", "jobs", "status"])
def test_a_page_opened_by_its_address_is_closed_without_the_role(site, new_browser, path):
    browser = new_browser()
    browser.add_cookies(site.cookies("organiser@demo.example"))
    page = browser.new_page()

    page.goto(f"/{path}")

    expect(page.get_by_role("heading", name="Your account may not open this page")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("how", ["expired", "revoked", "guessed"])
def test_a_share_link_that_does_not_work_says_so_and_shows_nothing(guest: Page, site, how):
    with site.backends() as backends:
        past = backends.now() - timedelta(minutes=1)
    fields = {"expired": {"expires_at": past}, "revoked": {"revoked_at": past}, "guessed": {}}[how]
    address = closed_link(site, **fields)

    guest.goto(address[:-4] + "AAAA" if how == "guessed" else address)

    sentence = "This link does not work, or no longer. Ask the organiser for a new one."
    expect(guest.get_by_text(sentence)).to_be_visible()
    expect(guest.locator(".tiles")).to_have_count(0)


@pytest.mark.browser
def test_demo_accounts_are_refused_where_others_can_reach_the_site(new_site, new_browser):
    site = new_site(ENCORE_PUBLIC_URL="http://photos.example.org").start()
    browser = new_browser()
    browser.add_cookies(site.cookies("organiser@demo.example"))  # made as if on loopback
    page = browser.new_page()

    page.goto(f"{site.address}/events")
    expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()
    page.goto(f"{site.address}/sign_in")
    sign_in(page, "organiser@demo.example")

    expect(page.get_by_text("The address or the password is wrong.")).to_be_visible()
    expect(page.get_by_text(demo.PASSWORD)).to_have_count(0)
