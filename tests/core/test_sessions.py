"""The lock-out, one-time codes, sessions, demo accounts."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from core import accounts, audit, codes, passwords, sessions
from core.access import Viewer
from core.backends import Backends
from core.codes import CodeSpent
from core.errors import Forbidden
from core.sessions import CookiesBlocked, LockedOut
from core.signing import token_hash
from models.account import CodePurpose, OneTimeCode, SignInSession
from models.activity import Activity, ActivityKind
from tests.makers import PASSWORD, make_account
from tests.sign_in import NONCE, Clock, actions, sign_in

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def clock(backends: Backends) -> Clock:
    backends.now = Clock()
    return backends.now


def test_the_form_gets_the_typed_account_only(backends):
    account = make_account(backends, email="ada@example.org")
    make_account(backends)

    credentials = sessions.credentials(backends, " ADA@example.org ")

    entry = {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "password": account.password_hash,
    }
    assert credentials == {"usernames": {"ada@example.org": entry}}


def test_a_name_that_nobody_may_sign_in_with_gets_a_hash_like_any_other(backends):
    make_account(backends, email="gone@example.org", is_active=False)
    known = passwords.hashed("anything at all")

    for name in ("nobody@example.org", "gone@example.org"):
        entry = sessions.credentials(backends, name)["usernames"][name]

        assert entry["id"] is None
        assert entry["password"].split("$")[:3] == known.split("$")[:3]  # the same cost
        assert not passwords.matches(PASSWORD, entry["password"])


@pytest.mark.parametrize("name", ["ada@example.org", "nobody@example.org"])
def test_five_wrong_passwords_lock_a_name_out_for_a_while(backends, clock, name):
    make_account(backends, email="ada@example.org")
    for _ in range(5):
        sessions.credentials(backends, name)

    clock.pass_by(minutes=5)
    with pytest.raises(LockedOut, match="in 10 min"):
        sessions.credentials(backends, name.upper())

    clock.pass_by(minutes=10)
    assert sessions.credentials(backends, name)


def test_guesses_sent_at_once_are_counted_too(backends):
    def guess(_: int) -> bool:
        try:
            return bool(sessions.credentials(backends, "ada@example.org"))
        except LockedOut:
            return False

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(guess, range(12))) == sessions.LOCK_OUT_AFTER


def test_a_locked_name_locks_no_other(backends):
    for _ in range(5):
        sessions.credentials(backends, "nobody@example.org")

    assert sessions.credentials(backends, "ada@example.org")


def test_the_right_password_clears_the_wrong_ones(backends):
    account = make_account(backends)
    for _ in range(5):
        sessions.credentials(backends, account.email)

    sign_in(backends, account)

    assert sessions.credentials(backends, account.email)


def test_signing_in_opens_a_session_and_is_written_down(backends):
    account = make_account(backends)
    code = sessions.start_sign_in(backends, account.id, NONCE)

    token = sessions.finish_sign_in(backends, code, NONCE, visitor_key="v" * 64)

    assert sessions.account_of(backends, token) == account
    assert actions(backends) == [("account.signed_in", str(account.id), account.id)]
    assert audit.first_break(backends) is None
    with backends.reading() as session:
        seen = session.exec(select(Activity)).one()
    assert (seen.kind, seen.visitor_key, seen.account_id) == (ActivityKind.SIGN_IN, "v" * 64, account.id)


def test_the_database_alone_opens_no_session(backends):
    account = make_account(backends)
    code = sessions.start_sign_in(backends, account.id, NONCE)
    with backends.reading() as session:
        row = session.exec(select(OneTimeCode)).one()
    token = sessions.finish_sign_in(backends, code, NONCE)
    with backends.reading() as session:
        kept = session.exec(select(SignInSession)).one()

    assert (row.code_sha256, row.nonce_sha256) == (token_hash(code), token_hash(NONCE))
    assert kept.token_sha256 == token_hash(token)
    assert sessions.account_of(backends, kept.token_sha256) is None


def test_a_code_works_once(backends):
    code = sessions.start_sign_in(backends, make_account(backends).id, NONCE)
    sessions.finish_sign_in(backends, code, NONCE)

    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, code, NONCE)


@pytest.mark.parametrize("nonce", ["another browser's nonce", ""])
def test_a_code_works_only_in_the_browser_that_asked(backends, nonce):
    code = sessions.start_sign_in(backends, make_account(backends).id, NONCE)

    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, code, nonce)


def test_a_code_expires_after_a_minute(backends, clock):
    code = sessions.start_sign_in(backends, make_account(backends).id, NONCE)

    clock.pass_by(seconds=60)

    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, code, NONCE)


def test_a_code_for_the_first_admin_signs_nobody_in(backends):
    code = accounts.first_admin_code(backends)

    for nonce in (NONCE, ""):
        with pytest.raises(CodeSpent):
            sessions.finish_sign_in(backends, code, nonce)


def test_a_code_opens_only_what_it_was_made_for(backends):
    code = sessions.start_sign_in(backends, make_account(backends).id, NONCE)

    with backends.transaction() as session:
        assert codes.redeem(backends, session, CodePurpose.FIRST_ADMIN, code, NONCE) is None
        assert codes.redeem(backends, session, CodePurpose.SIGN_IN, code, NONCE) is not None


def test_of_many_requests_with_one_code_one_is_signed_in(backends):
    code = sessions.start_sign_in(backends, make_account(backends).id, NONCE)

    def finish(_: int) -> bool:
        try:
            return bool(sessions.finish_sign_in(backends, code, NONCE))
        except CodeSpent:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(finish, range(8))) == 1


def test_a_browser_without_cookies_is_told_so(backends):
    account = make_account(backends)

    with pytest.raises(CookiesBlocked):
        sessions.start_sign_in(backends, account.id, "")


def test_signing_in_again_ends_this_browsers_older_session_and_no_other(backends):
    account = make_account(backends)
    old, elsewhere = sign_in(backends, account), sign_in(backends, account)

    new = sign_in(backends, account, previous=old)

    assert new != old
    assert sessions.account_of(backends, old) is None
    assert sessions.account_of(backends, elsewhere) == account
    assert sessions.account_of(backends, new) == account


@pytest.mark.parametrize("token", ["", "invented", "x" * 10_000])
def test_an_unknown_token_is_nobody(backends, token):
    sign_in(backends, make_account(backends))

    assert sessions.account_of(backends, token) is None


def test_a_session_ends_when_its_time_is_over(backends, clock):
    account = make_account(backends)
    token = sign_in(backends, account)

    clock.pass_by(days=13)
    assert sessions.account_of(backends, token) == account
    clock.pass_by(days=1)
    assert sessions.account_of(backends, token) is None


def test_signing_out_ends_that_session_only(backends):
    account = make_account(backends)
    here, there = sign_in(backends, account), sign_in(backends, account)

    sessions.sign_out(backends, here)

    assert sessions.account_of(backends, here) is None
    assert sessions.account_of(backends, there) == account


def test_signing_out_everywhere_ends_every_session_of_the_account_only(backends):
    account, other = make_account(backends), make_account(backends)
    mine, theirs = [sign_in(backends, account), sign_in(backends, account)], sign_in(backends, other)

    sessions.sign_out_everywhere(backends, account)

    assert [sessions.account_of(backends, token) for token in mine] == [None, None]
    assert sessions.account_of(backends, theirs) == other


def test_a_viewer_keeps_the_visitor_key_through_sign_in(backends):
    account = make_account(backends)
    before = sessions.viewer_of(backends, {sessions.VISITOR_COOKIE: "a browser"})

    cookies = {sessions.VISITOR_COOKIE: "a browser", sessions.SESSION_COOKIE: sign_in(backends, account)}

    assert before == Viewer(token_hash("a browser"), None)
    assert sessions.viewer_of(backends, cookies) == Viewer(before.visitor_key, account)
    assert sessions.viewer_of(backends, {}) == Viewer("", None)


def test_demo_accounts_sign_in_on_this_machine(backends):
    account = make_account(backends, is_demo=True)

    assert sessions.demo(backends) == [account]
    assert sessions.account_of(backends, sign_in(backends, account)) == account


def test_demo_accounts_are_refused_where_others_can_reach_the_site(backends):
    account = make_account(backends, is_demo=True)
    token = sign_in(backends, account)
    code = sessions.start_sign_in(backends, account.id, NONCE)

    backends.settings = backends.settings.model_copy(update={"public_url": "https://photos.example.org"})
    backends.settings.__dict__.pop("is_loopback", None)

    assert sessions.demo(backends) == []
    assert sessions.account_of(backends, token) is None
    assert sessions.credentials(backends, account.email)["usernames"][account.email]["id"] is None
    with pytest.raises(Forbidden):
        sessions.start_sign_in(backends, account.id, NONCE)
    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, code, NONCE)
