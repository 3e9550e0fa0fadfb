"""Every page opened through the frame as everyone: each shows its heading or the gate, and none breaks."""

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from core import carts, checkouts, orders, sharing
from core.access import Viewer
from core.backends import Backends
from core.settings import ROOT
from core.signing import token_hash
from models.account import Account, Role
from models.event import Event, MemberRole
from models.photo import Review, Stage
from pages.parts import navigation
from tests.browser import Browser
from tests.makers import add_member, make_account, make_event, make_photo, owner_of

FRAME = ROOT / "pages" / "frame.py"
NAME = "Night run"
GATE, CLOSED = "Sign in to see this page", "Your account may not open this page"
HEADINGS = {
    "": "Find yourself in the photos",
    "gallery": NAME,
    "find_me": "Find my photos",
    "cart": "Cart",
    "orders": "My orders",
    "lost_link": "Lost your link?",
    "order": "Your order",
    "pay": "Demo payment",
    "events": "My events",
    "event": NAME,
    "upload": "Upload",
    "review": "Review",
    "share": "Share",
    "prices": "Prices",
    "sold": "Orders",
    "sales": "Sales",
    "hooks": "Webhooks",
    "earnings": "Earnings",
    "payouts": "Payouts",
    "accounts": "Accounts",
    "faces": "Faces",
    "jobs": "Jobs",
    "mails": "Mails",
    "status": "Health",
    "profile": "Your account",
    "register": "Make an account",
    "reset": "Forgot your password?",
    "sign_in": "You are signed in",
}
ADMINS = {"payouts", "accounts", "faces", "jobs", "mails", "status"}
STAFF = {"events", "event", "upload", "review", "share", "prices", "sold", "sales", "hooks"}
KEPT_FROM = dict.fromkeys(Role, ADMINS) | {Role.ADMIN: set(), Role.GUEST: ADMINS | STAFF}
PARTS = {
    Role.ORGANISER: MemberRole.CO_ORGANISER,
    Role.PHOTOGRAPHER: MemberRole.PHOTOGRAPHER,
    Role.ANALYST: MemberRole.ANALYST,
}

Opened = Callable[[str], AppTest]


@pytest.fixture
def event(backends: Backends) -> Event:
    """An event on sale with photos of every verdict, one still without faces, and a share link."""
    event = make_event(backends, name=NAME)
    for verdict in Review:
        make_photo(backends, event, review=verdict)
    make_photo(backends, event, review=Review.PENDING, stage=Stage.UPLOADED)
    sharing.create(backends, event.id, by=owner_of(backends, event))
    return event


@pytest.fixture
def opened(backends: Backends, browser: Browser, event: Event) -> Opened:
    """Open a page by its address, which says what such an address says."""
    queries = addresses(backends, event, Viewer(token_hash("visitor")))

    def open_page(path: str) -> AppTest:
        page = AppTest.from_file(str(FRAME), default_timeout=20)
        page._page_hash = calc_hash(path)  # `switch_page` knows files, not addresses
        page.query_params.update(queries.get(path, {}))
        return page.run()

    return open_page


def addresses(backends: Backends, event: Event, viewer: Viewer) -> dict[str, dict[str, str]]:
    """The queries of the pages that need one; the viewer has a cart and an order that waits."""
    carts.add(backends, viewer, [make_photo(backends, event).id])
    order = checkouts.place(backends, viewer, "runner@example.org")
    of_staff = {path: {"id": str(event.id)} for path in STAFF}
    of_visitors = {path: {"event": event.slug} for path in ("gallery", "find_me")}
    order_page = {"o": orders.address_token(backends, order)}
    return of_staff | of_visitors | {"order": order_page, "pay": {"c": str(order.checkout_id)}}


def somebody(backends: Backends, event: Event, role: Role) -> Account:
    """An account of the role, with the part in the event that goes with it."""
    account = make_account(backends, role)
    return add_member(backends, event, account, PARTS[role]) if role in PARTS else account


def html(page: AppTest) -> str:
    return "\n".join(block.proto.body for block in page.get("html"))


def heading(page: AppTest) -> str:
    """The first heading of a page on which nothing broke and nothing was refused."""
    broken = [element.value for element in (*page.exception, *page.error)]
    return str(broken) if broken else re.findall(r"<h[12]>(.*?)</h[12]>", html(page))[0]


def test_every_page_has_its_row_here():
    assert list(navigation.paths()) == list(HEADINGS)


@pytest.mark.parametrize("role", Role)
def test_an_account_sees_the_pages_of_its_role_and_no_others(backends, browser, event, opened, role):
    browser.sign_in(backends, somebody(backends, event, role))

    seen = {path: heading(opened(path)) for path in navigation.paths()}

    assert seen == HEADINGS | dict.fromkeys(KEPT_FROM[role], CLOSED)


def test_a_visitor_sees_the_pages_for_everyone_and_the_gate(opened):
    seen = {path: heading(opened(path)) for path in navigation.paths()}

    assert seen == HEADINGS | dict.fromkeys(STAFF | ADMINS | {"profile", "earnings"}, GATE) | {
        "sign_in": "Sign in"
    }


@pytest.mark.parametrize("path", sorted(STAFF | ADMINS))
def test_a_closed_page_shows_nothing_of_the_event_and_offers_nothing(backends, browser, opened, path):
    browser.sign_in(backends, make_account(backends, Role.GUEST))

    page = opened(path)

    assert NAME not in html(page)
    assert not (*page.button, *page.text_input, *page.selectbox, *page.dataframe)


@pytest.mark.parametrize("path", ["event", "upload", "review", "share", "prices", "sold", "sales", "hooks"])
def test_an_organiser_of_another_event_learns_nothing_of_this_one(backends, browser, opened, path):
    browser.sign_in(backends, make_account(backends, Role.ORGANISER))

    page = opened(path)

    assert not page.exception
    assert NAME not in html(page) + str([box.options for box in page.selectbox])


@pytest.mark.parametrize("path", ["gallery", "find_me", "order", "pay", "event"])
@pytest.mark.parametrize("value", ["", "9999", "guessed", "<script>", "é" * 300])
def test_an_address_that_somebody_made_up_is_refused_in_a_sentence(backends, browser, path, value):
    browser.sign_in(backends, make_account(backends, Role.ORGANISER))
    page = AppTest.from_file(str(FRAME), default_timeout=20)
    page._page_hash = calc_hash(path)
    page.query_params.update(dict.fromkeys(("event", "share", "o", "c", "id"), value))

    page.run()

    assert not page.exception
    assert [error.value for error in page.error] != []


def test_no_address_ends_like_another():
    """Streamlit takes the end of an address for a page: it would read `/my_orders` as `/my_` and `orders`."""
    paths = [path for path in navigation.paths() if path]

    assert [(one, other) for one in paths for other in paths if one != other and one.endswith(other)] == []
