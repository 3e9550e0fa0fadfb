"""Registering, one's own account, and the admin's list, as pages."""

import pytest
from streamlit.testing.v1 import AppTest

from core import accounts, passwords, sessions
from core.backends import Backends
from models.account import Account, Role
from tests.browser import Browser, press, refusal
from tests.makers import PASSWORD, make_account


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


@pytest.mark.parametrize(
    ("label", "is_elsewhere_over"), [("Sign out", False), ("Sign out of all of them", True)]
)
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


def choose(page: AppTest, account: Account) -> AppTest:
    (box,) = [box for box in page.selectbox if box.label == "Account to change"]
    return box.select(account.id).run()


def search(page: AppTest, text: str) -> AppTest:
    (field,) = [field for field in page.text_input if field.label.startswith("Search")]
    return field.input(text).run()


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

    search(page, "lada")
    nothing = [note.value for note in page.info]
    search(page, "ADA@")

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
    return list(accounts.everyone(backends, by=root).items)
