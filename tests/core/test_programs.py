"""Programs sign in: access tokens are short, refresh tokens good once, and both end with their session."""

from datetime import timedelta

import jwt
import pytest
from sqlmodel import select

from core import accounts, programs, sessions
from core.programs import ALL_SCOPES, TokenSpent, WrongCredentials
from core.sessions import LockedOut
from core.signing import Signer
from models.account import ApiScope, RefreshToken, Role, SignInSession
from models.fields import utc_now
from tests.makers import PASSWORD, make_account

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def account(backends):
    return make_account(backends)


@pytest.fixture
def tokens(backends, account):
    return programs.sign_in(backends, account.email, PASSWORD)


def later(backends, **time: int) -> None:
    now = utc_now() + timedelta(**time)
    backends.now = lambda: now


def test_a_program_signs_in_and_is_known(backends, account, tokens):
    identity = programs.identify(backends, tokens.access_token)

    assert (identity.account.id, identity.scopes) == (account.id, ALL_SCOPES)


def test_a_program_may_ask_for_less(backends, account):
    tokens = programs.sign_in(backends, account.email, PASSWORD, {ApiScope.SEARCH})

    assert programs.identify(backends, tokens.access_token).scopes == {ApiScope.SEARCH}
    again = programs.refresh(backends, tokens.refresh_token)
    assert programs.identify(backends, again.access_token).scopes == {ApiScope.SEARCH}


@pytest.mark.parametrize(("email", "password"), [("who@example.org", PASSWORD), (None, "wrong password")])
def test_who_gives_a_wrong_name_or_password_learns_not_which(backends, account, email, password):
    with pytest.raises(WrongCredentials) as refusal:
        programs.sign_in(backends, email or account.email, password)

    assert str(refusal.value) == "The address or the password is wrong."


def test_guessing_is_locked_out_as_on_the_page(backends, account):
    for _ in range(sessions.LOCK_OUT_AFTER):
        with pytest.raises(WrongCredentials):
            programs.sign_in(backends, account.email, "a wrong password")

    with pytest.raises(LockedOut):
        programs.sign_in(backends, account.email, PASSWORD)


def test_no_table_holds_a_token(backends, tokens):
    with backends.reading() as session:
        rows = [*session.exec(select(SignInSession)), *session.exec(select(RefreshToken))]

    assert len(rows) == 2
    assert not [row for row in rows if tokens.refresh_token in str(row) or tokens.access_token in str(row)]


def test_an_access_token_ends_by_itself(backends, tokens):
    later(backends, minutes=9)
    programs.identify(backends, tokens.access_token)
    later(backends, minutes=11)

    with pytest.raises(TokenSpent):
        programs.identify(backends, tokens.access_token)


def test_a_refresh_token_is_good_once_and_brings_the_next(backends, tokens):
    later(backends, hours=1)

    again = programs.refresh(backends, tokens.refresh_token)

    assert programs.identify(backends, again.access_token)
    assert programs.refresh(backends, again.refresh_token)


def test_a_refresh_token_that_comes_twice_ends_the_whole_session(backends, tokens):
    again = programs.refresh(backends, tokens.refresh_token)

    with pytest.raises(TokenSpent):
        programs.refresh(backends, tokens.refresh_token)

    with pytest.raises(TokenSpent):
        programs.identify(backends, again.access_token)
    with pytest.raises(TokenSpent):
        programs.refresh(backends, again.refresh_token)


def test_a_session_ends_for_its_programs_however_often_they_refresh(backends, account, tokens):
    days = backends.settings.session_ttl.days
    later(backends, days=days - 1)
    again = programs.refresh(backends, tokens.refresh_token)
    later(backends, days=days, seconds=1)

    with pytest.raises(TokenSpent):
        programs.refresh(backends, again.refresh_token)


def test_signing_out_ends_both_tokens_at_once(backends, tokens):
    programs.revoke(backends, tokens.refresh_token)

    with pytest.raises(TokenSpent):
        programs.identify(backends, tokens.access_token)
    with pytest.raises(TokenSpent):
        programs.refresh(backends, tokens.refresh_token)


def test_signing_out_with_an_unknown_token_is_no_error(backends, tokens):
    programs.revoke(backends, "nobody's token")

    assert programs.identify(backends, tokens.access_token)


def disable(backends, account) -> None:
    accounts.set_rights(backends, account.id, is_active=False, by=make_account(backends, Role.ADMIN))


def change_password(backends, account) -> None:
    accounts.change_password(backends, PASSWORD, "another good one", by=account)


@pytest.mark.parametrize("end", [sessions.sign_out_everywhere, disable, change_password])
def test_whatever_ends_sessions_ends_those_of_programs(backends, account, tokens, end):
    end(backends, account)

    with pytest.raises(TokenSpent):
        programs.identify(backends, tokens.access_token)
    with pytest.raises(TokenSpent):
        programs.refresh(backends, tokens.refresh_token)


def test_a_program_that_changes_the_password_stays_signed_in(backends, account, tokens):
    identity = programs.identify(backends, tokens.access_token)

    accounts.change_password(backends, PASSWORD, "another good one", by=account, keep=identity.session_sha256)

    assert programs.identify(backends, tokens.access_token)


def test_a_token_of_our_making_is_needed(backends, tokens):
    claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, Signer("another site's secret, of enough length").key("access-token"), "HS256"),
        jwt.encode(claims, None, "none"),
        jwt.encode(claims | {"aud": "another"}, backends.signer.key("access-token"), "HS256"),
        jwt.encode(claims, backends.signer.key("kept-answer"), "HS256"),
        tokens.access_token[:-2],
        "",
        "a.b.c",
    ]

    for token in forged:
        with pytest.raises(TokenSpent):
            programs.identify(backends, token)


def test_the_hash_inside_an_access_token_opens_no_session_of_a_browser(backends, tokens):
    claims = jwt.decode(tokens.access_token, options={"verify_signature": False})

    assert sessions.account_of(backends, claims["sid"]) is None


def test_a_demo_account_of_a_public_site_signs_no_program_in(backends):
    account = make_account(backends, is_demo=True)
    tokens = programs.sign_in(backends, account.email, PASSWORD)
    backends.settings = backends.settings.model_copy(update={"public_url": "https://photos.example.org"})
    backends.settings.__dict__.pop("is_loopback", None)

    with pytest.raises(TokenSpent):
        programs.identify(backends, tokens.access_token)
    with pytest.raises(WrongCredentials):
        programs.sign_in(backends, account.email, PASSWORD)
