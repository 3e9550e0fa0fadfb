"""The whole way through the real pages, from the files to the paid originals, and the turns off it."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, expect
from sqlmodel import select

from core import orders
from core.demo import FOLDER
from models.order import Order, OrderStatus
from tests.journeys.site import Site
from tests.journeys.steps import (
    SELFIE,
    add_first_photo,
    agree,
    approve_all,
    create_event,
    disown_first,
    give_selfie,
    go_to_payment,
    metric,
    put_on_sale,
    settle,
    share,
    sign_in,
    take_picture,
    upload,
    watch_to_the_end,
)

PHOTOS = ("DSC_0001.jpg", "P1020311.jpg", "IMG_2069.jpg", "IMG_2071.jpg")  # guest_01 is in each


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four photos, one of them twice, and a text that says it is a photo."""
    kept = [Path(shutil.copy(FOLDER / "photos" / name, tmp_path)) for name in PHOTOS]
    twice = Path(shutil.copy(kept[0], tmp_path / "copy of the first.jpg"))
    text = tmp_path / "notes.jpg"
    text.write_text("This is no photo at all.")
    return [*kept, twice, text]


def orders_of(site: Site, email: str) -> list[Order]:
    with site.backends() as backends, backends.reading() as session:
        return list(session.exec(select(Order).where(Order.email == email)))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetched(page: Page, link: Locator) -> Download:
    with page.expect_download() as download:
        link.click()
    return download.value


@pytest.mark.browser
def test_from_an_organisers_files_to_a_guests_paid_originals(new_browser, guest, files):
    organiser = new_browser(viewport={"width": 1280, "height": 900}).new_page()
    digests = {path.name: sha256(path.read_bytes()) for path in files[:5]}

    organiser.goto("/events")
    organiser.get_by_role("main").get_by_role("link", name="Sign in").click()
    sign_in(organiser, "organiser@demo.example")
    create_event(organiser, "Evening at the quay")
    upload(organiser, files)
    watch_to_the_end(organiser)
    event_url = organiser.url
    approve_all(organiser)
    organiser.goto(event_url)
    put_on_sale(organiser)
    organiser.get_by_role("navigation", name="This event").get_by_role("link", name="Share").click()
    link = share(organiser)

    guest.goto(link)
    expect(guest.get_by_role("heading", name="Evening at the quay")).to_be_visible()
    expect(guest.locator(".tiles li")).to_have_count(4)
    agree(guest)
    give_selfie(guest, SELFIE)
    expect(guest.get_by_role("heading", name="Photos of you")).to_be_visible()
    found = guest.locator(".tiles").first.locator("li")
    expect(found.first).to_be_visible()
    settle(guest)  # a choice made while the page is still being written would be written over
    wanted = found.count()
    assert wanted > 0
    guest.get_by_role("button", name="Select all").first.click()
    guest.get_by_role("group", name="Chosen photos").first.get_by_role("button", name="Add to cart").click()
    expect(found.first.get_by_text("In cart")).to_be_visible()
    guest.goto("/cart")
    go_to_payment(guest, "guest@example.org")
    guest.get_by_role("button", name="Pay", exact=True).click()
    expect(guest.get_by_text("Paid. Thank you: your photos are ready.")).to_be_visible()

    one = fetched(guest, guest.get_by_role("link", name=re.compile("^Download .*jpg")).first)
    archive = fetched(guest, guest.get_by_role("link", name="Download all as ZIP"))

    assert sha256(Path(one.path()).read_bytes()) == digests[one.suggested_filename]
    with zipfile.ZipFile(archive.path()) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))["files"]
        in_zip = {name: sha256(bundle.read(name)) for name in bundle.namelist() if name != "manifest.json"}
    assert len(in_zip) == wanted
    assert in_zip == {name: facts["sha256"] for name, facts in manifest.items()}
    assert in_zip.items() <= digests.items()
    organiser.goto(event_url.replace("/event?", "/sales?"))
    expect(metric(organiser, "Revenue")).to_have_text(f"฿{120 * wanted}")
    expect(metric(organiser, "Photos sold")).to_have_text(str(wanted))


@pytest.mark.browser
def test_a_guest_disowns_a_photo_and_takes_it_back(guest, site):
    guest.goto(f"/gallery?event={site.demo_event().slug}")
    agree(guest)
    give_selfie(guest, SELFIE)
    expect(guest.get_by_role("heading", name="Photos of you")).to_be_visible()
    settle(guest)
    photo = guest.locator(".tiles").first.locator("img").first
    disowned = guest.locator(f'.tiles img[src="{photo.get_attribute("src")}"]')

    disown_first(guest)

    expect(guest.get_by_text("Your answers: 0 yes, 1 no")).to_be_visible()
    expect(disowned).to_have_count(0)
    guest.get_by_role("button", name="Undo").click()
    expect(disowned).to_have_count(1)
    expect(guest.get_by_text("Your answers:")).to_have_count(0)


@pytest.mark.browser
def test_a_camera_that_sees_nobody_gets_a_kind_sentence(guest, site):
    guest.goto(f"/gallery?event={site.demo_event().slug}")
    agree(guest)

    take_picture(guest)

    expect(guest.get_by_text("We could not see a face. Find more light")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ((FOLDER / "photos" / "P1020319.jpg").read_bytes(), "We could not see a face."),
        (b"This is no picture at all.", "This is a text file, and Encore takes JPEG, PNG and WebP."),
    ],
    ids=["without a face", "no picture"],
)
def test_a_selfie_that_will_not_do_gets_a_kind_sentence(guest, site, tmp_path, content, sentence):
    selfie = tmp_path / "selfie.jpg"
    selfie.write_bytes(content)
    guest.goto(f"/gallery?event={site.demo_event().slug}")
    agree(guest)

    give_selfie(guest, selfie)

    expect(guest.get_by_test_id("stAlert").get_by_text(sentence)).to_be_visible()
    expect(guest.get_by_text("Traceback")).to_have_count(0)


@pytest.mark.browser
def test_a_refused_payment_charges_nothing_and_leaves_the_cart(guest, site):
    add_first_photo(guest, site)
    go_to_payment(guest, "refused@example.org")

    guest.get_by_role("button", name="Refuse").click()

    expect(guest.get_by_text("The payment was refused and nothing was charged.")).to_be_visible()
    guest.get_by_role("link", name="To your cart").click()
    expect(guest.get_by_role("button", name="Remove")).to_have_count(1)
    assert [order.status for order in orders_of(site, "refused@example.org")] == [OrderStatus.FAILED]


@pytest.mark.browser
def test_leaving_the_payment_page_keeps_the_cart(guest, site):
    add_first_photo(guest, site)
    go_to_payment(guest, "leaving@example.org")

    guest.get_by_role("button", name="Leave").click()

    expect(guest.get_by_role("button", name="Remove")).to_have_count(1)
    expect(guest.get_by_role("button", name=re.compile("^Pay "))).to_be_enabled()


@pytest.mark.browser
def test_a_double_click_on_pay_makes_one_order_and_one_payment(guest, site):
    add_first_photo(guest, site)
    guest.get_by_label("Email").fill("twice@example.org")

    guest.get_by_role("button", name=re.compile("^Pay ")).dblclick()
    expect(guest.get_by_text("No money moves here")).to_be_visible()
    guest.get_by_role("button", name="Pay", exact=True).dblclick()

    expect(guest.get_by_text("Paid. Thank you: your photos are ready.")).to_be_visible()
    assert [order.status for order in orders_of(site, "twice@example.org")] == [OrderStatus.PAID]


@pytest.mark.browser
def test_an_order_opens_on_another_device_by_its_address_only(guest, site, new_browser):
    add_first_photo(guest, site)
    go_to_payment(guest, "device@example.org")
    guest.get_by_role("button", name="Pay", exact=True).click()
    expect(guest.get_by_text("Paid. Thank you")).to_be_visible()
    (order,) = orders_of(site, "device@example.org")
    with site.backends() as backends:
        address = orders.address(backends, order)
    elsewhere = new_browser().new_page()

    elsewhere.goto(address)
    expect(elsewhere.get_by_role("link", name="Download all as ZIP")).to_be_visible()
    elsewhere.goto(address[:-3] + "abc")

    expect(elsewhere.get_by_test_id("stAlert")).to_be_visible()
    expect(elsewhere.get_by_role("link", name=re.compile("Download"))).to_have_count(0)
