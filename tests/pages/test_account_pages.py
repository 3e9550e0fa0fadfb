"""Signing in, registering, one's own account, and the admin's list, as pages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit_authenticator.utilities import Hasher

from core import accounts, passwords, sessions
from core.backends import Backends
from models.account import Account, Role
from pages.parts import site
from tests.makers import PASSWORD, make_account, make_event

PAGES = Path(__file__).parents[2] / "pages"
NONCE = "the nonce of this browser"

# As the frame does it, without the pages of others.
FRAME = """
import runpy
import streamlit as st
from core import i18n
from core.errors import PlatformError

try:
    runpy.run_path({path!r})
except PlatformError as refusal:
    st.error(i18n.refusal(refusal))
"""


class Browser:
    """The cookies of one browser, and the addresses it was sent to."""

    def __init__(self) -> None:
        self.cookies = {sessions.NONCE_COOKIE: NONCE, sessions.VISITOR_COOKIE: "visitor"}
        self.sent_to: list[str] = []

    def open(self, page: str, **query: str) -> AppTest:
        opened = AppTest.from_string(FRAME.format(path=str(PAGES / page)), default_timeout=20)
        opened.query_params.update(query)
        return opened.run()

    def sign_in(self, backends: Backends, account: Account) -> str:
        code = sessions.start_sign_in(backends, account.id, NONCE)
        token = sessions.finish_sign_in(backends, code, NONCE)
        self.cookies[sessions.SESSION_COOKIE] = token
        return token

    def follow(self, backends: Backends) -> Account | None:
        """Do what /session/login does with the code, and return who is signed in."""
        (address,) = self.sent_to
        code = address.removeprefix("/session/login?code=").partition("&")[0]
        return sessions.account_of(backends, sessions.finish_sign_in(backends, code, NONCE))


@pytest.fixture
def browser(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = Browser()
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.setattr(site, "cookies", lambda: browser.cookies)
    monkeypatch.setattr(site, "redirect", browser.sent_to.append)
    return browser


def refusal(page: AppTest) -> str:
    assert not page.exception
    (error,) = page.error
    return error.value


def press(page: AppTest, label: str) -> AppTest:
    (button,) = [button for button in page.button if button.label == label]
    return button.click().run()


def send_sign_in(page: AppTest, email: str, password: str) -> AppTest:
    page.text_input[0].input(email)
    page.text_input[1].input(password)
    return page.button[0].click().run()


# --- sign in -------------------------------------------------------------------------------


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


# --- register ------------------------------------------------------------------------------


def send_registration(page: AppTest, email: str, password: str = PASSWORD) -> AppTest:
    for field, value in zip(page.text_input, ("Ada Lovelace", email, password), strict=True):
        field.input(value)
    return page.button[0].click().run()


def test_who_registers_is_signed_in_as_a_guest(backends, browser):
    page = browser.open("account/register.py", next="/cart")

    send_registration(page, "ada@example.org")

    account = browser.follow(backends)
    assert (account.email, account.role) == ("ada@example.org", Role.GUEST)
    assert browser.sent_to[0].endswith("&next=/cart")


def test_a_refused_registration_keeps_what_was_typed(backends, browser):
    page = browser.open("account/register.py")

    send_registration(page, "ada@example.org", "short")

    assert refusal(page) == "A password has at least 10 characters."
    assert [field.value for field in page.text_input] == ["Ada Lovelace", "ada@example.org", "short"]


def test_the_code_from_start_up_makes_the_first_admin(backends, browser):
    code = accounts.first_admin_code(backends)
    page = browser.open("account/register.py", admin=code)

    send_registration(page, "ada@example.org")

    assert browser.follow(backends).role is Role.ADMIN


def test_an_invented_code_makes_nobody(backends, browser):
    page = browser.open("account/register.py", admin="invented")

    send_registration(page, "ada@example.org")

    assert "used already, or is too old" in refusal(page)
    assert accounts.first_admin_code(backends) is not None


# --- profile -------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_and_back(browser, backends):
    browser.open("account/profile.py")

    assert browser.sent_to == ["/sign_in?next=/"]


def test_people_change_their_name(backends, browser):
    token = browser.sign_in(backends, make_account(backends, name="Ada"))
    page = browser.open("account/profile.py")

    page.text_input[0].input("Ada Lovelace")
    press(page, "Save name")

    assert not page.exception
    assert sessions.account_of(backends, token).name == "Ada Lovelace"


def test_people_change_their_password_and_stay_signed_in_here_only(backends, browser):
    account = make_account(backends)
    elsewhere = Browser().sign_in(backends, account)
    token = browser.sign_in(backends, account)
    page = browser.open("account/profile.py")

    page.text_input[1].input(PASSWORD)
    page.text_input[2].input("an even better one")
    press(page, "Change password")

    assert not page.exception
    assert passwords.matches("an even better one", sessions.account_of(backends, token).password_hash)
    assert sessions.account_of(backends, elsewhere) is None


@pytest.mark.parametrize(("label", "is_elsewhere_over"), [("Sign out", False), ("Sign out everywhere", True)])
def test_signing_out_ends_the_session_before_the_browser_goes(backends, browser, label, is_elsewhere_over):
    account = make_account(backends)
    elsewhere = Browser().sign_in(backends, account)
    token = browser.sign_in(backends, account)
    page = browser.open("account/profile.py")

    press(page, label)

    assert browser.sent_to == ["/session/ended"]
    assert sessions.account_of(backends, token) is None
    assert (sessions.account_of(backends, elsewhere) is None) is is_elsewhere_over


def test_a_session_ended_elsewhere_is_ended_at_the_next_rerun(backends, browser):
    token = browser.sign_in(backends, make_account(backends))
    page = browser.open("account/profile.py")
    sessions.sign_out(backends, token)

    press(page, "Save name")

    assert browser.sent_to == ["/sign_in?next=/"]


# --- the admin's list ----------------------------------------------------------------------


def choose(page: AppTest, account: Account) -> AppTest:
    (box,) = [box for box in page.selectbox if box.label == "Account to change"]
    return box.select(account.id).run()


@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.ADMIN)])
def test_only_admins_see_the_list(backends, browser, role):
    if role is not None:
        browser.sign_in(backends, make_account(backends, role))

    page = browser.open("admin/accounts.py")

    assert refusal(page)
    assert not page.dataframe
    assert not page.button


def test_an_admin_searches_the_list(backends, browser):
    browser.sign_in(backends, make_account(backends, Role.ADMIN))
    make_account(backends, name="Ada", email="ada@example.org")
    page = browser.open("admin/accounts.py")

    (search,) = [field for field in page.text_input if field.label.startswith("Search")]
    search.input("lada").run()
    nothing = [note.value for note in page.info]
    search.input("ADA@").run()

    assert nothing == ["No account has this in its name or address."]
    assert list(page.dataframe[0].value["Email"]) == ["ada@example.org"]


def test_an_admin_gives_a_role(backends, browser):
    browser.sign_in(backends, make_account(backends, Role.ADMIN))
    account = make_account(backends)
    page = choose(browser.open("admin/accounts.py"), account)

    page.selectbox(key=f"role_{account.id}_guest").select(Role.ORGANISER).run()
    press(page, "Save role")

    assert not page.exception
    assert [found.role for found in everyone(backends) if found.id == account.id] == [Role.ORGANISER]


def test_an_admin_disables_an_account_after_saying_so_twice_and_enables_it_again(backends, browser):
    browser.sign_in(backends, make_account(backends, Role.ADMIN))
    account = make_account(backends)
    token = Browser().sign_in(backends, account)
    page = choose(browser.open("admin/accounts.py"), account)

    (disable,) = [button for button in page.button if button.label == "Disable account"]
    assert disable.disabled
    page.checkbox[0].check().run()
    press(page, "Disable account")
    assert sessions.account_of(backends, token) is None

    press(page, "Enable account")
    assert all(found.is_active for found in everyone(backends))


def test_the_last_admin_is_told_why_not(backends, browser):
    admin = make_account(backends, Role.ADMIN)
    browser.sign_in(backends, admin)
    page = choose(browser.open("admin/accounts.py"), admin)

    page.checkbox[0].check().run()
    press(page, "Disable account")

    assert "last admin" in refusal(page)


def test_an_admin_makes_an_account(backends, browser):
    browser.sign_in(backends, make_account(backends, Role.ADMIN, name="Zoe"))
    page = browser.open("admin/accounts.py")

    for field, value in zip(
        page.text_input[:3], ("Ada", "ada@example.org", "analytical engine"), strict=True
    ):
        field.input(value)
    page.selectbox[0].select(Role.PHOTOGRAPHER)
    press(page, "Make account")

    assert not page.exception
    found = [(account.email, account.role) for account in everyone(backends) if account.name == "Ada"]
    assert found == [("ada@example.org", Role.PHOTOGRAPHER)]


def everyone(backends: Backends) -> list[Account]:
    root = Account(name="", email="", password_hash="", role=Role.ADMIN)
    return list(accounts.everyone(backends, by=root))


# --- what pages share ----------------------------------------------------------------------


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
