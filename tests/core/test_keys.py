"""Personal keys: shown once, no wider than asked for, ended at once."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import accounts, keys
from core.errors import Conflict, InvalidInput, SignInNeeded
from core.keys import NoSuchKey
from core.programs import TokenSpent
from models.account import ApiKey, ApiScope, Role
from models.fields import utc_now
from tests.makers import make_account

SEARCH = [ApiScope.SEARCH]


@pytest.fixture
def account(backends):
    return make_account(backends)


def test_a_key_speaks_for_its_account_within_its_scopes(backends, account):
    _, secret = keys.create(backends, " Booth ", SEARCH, by=account)

    identity = keys.identify(backends, secret)

    assert (identity.account.id, identity.scopes, identity.session_sha256) == (
        account.id,
        {ApiScope.SEARCH},
        "",
    )
    assert [key.name for key in keys.mine(backends, by=account)] == ["Booth"]


def test_the_table_holds_no_secret(backends, account):
    key, secret = keys.create(backends, "Booth", SEARCH, by=account)

    with backends.reading() as session:
        row = session.exec(select(ApiKey)).one()

    assert secret.startswith("ek_")
    assert secret not in str(row)
    assert key.hint == secret[:8]


def test_a_key_never_manages_the_account(backends, account):
    with pytest.raises(InvalidInput, match="never by a key"):
        keys.create(backends, "Booth", [ApiScope.ACCOUNT], by=account)


@pytest.mark.parametrize(("name", "scopes"), [("", SEARCH), ("n" * 81, SEARCH), ("Booth", [])])
def test_a_key_needs_a_name_and_something_to_do(backends, account, name, scopes):
    with pytest.raises(InvalidInput):
        keys.create(backends, name, scopes, by=account)


def test_a_key_ends_on_its_day(backends, account):
    _, secret = keys.create(backends, "Booth", SEARCH, utc_now() + timedelta(days=1), by=account)
    keys.identify(backends, secret)
    tomorrow = utc_now() + timedelta(days=1, seconds=1)
    backends.now = lambda: tomorrow

    with pytest.raises(TokenSpent):
        keys.identify(backends, secret)
    with pytest.raises(InvalidInput, match="expired already"):
        keys.create(backends, "Booth", SEARCH, utc_now(), by=account)


def test_a_revoked_key_is_nobodys(backends, account):
    key, secret = keys.create(backends, "Booth", SEARCH, by=account)

    keys.revoke(backends, key.id, by=account)

    assert keys.mine(backends, by=account) == []
    for unknown in (secret, "ek_nothing", ""):
        with pytest.raises(TokenSpent):
            keys.identify(backends, unknown)


def test_a_disabled_accounts_keys_are_nobodys(backends, account):
    _, secret = keys.create(backends, "Booth", SEARCH, by=account)

    accounts.set_rights(backends, account.id, is_active=False, by=make_account(backends, Role.ADMIN))

    with pytest.raises(TokenSpent):
        keys.identify(backends, secret)


def test_nobody_ends_or_sees_anothers_key(backends, account):
    key, secret = keys.create(backends, "Booth", SEARCH, by=account)
    other = make_account(backends, Role.ADMIN)

    for key_id in (key.id, 10_000):
        with pytest.raises(NoSuchKey):
            keys.revoke(backends, key_id, by=other)

    assert keys.mine(backends, by=other) == []
    assert keys.identify(backends, secret)
    with pytest.raises(SignInNeeded):
        keys.create(backends, "Booth", SEARCH, by=None)


def test_the_last_use_is_known_to_the_hour(backends, account):
    _, secret = keys.create(backends, "Booth", SEARCH, by=account)
    start = utc_now()
    seen = []
    for minutes in (0, 30, 61):
        backends.now = lambda minutes=minutes: start + timedelta(minutes=minutes)
        keys.identify(backends, secret)
        seen.append(keys.mine(backends, by=account)[0].last_used_at)

    assert seen == [start, start, start + timedelta(minutes=61)]


def test_an_account_has_a_limited_number_of_keys(backends, account, monkeypatch):
    monkeypatch.setattr(keys, "MOST", 2)
    first, _ = keys.create(backends, "1", SEARCH, by=account)
    keys.create(backends, "2", SEARCH, by=account)

    with pytest.raises(Conflict, match="2 keys at most"):
        keys.create(backends, "3", SEARCH, by=account)

    keys.revoke(backends, first.id, by=account)
    keys.create(backends, "3", SEARCH, by=account)
