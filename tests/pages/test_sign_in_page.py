"""Signing in, and what pages know of who is here."""

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest
from streamlit_authenticator.utilities import Hasher

from core import sessions
from models.account import Role
from pages.parts import site
from tests.browser import refusal
from tests.makers import PASSWORD, make_account, make_event


def send_sign_in(page: AppTest, email: str, password: str) -> AppTest:
    page.text_input[0].input(email)
    page.text_input[1].input(password)
    return page.button[0].click().run()


def test_the_right_password_leads_through_the_session_route_to_where_one_was_going(backends, browser):
    account = make_account(backends, email="ada@example.org")
    page = browser.open("account/sign_in.py", next="/gallery?event=7")

    send_sign_in(page, " Ada@Example.org ", PASSWORD)

    assert browser.sent_to[0].endswith("&next=/gallery%3Fevent%3D7")
    assert browser.follow(backends) == account


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "gone@example.org"])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer_and_the_same_work(
    backends, browser, monkeypatch, email
):
    make_account(backends, email="ada@example.org")
    make_account(backends, email="gone@example.org", is_active=False)
    checked = []
    check = Hasher.check_pw
    monkeypatch.setattr(Hasher, "check_pw", lambda given, kept: checked.append(kept) or check(given, kept))
    page = browser.open("account/sign_in.py")

    send_sign_in(page, email, "a wrong password")

    assert refusal(page) == "The address or the password is wrong."
    assert len(checked) == 1
    assert browser.sent_to == []


def test_after_a_wrong_password_the_form_still_holds_what_was_typed(backends, browser):
    page = browser.open("account/sign_in.py")

    send_sign_in(page, "ada@example.org", "a wrong password")

    assert [field.value for field in page.text_input] == ["ada@example.org", "a wrong password"]


def test_a_name_is_locked_out_after_five_wrong_passwords(backends, browser):
    account = make_account(backends)
    page = browser.open("account/sign_in.py")
    for _ in range(5):
        send_sign_in(page, account.email, "a wrong password")

    send_sign_in(page, account.email, PASSWORD)

    assert "Try again in 15 min" in refusal(page)
    assert browser.sent_to == []


def test_state_left_by_the_login_package_signs_nobody_in(backends, browser):
    account = make_account(backends, Role.ADMIN)
    page = browser.open("account/sign_in.py")

    for key, value in {"authentication_status": True, "username": account.email}.items():
        page.session_state[key] = value
    page.run()

    assert browser.sent_to == []
    assert [field.label for field in page.text_input] == ["Email", "Password"]
    assert "authentication_status" not in page.session_state


def test_a_browser_that_blocks_cookies_is_told_so(backends, browser):
    account = make_account(backends)
    browser.cookies.clear()
    page = browser.open("account/sign_in.py")

    send_sign_in(page, account.email, PASSWORD)

    assert "blocks cookies" in refusal(page)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_sign_in_leads_to_no_other_site(backends, browser, target):
    account = make_account(backends)
    page = browser.open("account/sign_in.py", next=target)

    send_sign_in(page, account.email, PASSWORD)

    assert browser.sent_to[0].endswith("&next=/")


def test_demo_accounts_are_named_and_one_click_away_on_this_machine(backends, browser):
    make_account(backends)
    demo = make_account(backends, is_demo=True, name="Ada Admin", email="admin@demo.example")

    page = browser.open("account/sign_in.py")
    press_demo = page.button(key=f"demo_{demo.id}")
    press_demo.click().run()

    assert [text.value for text in page.text] == ["Ada Admin · admin@demo.example"]
    assert browser.follow(backends) == demo


def test_demo_accounts_are_not_named_where_others_can_reach_the_site(backends, browser):
    demo = make_account(backends, is_demo=True)
    backends.settings = type(backends.settings)(_env_file=None, public_url="https://photos.example.org")
    page = browser.open("account/sign_in.py")

    send_sign_in(page, demo.email, PASSWORD)

    assert not page.text
    assert refusal(page) == "The address or the password is wrong."
    assert browser.sent_to == []


def test_who_is_signed_in_is_not_asked_again(backends, browser):
    browser.sign_in(backends, make_account(backends))

    page = browser.open("account/sign_in.py")

    assert not page.exception
    assert not page.text_input


def test_a_time_is_shown_as_the_clocks_at_the_event_show_it(backends):

    event = make_event(backends, time_zone="Asia/Bangkok")

    assert site.local(event, datetime(2026, 10, 17, 18, 5, tzinfo=UTC)) == "18 Oct 2026, 01:05"


def test_a_visitor_without_cookies_may_look_but_not_buy(backends, browser):
    browser.cookies.clear()

    assert site.viewer().visitor_key == ""
    with pytest.raises(sessions.CookiesBlocked):
        site.require_visitor()


def test_an_address_of_this_site_survives_as_a_parameter():
    assert site.with_next("/sign_in", "/a?b=c&d=//e") == "/sign_in?next=/a%3Fb%3Dc%26d%3D//e"
    assert site.with_next("/sign_in?again=1", "/") == "/sign_in?again=1&next=/"
