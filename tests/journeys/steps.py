"""What people do in the browser, step by step; each step ends when the page shows that it worked."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from core import demo
from core.demo import FOLDER
from tests.journeys.site import Site

PATIENCE = 30_000  # milliseconds; the machine may be busy
PIPELINE = 90_000  # milliseconds for the faces of a few photos
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
SELFIES = FOLDER / "selfies"
SELFIE = SELFIES / "guest_01.jpg"

expect.set_options(timeout=PATIENCE)


def settle(page: Page) -> None:
    """Return once the page stands: it has its heading, and its script has come to the end."""
    page.locator("h1, h2").first.wait_for()
    page.locator(IDLE).wait_for()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def sign_in(page: Page, email: str) -> None:
    """Sign in through the form of the sign-in page."""
    form = page.get_by_test_id("stForm")
    form.get_by_label("Email", exact=True).fill(email)
    form.get_by_label("Password", exact=True).fill(demo.PASSWORD)
    form.get_by_role("button", name="Sign in").click()


def choose(page: Page, group: str, option: str) -> None:
    """Choose one segment of a row."""
    page.get_by_test_id("stButtonGroup").filter(has_text=group).get_by_text(option, exact=True).click()


def metric(page: Page, label: str) -> Locator:
    """The figure under a label."""
    labelled = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return labelled.get_by_test_id("stMetricValue")


def create_event(page: Page, name: str) -> None:
    page.get_by_role("button", name="New event").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def upload(page: Page, files: list[Path]) -> None:
    page.get_by_role("navigation", name="This event").get_by_role("link", name="Upload").click()
    page.locator("input[type=file][accept]").set_input_files(files)
    expect(page.get_by_text("Finished: 5 of 6 files are in the gallery").first).to_be_visible()
    expect(page.get_by_text("4 new")).to_be_visible()
    expect(page.get_by_text("1 already here")).to_be_visible()
    expect(page.get_by_text("1 refused")).to_be_visible()


def watch_to_the_end(page: Page) -> None:
    page.get_by_role("link", name="To the event").click()
    expect(metric(page, "Photos")).to_have_text("4")
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=PIPELINE)
    expect(metric(page, "Waiting for review")).to_have_text("4")
    expect(metric(page, "Faces found")).not_to_have_text("0")


def approve_all(page: Page) -> None:
    page.get_by_role("navigation", name="This event").get_by_role("link", name="Review").click()
    page.get_by_role("button", name="Select all").click()
    page.get_by_role("group", name="Chosen photos").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("4 verdicts given.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()


def put_on_sale(page: Page) -> None:
    choose(page, "Status", "On sale")
    expect(page.get_by_text("Visitors find, buy and download their photos.").first).to_be_visible()


def share(page: Page) -> str:
    """Make a link and return it."""
    page.get_by_label("What is it for?").fill("Poster")
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_role("img", name="QR code of the link Poster")).to_be_visible()
    return page.get_by_test_id("stCode").inner_text().strip()


def agree(page: Page) -> None:
    """From a gallery to the selfie, with consent."""
    page.get_by_role("link", name="Find my photos").click()
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    page.get_by_text("I agree that my face is compared").click()
    page.get_by_role("button", name="Continue").click()


def give_selfie(page: Page, selfie: Path) -> None:
    choose(page, "Selfie from", "Pictures I have")
    hand_over(page, selfie)


def hand_over(page: Page, selfie: Path) -> None:
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(selfie)


def disown_first(page: Page) -> None:
    """Look at the first sure photo, and say that it shows somebody else."""
    page.locator(".tiles").first.locator(".photo").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Not me").click()
    page.keyboard.press("Escape")


def add_first_photo(page: Page, site: Site) -> None:
    """Put a photo of the demo event into the cart, and go there."""
    page.goto(f"/gallery?event={site.demo_event().slug}")
    page.get_by_role("button", name="Choose photo 1:").click()
    page.get_by_role("button", name="Add to cart").first.click()
    expect(page.get_by_text("In cart")).to_be_visible()
    page.goto("/cart")


def go_to_payment(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(page.get_by_text("No money moves here")).to_be_visible()


def take_picture(page: Page) -> None:
    """Take a selfie with the camera, once it films."""
    choose(page, "Selfie from", "Camera")
    page.locator("video").evaluate(
        "video => video.readyState > 1 || new Promise(films => (video.onloadeddata = () => films(true)))"
    )
    page.get_by_role("button", name="Take Photo").click()
