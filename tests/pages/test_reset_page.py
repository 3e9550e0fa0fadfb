"""A forgotten password, as pages: asking, the link in the mail, and the way back to sign in."""

import pytest
from streamlit.testing.v1 import AppTest

from core import limits, passwords, resets, sessions
from models.account import Account
from tests.browser import Browser, press, refusal
from tests.makers import make_account
from tests.sign_in import stored

NEW = "an even better one"
SENT = "If this address has an account, a mail is on its way."


def ask_for(page: AppTest, email: str) -> AppTest:
    page.text_input[0].input(email)
    return press(page, "Send the link")


def choose(page: AppTest, password: str) -> AppTest:
    page.text_input[0].input(password)
    return press(page, "Save password")


def mailed_code(backends) -> str:
    return backends.mailer.sent[-1].text.partition("code=")[2].split()[0]


def code_for(backends, account) -> str:
    _, code = resets.issue(backends, account.id)
    return code


@pytest.fixture
def ada(backends) -> Account:
    return make_account(backends, email="ada@example.org", name="Ada")


def html(page: AppTest) -> str:
    return "\n".join(block.proto.body for block in page.get("html"))


def test_the_sign_in_page_leads_here(backends, browser):
    page = browser.open("account/sign_in.py")

    assert '<a href="/reset" target="_self">Forgot your password?</a>' in html(page)


def test_a_forgotten_password_is_changed_by_mail(backends, browser, work, ada):
    elsewhere = Browser().sign_in(backends, ada)
    ask_for(browser.open("account/reset.py"), "Ada@example.org")
    work()
    page = browser.open("account/reset.py", code=mailed_code(backends))
    assert [text.value for text in page.text] == ["ada@example.org"]

    choose(page, NEW)

    assert browser.sent_to == ["/sign_in?changed=1"]
    assert passwords.matches(NEW, stored(backends, ada).password_hash)
    assert sessions.account_of(backends, elsewhere) is None


def test_the_sign_in_page_says_that_the_password_is_saved(backends, browser):
    page = browser.open("account/sign_in.py", changed="1")

    assert [note.value for note in page.success] == ["Your new password is saved. Sign in with it."]
    assert [field.label for field in page.text_input] == ["Email", "Password"]


def test_known_and_unknown_addresses_get_the_same_answer(backends, browser, work, ada):
    answers = []
    for email in (ada.email, "nobody@example.org"):
        page = ask_for(browser.open("account/reset.py"), email)
        answers.append([note.value for note in (*page.success, *page.info, *page.error)])

    assert answers[0] == answers[1]
    assert answers[0][0].startswith(SENT)
    assert work() == 1


def test_an_address_asked_for_too_often_gets_the_same_answer_still(backends, browser, work, ada):
    page = browser.open("account/reset.py")

    for _ in range(limits.RESET.size + 1):
        ask_for(page, ada.email)
        assert page.success[0].value.startswith(SENT)

    assert work() == limits.RESET.size


def test_what_is_no_address_is_said_so(backends, browser):
    page = ask_for(browser.open("account/reset.py"), "ada")

    assert "email address" in refusal(page)
    assert not page.success


@pytest.mark.parametrize(
    ("url", "host", "is_told"),
    [
        ("http://localhost:8501", None, True),
        ("http://localhost:8501", "mail.example.org", False),
        ("https://photos.example.org", None, False),
    ],
)
def test_an_operator_on_this_machine_is_told_where_mails_lie(
    backends, browser, tmp_path, monkeypatch, url, host, is_told
):
    monkeypatch.chdir(tmp_path)
    settings = type(backends.settings)
    backends.settings = settings(
        _env_file=None, data=tmp_path / "data" / "local", public_url=url, smtp_host=host
    )

    page = ask_for(browser.open("account/reset.py"), "nobody@example.org")

    told = [note.value for note in page.info]
    assert told == (
        ["This site has no mail server yet: its mails are files in `data/local/mail`."] if is_told else []
    )


def test_a_weak_password_is_refused_and_may_be_chosen_anew(backends, browser, ada):
    page = browser.open("account/reset.py", code=code_for(backends, ada))

    choose(page, "short")
    assert refusal(page) == "A password has at least 10 characters."
    choose(page, NEW)

    assert browser.sent_to == ["/sign_in?changed=1"]


def test_looking_at_the_link_does_not_spend_it(backends, browser, ada):
    code = code_for(backends, ada)

    for _ in range(3):
        browser.open("account/reset.py", code=code)

    assert resets.owner(backends, code) == ada


@pytest.mark.parametrize("code", ["invented", "é" * 300, "<script>"])
def test_a_link_that_does_not_work_leads_to_another(backends, browser, code):
    page = browser.open("account/reset.py", code=code)

    assert not page.exception
    assert not page.text_input
    assert "This link no longer works" in html(page)
    assert 'href="/reset"' in html(page)


def test_a_link_used_in_another_tab_meanwhile_leads_to_another(backends, browser, ada):
    code = code_for(backends, ada)
    page = browser.open("account/reset.py", code=code)
    resets.redeem(backends, code, NEW)

    choose(page, "a third one, of strangers")

    assert not page.exception
    assert "This link no longer works" in html(page)
    assert not passwords.matches("a third one, of strangers", stored(backends, ada).password_hash)
