"""One site with the demo event, and one browser, for all journeys."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.settings import ROOT
from tests.chromium import headless
from tests.journeys.site import Site, environment_of
from tests.journeys.steps import PATIENCE

NewBrowser = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo event, loaded once. Copy it: nobody works in it."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    command = [sys.executable, "-m", "core", "demo"]
    subprocess.run(command, cwd=ROOT, env=environment_of(folder), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def new_folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a copy of the demo's data folder at each call."""
    return lambda: shutil.copytree(demo_folder, tmp_path_factory.mktemp("site") / "data")


@pytest.fixture(scope="package")
def site(new_folder: Callable[[], Path]) -> Iterator[Site]:
    """A running site with the demo event; at the end it leaves no process behind."""
    site = Site(new_folder()).start()
    yield site
    assert site.interrupt() == []


# For this package only: while it is open, no other test can start a loop or a browser of its own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless browser with a camera that films a test pattern."""
    with headless() as chromium:
        yield chromium


@pytest.fixture
def new_browser(chromium: Browser, site: Site) -> Iterator[NewBrowser]:
    """Make a fresh browser, without cookies, at each call; all are closed in the end."""
    opened = []

    def make(**options: object) -> BrowserContext:
        context = chromium.new_context(base_url=site.address, **options)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def guest(new_browser: NewBrowser) -> Iterator[Page]:
    """A guest's phone. Nothing that goes wrong with it passes unseen."""
    page = new_browser(viewport={"width": 390, "height": 844}, accept_downloads=True).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    expect(page.get_by_test_id("stException")).to_have_count(0)
