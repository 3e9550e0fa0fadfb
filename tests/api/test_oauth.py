"""Signing in as a program, over HTTP."""

import pytest

from core import accounts, limits
from models.account import ApiScope
from tests.makers import PASSWORD, make_account


@pytest.fixture
def account(backends):
    return make_account(backends)


def sign_in(api, account, **more: str):
    form = {"grant_type": "password", "username": account.email, "password": PASSWORD}
    return api.post("oauth/token", data=form | more)


def bearer_of(answer) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_a_password_brings_tokens_that_nobody_keeps_in_a_cache(api, account):
    answer = sign_in(api, account)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 600)
    assert answer.json()["scope"].split() == sorted(ApiScope)
    assert api.get("account", headers=bearer_of(answer)).json()["email"] == account.email


def test_a_refresh_token_brings_the_next_tokens_once(api, account):
    first = sign_in(api, account).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first}

    again = api.post("oauth/token", data=form)
    stolen = api.post("oauth/token", data=form)

    assert again.status_code == 200
    assert (stolen.status_code, stolen.json()["error"]) == (401, "TokenSpent")
    assert api.get("account", headers=bearer_of(again)).status_code == 401


def test_revoking_ends_the_session(api, account):
    answer = sign_in(api, account)

    revoked = api.post("oauth/revoke", data={"token": answer.json()["refresh_token"]})

    assert revoked.status_code == 204
    refused = api.get("account", headers=bearer_of(answer))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"username": "nobody@example.org"}, 401),
        ({"password": "wrong, sadly"}, 401),
        ({"password": ""}, 422),
        ({"grant_type": "client_credentials"}, 422),
        ({"grant_type": "refresh_token"}, 401),
        ({"scope": "events:read everything"}, 422),
        ({"role": "admin"}, 422),
        ({"username": "a\0b"}, 422),
    ],
)
def test_what_does_not_fit_is_refused(api, account, form, status):
    answer = sign_in(api, account, **form)

    assert answer.status_code == status
    assert sorted(answer.json()) == ["error", "message", "request_id", "status_code"]


def test_a_scope_that_was_not_asked_for_is_missing(api, account):
    narrow = bearer_of(sign_in(api, account, scope="search"))

    answer = api.get("account/keys", headers=narrow)

    assert (answer.status_code, answer.json()["error"]) == (403, "ScopeMissing")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic bmFtZTpwYXNz"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "nonsense"},
        {"X-API-Key": "ek_unknown"},
        {"Cookie": "encore_session=anything"},
    ],
)
def test_what_is_no_good_proof_is_no_proof(api, headers):
    assert api.get("account", headers=headers).status_code == 401


def test_the_cookie_of_a_browser_opens_nothing_here(api, backends, account):
    from tests.sign_in import sign_in as sign_in_browser

    cookie = f"encore_session={sign_in_browser(backends, account)}"

    answer = api.post("account/keys", json={"name": "x", "scopes": ["search"]}, headers={"Cookie": cookie})

    assert answer.status_code == 401


def test_guessing_many_names_from_one_address_is_slowed_down(api, monkeypatch):
    monkeypatch.setattr(limits, "SIGN_IN", limits.Bucket("sign_in_test", 2, limits.MINUTE))
    names = (f"person{number}@example.com" for number in range(3))

    answers = [
        api.post("oauth/token", data={"grant_type": "password", "username": name, "password": "a guess"})
        for name in names
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_a_disabled_account_is_out_at_once(api, backends, account):
    from models.account import Role

    headers = bearer_of(sign_in(api, account))

    accounts.set_rights(backends, account.id, is_active=False, by=make_account(backends, Role.ADMIN))

    assert api.get("account", headers=headers).status_code == 401
    assert sign_in(api, account).status_code == 401
