"""A browser for page tests: its cookies, what it shows, and where it was sent."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core import sessions
from core.backends import Backends
from models.account import Account

PAGES = Path(__file__).parents[1] / "pages"
NONCE = "the nonce of this browser"

# As the frame does it, without the pages of others.
FRAME = """
import runpy
from pages.parts import site

with site.refusals():
    runpy.run_path({path!r})
"""


class Browser:
    """The cookies of one browser, and the addresses it was sent to."""

    def __init__(self) -> None:
        self.cookies = {sessions.NONCE_COOKIE: NONCE, sessions.VISITOR_COOKIE: "visitor"}
        self.sent_to: list[str] = []

    def open(self, page: str, **query: str) -> AppTest:
        """Run one page script, named below `pages`, with this query in its address."""
        opened = AppTest.from_string(FRAME.format(path=str(PAGES / page)), default_timeout=20)
        opened.query_params.update(query)
        return opened.run()

    def sign_in(self, backends: Backends, account: Account) -> str:
        """Sign the account in here and return the token."""
        code = sessions.start_sign_in(backends, account.id, NONCE)
        token = sessions.finish_sign_in(backends, code, NONCE)
        self.cookies[sessions.SESSION_COOKIE] = token
        return token

    def follow(self, backends: Backends) -> Account | None:
        """Do what /session/login does with the code, and return who is signed in."""
        (address,) = self.sent_to
        code = address.removeprefix("/session/login?code=").partition("&")[0]
        return sessions.account_of(backends, sessions.finish_sign_in(backends, code, NONCE))


def refusal(page: AppTest) -> str:
    """Return the one sentence that the frame shows."""
    assert not page.exception
    (error,) = page.error
    return error.value


def press(page: AppTest, label: str) -> AppTest:
    """Click the one button of that label."""
    (button,) = [button for button in page.button if button.label == label]
    return button.click().run()
