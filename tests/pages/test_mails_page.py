"""The page of mails, and the page of who has lost the links to their orders."""

import pytest
from streamlit.testing.v1 import AppTest

from core import audit, correspondence, limits, outbox
from core.letters import Letter
from core.paging import LONG
from models.account import Role
from models.mail import MailKind, MailStatus, OutboxMail
from tests.browser import press, refusal
from tests.core.test_correspondence import BUYER, buy
from tests.core.test_outbox import all_of
from tests.makers import make_account, make_event

PAGE, LOST = "admin/mails.py", "visitor/lost_link.py"
TO = "ada@example.org"
SENT = (
    "If this address has paid for photos, a mail with the links is on its way. Nothing there after some "
    "minutes? Look among the unwanted mail, or try another address."
)


@pytest.fixture
def admin(backends, browser):
    account = make_account(backends, Role.ADMIN)
    browser.sign_in(backends, account)
    return account


@pytest.fixture(autouse=True)
def _short_words(monkeypatch):
    letter = Letter("The subject", "Hello,", ("One <b>sentence</b>.",))
    monkeypatch.setitem(correspondence.WRITERS, MailKind.RECEIPT, lambda *_: letter)


def put(backends, subject: str, status: MailStatus = MailStatus.WAITING, **fields: object) -> OutboxMail:
    """A mail that stands there, whatever its job did."""
    with backends.transaction() as session:
        mail = OutboxMail(kind=MailKind.RECEIPT, subject=subject, to=TO, status=status, **fields)
        session.add(mail)
    return mail


def text(page: AppTest) -> str:
    """All that the page says."""
    assert not page.exception
    blocks = (block.proto.body for block in page.get("html"))
    spoken = (element.value for element in (*page.markdown, *page.caption, *page.code, *page.info))
    return "\n".join((*blocks, *spoken)).replace("\\", "")


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


# --- the mails -----------------------------------------------------------------------------


def test_before_the_first_mail_the_page_says_what_comes(browser, admin):
    page = browser.open(PAGE)

    assert "No mails here" in text(page)
    assert labels(page) == []


def test_each_mail_says_to_whom_about_what_where_it_stands_and_why(backends, browser, admin):
    put(backends, "R2026-000001", MailStatus.FAILED, last_error="The mail server refuses this mail (550).")
    put(backends, "R2026-000002", last_error="The mail server asks to try again later (451).")
    put(backends, "R2026-000003")
    put(backends, "R2026-000004", MailStatus.DROPPED)

    page = browser.open(PAGE)

    said = text(page)
    for part in ("Receipt R2026-000001", TO, "Gave up", "(550)", "Trying again", "(451)", "Not needed"):
        assert part in said
    assert labels(page) == ["Try again"] * 3


def test_a_mail_that_was_given_up_is_tried_again(backends, browser, work, admin):
    mail = put(backends, "1", MailStatus.FAILED, last_error="No.")

    press(browser.open(PAGE), "Try again")
    work()

    assert [sent.id for sent in backends.mailer.sent] == [str(mail.id)]
    assert "Sent" in text(browser.open(PAGE))


def test_a_mail_that_is_a_file_is_read_as_words_and_that_is_written_down(backends, browser, work, admin):
    with backends.transaction() as session:
        outbox.put(session, MailKind.RECEIPT, "1", TO)
    work()

    page = press(browser.open(PAGE), "Read")

    assert [code.value for code in page.code] == ["Hello,\n\nOne <b>sentence</b>."]
    assert "The subject" in text(page)
    assert len(audit.listing(backends, LONG, by=admin, action="mail.read").items) == 1


def test_a_mail_whose_file_is_gone_is_no_error(backends, browser, admin):
    put(backends, "1", MailStatus.SENT)

    page = press(browser.open(PAGE), "Read")

    assert not page.exception
    assert [toast.value for toast in page.toast] == ["This mail is no longer in the folder."]


def test_with_a_mail_server_mails_are_not_read_here(backends, browser, admin):
    put(backends, "1", MailStatus.SENT)
    without = text(browser.open(PAGE))
    backends.settings.smtp_host = "mail.example.org"

    page = browser.open(PAGE)

    assert "ENCORE_SMTP_HOST" in without
    assert "ENCORE_SMTP_HOST" not in text(page)
    assert labels(page) == []


def test_the_status_is_chosen_and_kept_in_the_address(backends, browser, admin):
    put(backends, "R1", MailStatus.SENT)
    put(backends, "R2", MailStatus.FAILED)

    page = browser.open(PAGE)
    page.segmented_control[0].set_value("failed").run()

    assert page.query_params["show"] in ("failed", ["failed"])
    assert ("Receipt R1" in text(page), "Receipt R2" in text(page)) == (False, True)
    again = browser.open(PAGE, show="failed")
    assert ("Receipt R1" in text(again), "Receipt R2" in text(again)) == (False, True)


@pytest.mark.parametrize("query", [{"show": "invented"}, {"after": "invented"}, {"show": "<script>"}])
def test_an_address_that_somebody_made_up_shows_the_newest(backends, browser, admin, query):
    put(backends, "R1")

    assert "Receipt R1" in text(browser.open(PAGE, **query))


def test_older_mails_are_on_the_next_page(backends, browser, admin):
    for number in range(21):
        put(backends, f"R-{number:02}")

    page = browser.open(PAGE)
    assert "R-00" not in text(page)
    page = press(page, "Older")

    assert "R-00" in text(page)
    assert "R-20" in text(press(page, "Newest"))


def test_what_strangers_wrote_is_shown_as_words(backends, browser, admin):
    put(backends, "<img src=x>", MailStatus.FAILED, last_error="<img src=x> [a](http://example.org)")

    page = browser.open(PAGE)

    blocks = "\n".join(block.proto.body for block in page.get("html"))
    assert "<img" not in blocks
    assert blocks.count("&lt;img src=x&gt;") == 2


# --- lost links ----------------------------------------------------------------------------


def ask(browser, email: str) -> AppTest:
    page = browser.open(LOST)
    page.text_input[0].input(email)
    return press(page, "Send my links")


def test_the_page_of_orders_leads_here_whether_it_is_empty_or_not(backends, browser):
    assert 'href="/lost_link"' in text(browser.open("visitor/orders.py"))


def test_the_answer_is_the_same_for_everyone_and_the_mail_is_the_buyers(backends, browser, work):
    buy(backends, make_event(backends))

    answers = [
        [note.value for note in ask(browser, email).success] for email in (BUYER, "nobody@example.org")
    ]
    work()

    assert answers == [[SENT], [SENT]]
    assert [mail.to for mail in backends.mailer.sent] == [BUYER]


def test_what_is_no_address_is_refused_in_a_sentence(backends, browser):
    assert refusal(ask(browser, "runner")) == "Write an email address such as name@example.org."
    assert all_of(backends, OutboxMail) == []


def test_one_client_may_not_ask_for_everybody(backends, browser, monkeypatch):
    monkeypatch.setattr(limits, "SIGN_IN", limits.Bucket("sign_in", 1, limits.HOUR))
    ask(browser, BUYER)

    assert "tried too often" in refusal(ask(browser, "nobody@example.org"))
