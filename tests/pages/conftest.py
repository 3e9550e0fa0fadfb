"""A browser whose cookies the pages see, and whose way is written down instead of gone."""

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.context import ContextProxy

from core import passwords
from core.backends import Backends
from pages.parts import site
from tests.browser import Browser


@pytest.fixture
def browser(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = Browser()
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.setattr(site, "cookies", lambda: browser.cookies)
    monkeypatch.setattr(site, "redirect", browser.sent_to.append)
    return browser


@pytest.fixture(autouse=True)
def no_foreign_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest looks through every installed package for components, which takes most of its time."""
    monkeypatch.setattr(BidiComponentManager, "discover_and_register_components", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no line to a browser: it is on this machine."""
    monkeypatch.setattr(ContextProxy, "ip_address", None)
