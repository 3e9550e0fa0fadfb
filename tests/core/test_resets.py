"""A forgotten password: what is mailed to whom, what the link does, and what nobody learns."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event
from sqlmodel import select

from core import codes, correspondence, keys, limits, passwords, resets, sessions
from core.codes import CodeSpent
from core.errors import InvalidInput
from core.passwords import WeakPassword
from models.account import ApiScope, CodePurpose, OneTimeCode
from models.job import Job, JobKind, JobStatus
from tests.makers import PASSWORD, make_account
from tests.sign_in import NONCE, Clock, actions, sign_in, stored

NEW = "an even better one"

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def clock(backends) -> Clock:
    backends.now = Clock()
    return backends.now


@pytest.fixture
def ada(backends):
    return make_account(backends, email="ada@example.org", name="Ada Lovelace")


def mailed_code(backends) -> str:
    """The code in the last mail."""
    (code,) = re.findall(r"http://localhost:8501/reset\?code=(\S+)", backends.mailer.sent[-1].text)
    return code


def code_for(backends, account) -> str:
    """A code, without the mail that brings it."""
    _, code = resets.issue(backends, account.id)
    return code


def all_jobs(backends) -> list[Job]:
    with backends.reading() as session:
        return list(session.exec(select(Job)))


# --- asking --------------------------------------------------------------------------------


def test_who_asks_is_mailed_a_link_that_says_all_that_matters(backends, work, ada):
    resets.request(backends, " Ada@Example.org ")

    assert work() == 1
    (mail,) = backends.mailer.sent
    assert (mail.to, mail.subject) == ("ada@example.org", "Your new password for Encore")
    assert mail.text.startswith("Hello Ada Lovelace,\n")
    assert "works once, for 60 minutes" in mail.text
    assert "You did not ask?" in mail.text
    assert resets.owner(backends, mailed_code(backends)) == ada


def test_the_mail_says_that_keys_of_programs_outlive_the_password(backends, work, ada):
    _, key = keys.create(backends, "till", [ApiScope.SHOP], by=ada)
    resets.request(backends, ada.email)
    work()

    resets.redeem(backends, mailed_code(backends), NEW)

    assert "Keys of programs stay; look at them in your profile." in backends.mailer.sent[-1].text
    assert keys.identify(backends, key).account.id == ada.id


@pytest.mark.parametrize(
    ("email", "fields"),
    [
        ("nobody@example.org", {}),
        ("gone@example.org", {"is_active": False}),
        ("demo@example.org", {"is_demo": True}),
    ],
)
def test_an_address_that_nobody_may_sign_in_with_gets_no_mail_and_the_same_answer(
    backends, work, email, fields
):
    if fields:
        make_account(backends, email=email, **fields)
    backends.settings = type(backends.settings)(_env_file=None, public_url="https://photos.example.org")

    assert resets.request(backends, email) is None

    assert work() == 0
    assert backends.mailer.sent == []
    assert all_jobs(backends) == []


def test_an_unknown_address_costs_no_less_than_a_known_one(backends, ada):
    written: list[str] = []
    event.listen(backends.engine, "before_cursor_execute", lambda *given: written.append(given[2].split()[0]))

    resets.request(backends, ada.email)
    for_ada = written.copy()
    written.clear()
    resets.request(backends, "nobody@example.org")

    assert for_ada == ["BEGIN", "SELECT", "INSERT", "INSERT"]
    assert written == [*for_ada, "DELETE", "DELETE"]


def test_what_is_no_address_is_refused_before_anything_is_looked_up(backends):
    with pytest.raises(InvalidInput, match="email address"):
        resets.request(backends, "ada")


def test_an_address_asked_for_too_often_is_sent_nothing_more_and_nobody_notices(backends, work, ada):
    for _ in range(limits.RESET.size + 3):
        assert resets.request(backends, ada.email) is None

    assert work() == limits.RESET.size
    assert len(backends.mailer.sent) == limits.RESET.size


def test_an_account_disabled_after_it_asked_is_mailed_nothing(backends, work):
    account = make_account(backends, email="ada@example.org")
    resets.request(backends, account.email)
    with backends.transaction() as session:
        session.merge(account).is_active = False

    assert work() == 1

    assert backends.mailer.sent == []


def test_an_address_that_is_refused_for_good_is_seen_among_the_jobs(backends, work, ada):
    backends.mailer.refused.add(ada.email)
    resets.request(backends, ada.email)

    work()

    (job,) = all_jobs(backends)
    assert (job.kind, job.status) == (JobKind.SEND_MAIL, JobStatus.FAILED)
    assert job.last_error == "The mail server refuses this address."


def test_while_the_mail_server_is_away_the_mail_waits_for_it(backends, work, ada, clock):
    backends.mailer.is_down = True
    resets.request(backends, ada.email)
    clock.time = all_jobs(backends)[0].run_at
    work()
    backends.mailer.is_down = False

    clock.pass_by(minutes=1)
    work()

    assert resets.owner(backends, mailed_code(backends)) == ada


# --- the link ------------------------------------------------------------------------------


def test_the_link_changes_the_password_and_ends_every_session(backends, ada):
    tokens = [sign_in(backends, ada) for _ in range(2)]
    code = code_for(backends, ada)

    account = resets.redeem(backends, code, NEW)

    assert account.id == ada.id
    assert passwords.matches(NEW, stored(backends, ada).password_hash)
    assert not passwords.matches(PASSWORD, stored(backends, ada).password_hash)
    assert [sessions.account_of(backends, token) for token in tokens] == [None, None]
    assert actions(backends)[-1] == ("account.password_reset", str(ada.id), ada.id)


def test_nobody_elses_session_or_code_ends_with_it(backends, ada):
    other = make_account(backends)
    token, other_code = sign_in(backends, other), code_for(backends, other)

    resets.redeem(backends, code_for(backends, ada), NEW)

    assert sessions.account_of(backends, token) == other
    assert resets.owner(backends, other_code) == other


def test_the_row_keeps_no_code_that_could_be_used(backends, ada):
    code = code_for(backends, ada)

    with backends.reading() as session:
        (row,) = session.exec(select(OneTimeCode))

    assert code not in str(row.model_dump())


def test_a_link_works_once(backends, ada):
    code = code_for(backends, ada)
    resets.redeem(backends, code, NEW)

    with pytest.raises(CodeSpent):
        resets.redeem(backends, code, "a third one, of strangers")

    assert passwords.matches(NEW, stored(backends, ada).password_hash)


def test_of_many_who_use_one_link_at_once_one_succeeds(backends, ada):
    code = code_for(backends, ada)
    candidates = [f"the password number {number}" for number in range(8)]

    def outcome(password: str) -> str | None:
        try:
            resets.redeem(backends, code, password)
        except CodeSpent:
            return None
        return password

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(outcome, candidates))

    (winner,) = [password for password in outcomes if password]
    assert passwords.matches(winner, stored(backends, ada).password_hash)


def test_a_link_works_for_an_hour(backends, ada, clock):
    early, late = code_for(backends, ada), code_for(backends, ada)
    clock.pass_by(minutes=59)
    assert resets.owner(backends, early) == ada

    clock.pass_by(minutes=1)

    with pytest.raises(CodeSpent):
        resets.owner(backends, early)
    with pytest.raises(CodeSpent):
        resets.redeem(backends, late, NEW)


@pytest.mark.parametrize("password", ["short", "ada lovelace", "ada@example.org", "password1234"])
def test_a_weak_password_is_refused_and_the_link_still_works(backends, ada, password):
    code = code_for(backends, ada)

    with pytest.raises(WeakPassword):
        resets.redeem(backends, code, password)

    assert resets.redeem(backends, code, NEW).id == ada.id


def test_the_other_links_and_a_sign_in_under_way_end_with_the_old_password(backends, ada):
    first, second = code_for(backends, ada), code_for(backends, ada)
    begun = sessions.start_sign_in(backends, ada.id, NONCE)

    resets.redeem(backends, second, NEW)

    with pytest.raises(CodeSpent):
        resets.redeem(backends, first, "a third one, of strangers")
    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, begun, NONCE)


def test_who_was_locked_out_may_sign_in_at_once(backends, ada):
    for _ in range(sessions.LOCK_OUT_AFTER):
        sessions.count_failure(backends, ada.email)

    resets.redeem(backends, code_for(backends, ada), NEW)

    assert sessions.credentials(backends, ada.email)["usernames"][ada.email]["id"] == ada.id


@pytest.mark.parametrize("code", ["", "invented", "é" * 300])
def test_an_invented_link_opens_nothing(backends, ada, code):
    code_for(backends, ada)

    with pytest.raises(CodeSpent):
        resets.owner(backends, code)
    with pytest.raises(CodeSpent):
        resets.redeem(backends, code, NEW)


def test_a_code_of_another_purpose_opens_nothing(backends, ada):
    with backends.transaction() as session:
        code = codes.issue(backends, session, CodePurpose.SIGN_IN, resets.TTL, ada.id)

    with pytest.raises(CodeSpent):
        resets.owner(backends, code)
    with pytest.raises(CodeSpent):
        resets.redeem(backends, code, NEW)


def test_a_link_of_an_account_that_was_disabled_opens_nothing(backends, ada):
    code = code_for(backends, ada)
    with backends.transaction() as session:
        session.merge(ada).is_active = False

    with pytest.raises(CodeSpent):
        resets.redeem(backends, code, NEW)


@pytest.mark.integration
def test_a_whole_reset_works_on_postgresql(platform):
    account = make_account(platform, email="ada@example.org")
    resets.request(platform, account.email)
    resets.request(platform, "nobody@example.org")
    (job,) = all_jobs(platform)
    correspondence.send(platform, job.subject)
    token = sign_in(platform, account)

    resets.redeem(platform, mailed_code(platform), NEW)

    assert passwords.matches(NEW, stored(platform, account).password_hash)
    assert sessions.account_of(platform, token) is None
