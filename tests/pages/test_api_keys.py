"""One's own keys, on the profile page."""

import pytest

from core import keys
from models.account import ApiScope
from tests.browser import press, refusal
from tests.makers import make_account


@pytest.fixture
def account(backends):
    return make_account(backends)


@pytest.fixture
def page(browser, account, backends):
    browser.sign_in(backends, account)
    return browser.open("account/profile.py")


def make(page, name: str, *scopes: ApiScope):
    next(field for field in page.text_input if field.label == "What is it for?").input(name)
    page.multiselect[0].set_value(list(scopes))
    return press(page, "Make key")


def test_a_key_is_shown_once(backends, account, page):
    make(page, "Booth", ApiScope.SEARCH)

    secret = page.code[0].value
    assert keys.identify(backends, secret).scopes == {ApiScope.SEARCH}
    page.run()
    assert not page.code
    assert any("Booth" in text.value for text in page.markdown)


def test_a_key_that_may_do_nothing_is_refused(backends, account, page):
    make(page, "Booth")

    assert "Choose what the key may do" in refusal(page)
    assert keys.mine(backends, by=account) == []


def test_a_key_is_revoked(backends, account, page):
    make(page, "Booth", ApiScope.SEARCH)

    press(page, "Revoke this key")

    assert keys.mine(backends, by=account) == []
