"""What pages say to who tries too often, and that nobody else is kept from anything."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from core import sharing
from core.ports import Bucket
from core.settings import ROOT
from core.signing import token_hash
from models.account import Account
from models.event import Event, Visibility
from tests.browser import press, refusal
from tests.makers import PASSWORD, make_account, make_event, make_jpeg, make_photo, owner_of

HERE = "127.0.0.1"
TOO_OFTEN = "This was tried too often. Try again in 7 s."


@pytest.fixture
def ada(backends) -> Account:
    return make_account(backends, email="ada@example.org")


@pytest.fixture
def event(backends) -> Event:
    """An event that only its share link opens, with a photo."""
    event = make_event(backends, visibility=Visibility.BY_LINK)
    make_photo(backends, event)
    return event


def share_token(backends, event: Event) -> str:
    link = sharing.create(backends, event.id, by=owner_of(backends, event))
    return sharing.address(backends, link).partition("share=")[2]


class Buckets:
    """All full, but those of the keys that are `empty` by name; and which were asked."""

    def __init__(self, backends, **empty: str) -> None:
        self.asked: list[str] = []
        self._empty = {name: token_hash(key) for name, key in empty.items()}
        backends.limiter = self

    def take(self, bucket: Bucket, key: str) -> timedelta:
        self.asked.append(bucket.name)
        return timedelta(seconds=7 if self._empty.get(bucket.name) == key else 0)


@pytest.mark.parametrize(
    ("script", "bucket", "label"),
    [
        ("account/sign_in.py", "sign_in", "Sign in"),
        ("account/register.py", "register", "Make account"),
        ("account/reset.py", "sign_in", "Send the link"),
    ],
)
def test_too_many_tries_from_one_address_are_refused_kindly(backends, browser, ada, script, bucket, label):
    Buckets(backends, **{bucket: HERE})
    page = browser.open(script)
    values = {"Email": ada.email, "Password": PASSWORD, "Name": "Ada"}

    for field in page.text_input:
        field.input(values[field.label])
    press(page, label)

    assert refusal(page) == TOO_OFTEN
    assert browser.sent_to == []
    assert backends.mailer.sent == []


@pytest.mark.parametrize(("forwarded", "is_refused"), [("127.0.0.1", True), ("192.0.2.9", False)])
def test_behind_a_proxy_the_tries_are_those_of_the_address_it_tells(
    backends, browser, monkeypatch, ada, forwarded, is_refused
):
    Buckets(backends, sign_in=HERE)
    backends.settings.proxies = 1
    monkeypatch.setattr(
        "streamlit.runtime.context.StreamlitHeaders.get_all", lambda *_: ["invented", forwarded]
    )
    page = browser.open("account/sign_in.py")

    page.text_input[0].input(ada.email)
    page.text_input[1].input(PASSWORD)
    press(page, "Sign in")

    assert bool(page.error) is is_refused
    assert bool(browser.sent_to) is not is_refused


def opened(path: str, token: str) -> AppTest:
    """A page opened through the frame by a share link."""
    page = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=20)
    page._page_hash = calc_hash(path)  # `switch_page` knows files, not addresses
    page.query_params["share"] = token
    return page.run()


def sent_selfie(token: str) -> AppTest:
    """The page of somebody who agreed and gave a selfie."""
    page = opened("find_me", token)
    page.checkbox[0].check().run()
    press(page, "Continue")
    page.segmented_control(key="way").set_value("Pictures I have").run()
    page.file_uploader[0].set_value([("me.jpg", make_jpeg("anna"), "image/jpeg")])
    return page.run()


def test_a_share_link_is_counted_once_in_a_visit(backends, browser, event):
    token, buckets = share_token(backends, event), Buckets(backends)

    page = opened("gallery", token)
    for _ in range(3):
        page.run()

    assert not page.exception
    assert not page.error
    assert buckets.asked == ["link"]


def test_every_guess_at_a_share_link_is_counted(backends, browser):
    buckets = Buckets(backends)

    page = opened("gallery", "guessed")
    page.run()

    assert "This link does not work" in refusal(page)
    assert buckets.asked == ["link"] * 2


@pytest.mark.parametrize("path", ["gallery", "find_me"])
def test_who_guesses_too_often_does_not_hear_whether_a_share_link_is_right(backends, browser, event, path):
    token = share_token(backends, event)
    Buckets(backends, link=HERE)

    pages = [opened(path, share) for share in (token, "guessed")]

    assert all(refusal(page) == TOO_OFTEN for page in pages)


def test_a_search_is_counted_for_the_visitor_the_address_and_the_link(backends, browser, event):
    token, buckets = share_token(backends, event), Buckets(backends)

    page = sent_selfie(token)

    assert not page.exception
    assert buckets.asked == ["link", "search", "search_address", "search_link"]


def test_who_searches_too_often_is_told_so_and_asked_again(backends, browser, event):
    token = share_token(backends, event)
    Buckets(backends, search=token_hash("visitor"))

    page = sent_selfie(token)

    assert not page.exception
    (note,) = page.warning
    assert note.value == TOO_OFTEN
    assert len(page.file_uploader) == 1
