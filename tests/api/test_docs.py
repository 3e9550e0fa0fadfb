"""The document for people: from files of ours, in a browser that asks nobody else."""

import gzip
import re

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from api import docs
from core.settings import ROOT
from models.account import Role
from tests.api.site import serving, site
from tests.chromium import headless
from tests.makers import PASSWORD, make_account


def test_the_page_names_only_files_of_this_site(api):
    answer = api.get("http://localhost:8501/api/docs")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall('(?:src|href)="([^"]+)"', answer.text)
    assert len(named) == 6
    assert all(address.startswith("/") and not address.startswith("//") for address in named)
    assert not re.search("<script>|<style>", answer.text)  # the policy runs no inline script


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "docs.js", "docs.css"])
def test_a_file_comes_packed_and_may_be_kept_for_good(api, name):
    address = f"http://localhost:8501/api/docs/{name}"

    packed, plain = api.get(address), api.get(address, headers={"Accept-Encoding": "identity"})

    assert packed.content == plain.content == docs.asset(name).content
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) == len(docs.asset(name).packed)
    assert gzip.decompress(docs.asset(name).packed) == docs.asset(name).content


@pytest.mark.parametrize("path", ["docs", "docs/docs.js", "docs/swagger-ui-bundle.js"])
def test_what_a_browser_has_already_is_not_sent_again(api, path):
    first = api.get(f"http://localhost:8501/api/{path}")

    again = api.get(f"http://localhost:8501/api/{path}", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


@pytest.mark.parametrize("name", ["nothing.js", "docs.html", "..%2F__init__.py", "favicon-32x32.png"])
def test_no_other_file_is_sent(api, name):
    answer = api.get(f"http://localhost:8501/api/docs/{name}")

    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


# --- in a browser --------------------------------------------------------------------------

FILES = Mount("/app/static", StaticFiles(directory=ROOT / "pages" / "static"))  # as Streamlit sends them


@pytest.fixture
def address(backends):
    """A real server of the site's routes."""
    with serving(site(backends, FILES)) as host:
        yield f"http://{host}"


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["desk", "phone in the dark"])
def page(request, address):
    """The document in a browser, and at the end the proof that nobody else was asked and nothing failed."""
    width, scheme = request.param
    asked, problems = [], []
    with headless() as chromium:
        page = chromium.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page.on("request", lambda one: asked.append(one.url))
        page.on("websocket", lambda one: asked.append(one.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda one: problems.append(one.text) if one.type in ("error", "warning") else None
        )
        page.goto(f"{address}/api/docs")
        expect(page.locator(".opblock-tag").first).to_be_visible()
        yield page
    assert len(asked) >= 7
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []
    assert problems == []


def sign_in(page: Page, email: str) -> None:
    """Fill in the dialog of the access token."""
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#oauth_username").fill(email)
    page.locator("#oauth_password").fill(PASSWORD)
    page.locator(".auth-container", has=page.locator("#oauth_username")).get_by_role(
        "button", name="Apply given OAuth2 credentials"
    ).click()


@pytest.mark.integration
@pytest.mark.browser
def test_one_signs_in_and_tries_a_route_without_leaving_the_site(backends, page):
    account = make_account(backends, Role.GUEST, email="reader@example.org")

    sign_in(page, account.email)
    expect(page.get_by_text("Logout", exact=True).first).to_be_visible()
    page.locator(".close-modal").first.click()
    page.locator("#operations-tag-accounts").click()
    operation = page.locator("#operations-accounts-get_own_account")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table td.response-col_description:not(.col_header)")
    expect(answer).to_contain_text(account.email)
    assert page.evaluate("Object.keys(localStorage)") == []  # the token is not kept


@pytest.mark.integration
@pytest.mark.browser
def test_the_page_fits_its_window_and_follows_the_browsers_colours(page):
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground == ("rgb(20, 24, 26)" if is_dark else "rgb(251, 250, 247)")
    assert page.title() == "Encore API"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.integration
@pytest.mark.browser
def test_who_listens_to_the_page_finds_its_parts_and_who_reads_it_can(page):
    axe = Axe().run(page, options={"resultTypes": ["violations"]})

    found = {finding["id"] for finding in axe["violations"]}
    assert found <= {"nested-interactive"}  # Swagger UI's own: a link in the button of each route
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["Routes", "Webhooks"]


@pytest.mark.integration
@pytest.mark.browser
def test_the_filter_is_as_wide_as_the_list_it_filters(page):
    filtering, filtered = page.locator(".operation-filter-input"), page.locator(".opblock-tag").first

    assert filtering.bounding_box()["width"] == filtered.bounding_box()["width"]
