"""Every page in a real browser: whole, readable by everyone, on a phone and at night."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import select

from core import carts, checkouts, orders, sessions
from core.access import Viewer
from core.signing import token_hash
from models.photo import Photo, Review
from pages.parts import navigation
from tests.journeys.site import Site
from tests.journeys.steps import SELFIES, agree, disown_first, give_selfie, settle

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}  # pixels
VISITOR = "a visitor of every page"
ROLES = {"visitor": "", "organiser": "organiser@demo.example", "admin": "admin@demo.example"}
GRAVE = ("serious", "critical")
# Whose pages these are before all: seen in both sizes and both colours.
OWN = {
    "visitor": {"", "gallery", "find_me", "cart", "orders", "order", "pay", "register", "reset", "sign_in"}
    | {"lost_link"},
    "organiser": {"events", "event", "upload", "review", "share", "prices", "sales", "hooks", "profile"}
    | {"sold", "earnings"},
    "admin": {"", "accounts", "faces", "jobs", "status", "payouts", "mails"},
}
BOTH = [(role, path) for role, paths in OWN.items() for path in sorted(paths)]
# What is closed looks the same at every address, and what admins see of an event is what its organiser sees.
ONCE = [("visitor", "events"), ("organiser", "accounts"), ("organiser", "cart"), ("admin", "event")]


@dataclass
class Reader:
    """Somebody at a browser, and what their console complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str, scheme: str) -> None:
        self.complaints.clear()
        self.page.emulate_media(color_scheme=scheme)
        self.page.goto(address)
        settle(self.page)

    def flaws(self, size: dict[str, int]) -> list[object]:
        """What is wrong with the page at this size."""
        self.page.set_viewport_size(size)
        settle(self.page)
        found: list[object] = [f"console: {line}" for line in self.complaints]
        if self.page.locator("h1").count() != 1:
            found.append(f"{self.page.locator('h1').count()} headings h1")
        found += [f"no alt: {image}" for image in self.page.locator("img[src]:not([alt])").all()]
        found += [f"{width} pixels wide" for width in widths(self.page) if width > size["width"]]
        return found + axe(self.page)


def widths(page: Page) -> list[int]:
    """How wide the document and the part that scrolls are."""
    main = page.get_by_test_id("stMain").evaluate("main => main.scrollWidth")
    return [page.evaluate("document.documentElement.scrollWidth"), main]


def axe(page: Page) -> list[object]:
    """What axe finds that keeps somebody out."""
    found = Axe().run(page, options={"resultTypes": ["violations"]})["violations"]
    return [
        (finding["id"], node["html"], node["failureSummary"])
        for finding in found
        if finding["impact"] in GRAVE
        for node in finding["nodes"]
    ]


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    """Each page's address, about the demo event, a full cart and an order that waits."""
    event = site.demo_event()
    viewer = Viewer(token_hash(VISITOR))
    with site.backends() as backends:
        with backends.reading() as session:
            photos = session.exec(select(Photo.id).where(Photo.review == Review.APPROVED).limit(2)).all()
        carts.add(backends, viewer, photos)
        order = checkouts.place(backends, viewer, "reader@example.org")
        queries = {
            "gallery": f"event={event.slug}",
            "find_me": f"event={event.slug}",
            "order": orders.address(backends, order).partition("?")[2],
            "pay": str(order.checkout_url).partition("?")[2],
        }
    for path in ("event", "upload", "review", "share", "prices", "sold", "sales", "hooks"):
        queries[path] = f"id={event.id}"
    return {path: f"/{path}?{queries.get(path, '')}" for path in navigation.paths()}


@pytest.fixture(scope="module")
def reader_of(chromium: Browser, site: Site) -> Iterator[Callable[[str], Reader]]:
    """Return the reader of a role; they keep their browser from page to page."""
    readers: dict[str, Reader] = {}

    def get(role: str) -> Reader:
        if role not in readers:
            readers[role] = seated(chromium.new_context(base_url=site.address), site, ROLES[role])
        return readers[role]

    yield get
    for reader in readers.values():
        reader.page.context.close()


def test_every_page_is_somebodys():
    assert {path for paths in OWN.values() for path in paths} == set(navigation.paths())


def seated(context: BrowserContext, site: Site, email: str) -> Reader:
    """Somebody with a cart, signed in if they have an address."""
    context.add_cookies([{"name": sessions.VISITOR_COOKIE, "value": VISITOR, "url": site.address}])
    if email:
        context.add_cookies(site.cookies(email))
    reader = Reader(context.new_page())
    reader.page.on("pageerror", lambda error: reader.complaints.append(str(error)))
    reader.page.on(
        "console", lambda line: reader.complaints.append(line.text) if line.type == "error" else None
    )
    return reader


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("role", "path"), BOTH)
def test_a_page_is_sound_at_a_desk_and_on_a_phone(reader_of, addresses, role, path, scheme):
    reader = reader_of(role)

    reader.open(addresses[path], scheme)

    assert {"desk": reader.flaws(DESK), "phone": reader.flaws(PHONE)} == {"desk": [], "phone": []}


@pytest.mark.browser
def test_a_search_result_is_sound_with_its_filters_its_perhaps_and_its_undo(reader_of, addresses):
    reader = reader_of("visitor")
    page = reader.page
    reader.open(addresses["gallery"], "light")
    agree(page)
    give_selfie(page, SELFIES / "guest_10.jpg")
    disown_first(page)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    for folded in page.get_by_test_id("stExpander").locator("summary").all():
        folded.click()

    flaws = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        flaws[scheme] = reader.flaws(DESK) + reader.flaws(PHONE)

    assert flaws == {"light": [], "dark": []}


@pytest.mark.browser
@pytest.mark.parametrize(("role", "path"), ONCE)
def test_a_page_is_sound_for_those_it_is_not_made_for(reader_of, addresses, role, path):
    reader = reader_of(role)
    reader.page.set_viewport_size(PHONE)

    reader.open(addresses[path], "light")

    assert reader.flaws(PHONE) == []
