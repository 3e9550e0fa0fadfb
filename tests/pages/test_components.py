"""The components in a real browser, under the site's content security policy."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.parts.cards import EventCard, event_card
from pages.parts.photo_grid import GridAction, GridPhoto, PressedAction, _pressed
from pages.parts.redirect import is_local, redirect
from pages.parts.style import status_chip
from pages.parts.uploader import UploadCounts, _counts
from tests.chromium import headless

ROOT = Path(__file__).parents[2]
STAGE = Path(__file__).parent / "stage"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run the stage on a free port and return where it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(STAGE / "app.py"), f"--server.port={port}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert any("URL:" in line for line in server.stdout), "the stage did not start"
        yield f"http://localhost:{port}"
        server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Return a fresh page as wide as a phone; what the policy blocked of ours fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=address)
    page = context.new_page()
    blocked: list[str] = []
    page.on("pageerror", lambda error: blocked.append(str(error)))
    page.on("console", lambda line: blocked.append(line.text) if "Security Policy" in line.text else None)
    yield page
    context.close()
    # Streamlit's own index.html has one inline script that its page can do without.
    assert [line for line in blocked if "inline script" not in line] == []


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    names = ["new.jpg", "known.jpg", "refused.jpg", "flaky.jpg", "away.jpg", "note.txt", ".DS_Store"]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 1000)
    return [tmp_path / name for name in names]


@pytest.mark.browser
def test_a_range_of_photos_is_chosen_with_shift_and_acted_on_together(page: Page) -> None:
    page.goto("/")

    page.get_by_role("button", name="Choose photo 2:").click()
    page.get_by_role("button", name="Choose photo 5:").click(modifiers=["Shift"])

    expect(page.get_by_text("chosen: p2 p3 p4 p5.")).to_be_visible()
    expect(page.get_by_text("4 chosen")).to_be_visible()
    page.get_by_role("group", name="Chosen photos").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("heard: approve p2 p3 p4 p5.")).to_be_visible()
    expect(page.get_by_text("chosen: .")).to_be_visible()


@pytest.mark.browser
def test_select_all_chooses_every_photo_and_select_none_lets_them_go(page: Page) -> None:
    page.goto("/")

    page.get_by_role("button", name="Select all").click()

    expect(page.get_by_text("8 chosen")).to_be_visible()
    page.get_by_role("button", name="Select none").click()
    expect(page.get_by_role("group", name="Chosen photos")).to_be_hidden()


@pytest.mark.browser
def test_the_keyboard_opens_walks_chooses_and_closes(page: Page) -> None:
    page.goto("/")
    first = page.get_by_role("button", name="Photo 1", exact=True)

    first.press("Space")
    first.press("Enter")

    expect(page.get_by_text("1 of 8")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("2 of 8")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Photo 2", exact=True)).to_be_focused()
    expect(page.get_by_text("chosen: p1.")).to_be_visible()


@pytest.mark.browser
def test_an_action_in_the_large_view_concerns_this_photo_and_moves_on(page: Page) -> None:
    page.goto("/")

    page.get_by_role("button", name="Photo 3", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()

    expect(page.get_by_text("heard: reject p3.")).to_be_attached()
    expect(page.get_by_text("3 of 7")).to_be_visible()
    expect(page.get_by_role("dialog", name="Photo 4")).to_be_visible()


@pytest.mark.browser
def test_answers_given_one_right_after_the_other_are_all_heard(page: Page) -> None:
    page.goto("/judge")
    page.get_by_role("button", name="This is me, photo 5").wait_for()

    page.get_by_role("button", name="This is me, photo 1").click()
    page.locator(".tiles li").filter(has=page.get_by_alt_text("Photo 3")).get_by_text("Not me").click()
    page.locator(".tiles li").filter(has=page.get_by_alt_text("Photo 4")).get_by_text("Not me").click()

    expect(page.get_by_text("heard: yes p1, no p3, no p4.")).to_be_visible()
    expect(page.locator(".tiles li")).to_have_count(2)


@pytest.mark.browser
def test_after_an_answer_the_same_question_about_the_next_photo_has_the_focus(page: Page) -> None:
    page.goto("/judge")

    page.get_by_role("button", name="Not me, photo 2").press("Enter")

    expect(page.get_by_text("heard: no p2.")).to_be_visible()
    expect(page.locator(".tiles li")).to_have_count(4)
    expect(page.get_by_role("button", name="Not me, photo 2")).to_be_focused()
    expect(page.locator(".tiles li").nth(1).get_by_alt_text("Photo 3")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("heard: no p2, no p3.")).to_be_visible()


@pytest.mark.browser
def test_words_of_strangers_are_shown_and_never_run(page: Page) -> None:
    page.goto("/")

    page.get_by_role("button", name="Photo 1", exact=True).click()

    caption = page.get_by_role("dialog").locator(".caption")
    expect(caption).to_have_text('<img src=x onerror="document.title=`stolen`">')
    expect(page).not_to_have_title("stolen")


@pytest.mark.browser
def test_a_phone_never_scrolls_sideways(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Choose photo 1:").click()

    widths = page.get_by_test_id("stMain").evaluate("main => [main.scrollWidth, main.clientWidth]")

    assert widths == [390, 390]


@pytest.mark.browser
def test_an_upload_says_what_became_of_every_file(page: Page, pictures: list[Path]) -> None:
    page.goto("/upload")

    page.locator("input[type=file]").first.set_input_files(pictures)

    expected = UploadCounts(new=2, known=1, refused=2, failed=1)
    expect(page.get_by_text(f"done: {expected}")).to_be_visible()
    expect(page.get_by_text(f"counts: {expected}")).to_be_visible()
    expect(page.get_by_text("<b>Not</b> a photo.")).to_be_visible()
    expect(page.get_by_text("The store is away.")).to_be_visible()
    expect(page.get_by_text("flaky.jpg")).to_be_visible()


@pytest.mark.browser
def test_a_file_that_failed_is_sent_again_on_demand(page: Page, pictures: list[Path]) -> None:
    page.goto("/upload")
    page.locator("input[type=file]").first.set_input_files(
        [one for one in pictures if one.name == "away.jpg"]
    )
    page.get_by_role("button", name="Try again: away.jpg").wait_for()

    page.route("**/take?*", lambda route: route.fulfill(json={"verdict": "new", "message": ""}))
    page.get_by_role("button", name="Try again: away.jpg").click()

    expect(page.get_by_text(f"done: {UploadCounts(new=1)}")).to_be_visible()


@pytest.mark.browser
def test_an_upload_goes_on_while_the_visitor_looks_at_another_page(page: Page, pictures: list[Path]) -> None:
    held = []
    page.route("**/take?*", lambda route: held.append(route))
    page.goto("/upload")
    with page.expect_request("**/take?*"):
        page.locator("input[type=file]").first.set_input_files(pictures[:1])

    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Grid").click()
    page.get_by_role("button", name="Photo 1", exact=True).wait_for()
    held[0].fulfill(json={"verdict": "new", "message": ""})
    page.get_by_role("link", name="Upload").click()

    expect(page.get_by_text(f"done: {UploadCounts(new=1)}")).to_be_visible()


@pytest.mark.browser
def test_a_redirect_sends_the_browser_away(page: Page) -> None:
    page.goto("/away")

    page.wait_for_url("**/upload?from=away")


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/a b",
        "/a\\b",
        "http://evil.example",
        "https://user@evil.example/",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_a_redirect_refuses_what_is_neither_local_nor_https(url: str) -> None:
    assert not is_local(url)
    with pytest.raises(ValueError, match="Neither a local path"):
        redirect(url)


def test_a_local_path_may_carry_a_query() -> None:
    assert is_local("/gallery?share=abc#top")


def test_a_card_escapes_what_strangers_wrote() -> None:
    card = EventCard('<script>"x"', "<b>", "<i>", "/img/1?a=1&b=2", "/event?id=1&x='", [("<u>", "good")])

    html = event_card(card)

    assert "<script>" not in html
    assert "<b>" not in html + status_chip("<b>")
    assert '<span class="encore-chip" data-tone="good">&lt;u&gt;</span>' in html
    assert 'href="/event?id=1&amp;x=&#x27;"' in html


PHOTOS = [GridPhoto(f"p{n}", "/a", "/b", 3, 2, "A photo") for n in range(3)]


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ({"name": "buy", "ids": ["p2", "p0", "p9", 7, {}]}, PressedAction("buy", ("p0", "p2"))),
        ({"name": "delete", "ids": ["p1"]}, None),
        ({"name": ["buy"], "ids": ["p1"]}, None),
        ({"name": "buy", "ids": "p1"}, None),
        ({"name": "buy"}, None),
        ("buy", None),
        (None, None),
    ],
)
def test_only_an_offered_action_on_shown_photos_is_heard(
    message: object, heard: PressedAction | None
) -> None:
    assert _pressed(PHOTOS, [GridAction("buy", "Buy")], message) == heard


def test_counts_a_browser_makes_up_are_nought() -> None:
    assert _counts({"new": 2, "known": -1, "refused": "3", "other": 4}) == UploadCounts(new=2)
    assert _counts("nonsense") == UploadCounts()
