"""Headless Chromium that asks nothing of the internet, with a camera that films a test pattern."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.requirements import require_binary

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
]


@contextmanager
def headless() -> Iterator[Browser]:
    """Start the browser, and stop it in the end. While it is open, no other loop can start."""
    program = require_binary("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()
