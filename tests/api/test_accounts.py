"""Accounts and keys, over HTTP."""

import pytest

from core import codes, keys
from models.account import ApiScope, CodePurpose, Role
from tests.makers import PASSWORD, make_account

pytestmark = pytest.mark.usefixtures("quick_hashes")

NEW = {"email": "New@Example.org", "name": "New Person", "password": "four ordinary words"}


@pytest.fixture
def account(backends):
    return make_account(backends)


@pytest.fixture
def admin(backends):
    return make_account(backends, Role.ADMIN)


def test_whoever_signs_up_is_a_guest(api):
    answer = api.post("accounts", json=NEW)

    assert answer.status_code == 201
    assert (answer.json()["email"], answer.json()["role"]) == ("new@example.org", "guest")


@pytest.mark.parametrize(
    "more", [{"role": "admin"}, {"is_active": True}, {"password": "short"}, {"email": "none"}, {"name": "\0"}]
)
def test_nobody_signs_up_as_more_or_less(api, more):
    assert api.post("accounts", json=NEW | more).status_code == 422


def test_signing_up_twice_is_told(api):
    api.post("accounts", json=NEW)

    answer = api.post("accounts", json=NEW)

    assert (answer.status_code, answer.json()["error"]) == (409, "AlreadyRegistered")


def test_signing_up_under_one_key_makes_one_account(api):
    key = {"Idempotency-Key": "sign-up-1"}

    first, second = (api.post("accounts", json=NEW, headers=key) for _ in range(2))

    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"


def test_one_changes_ones_own_name_and_password(api, backends, account, bearer):
    headers, other = bearer(account), bearer(account)

    renamed = api.patch("account", json={"name": "Another"}, headers=headers)
    wrong = api.put("account/password", json={"current": "x", "new": NEW["password"]}, headers=headers)
    changed = api.put("account/password", json={"current": PASSWORD, "new": NEW["password"]}, headers=headers)

    assert (renamed.json()["name"], wrong.json()["error"]) == ("Another", "WrongPassword")
    assert (changed.status_code, changed.content) == (204, b"")
    assert api.get("account", headers=headers).status_code == 200
    assert api.get("account", headers=other).status_code == 401


def test_one_signs_out_everywhere(api, account, bearer):
    headers = bearer(account)

    assert api.delete("account/sessions", headers=headers).status_code == 204
    assert api.get("account", headers=headers).status_code == 401


def test_asking_for_a_new_password_tells_nothing_about_addresses(api, account):
    answers = [
        api.post("password-resets", json={"email": email}) for email in (account.email, "nobody@example.org")
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}


def test_a_forgotten_password_is_replaced_by_the_code_of_the_mail(api, backends, account, work):
    api.post("password-resets", json={"email": account.email})
    work()
    code = backends.mailer.sent[0].text.partition("code=")[2].split()[0]

    answer = api.post("password-resets/redeem", json={"code": code, "password": NEW["password"]})

    form = {"grant_type": "password", "username": account.email, "password": NEW["password"]}
    assert answer.status_code == 204
    assert api.post("oauth/token", data=form).status_code == 200


def test_a_code_for_something_else_sets_no_password(api, backends, account):
    from datetime import timedelta

    with backends.transaction() as session:
        code = codes.issue(backends, session, CodePurpose.SIGN_IN, timedelta(hours=1), account.id)

    answer = api.post("password-resets/redeem", json={"code": code, "password": NEW["password"]})

    assert (answer.status_code, answer.json()["error"]) == (403, "CodeSpent")


def test_keys_are_made_listed_used_and_ended(api, account, bearer):
    headers = bearer(account)

    made = api.post("account/keys", json={"name": "Booth", "scopes": ["search"]}, headers=headers).json()
    listed = api.get("account/keys", headers=headers).json()["items"]
    known = api.get("account", headers={"X-API-Key": made["secret"]})
    ended = api.delete(f"account/keys/{made['id']}", headers=headers)

    assert [(key["name"], key["scopes"], "secret" in key) for key in listed] == [("Booth", ["search"], False)]
    assert (known.status_code, ended.status_code) == (200, 204)
    assert api.get("account", headers={"X-API-Key": made["secret"]}).status_code == 401


def test_a_key_makes_no_keys(api, backends, account):
    _, secret = keys.create(backends, "All", list(keys.KEY_SCOPES), by=account)

    answer = api.post("account/keys", json={"name": "x", "scopes": ["search"]}, headers={"X-API-Key": secret})

    assert (answer.status_code, answer.json()["error"]) == (403, "ScopeMissing")


def test_admins_list_accounts_page_by_page(api, backends, admin, bearer):
    names = sorted([admin.name, *(make_account(backends, name=f"Zoe {number}").name for number in range(4))])
    headers, seen, cursor = bearer(admin), [], None

    while True:
        page = api.get("accounts", headers=headers, params={"limit": 2, "cursor": cursor}).json()
        seen += [account["name"] for account in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == names
    assert len(api.get("accounts", headers=headers, params={"text": "zoe"}).json()["items"]) == 4


def test_admins_make_accounts_and_change_their_rights(api, admin, bearer):
    headers = bearer(admin)

    made = api.post("admin/accounts", json=NEW | {"role": "organiser"}, headers=headers).json()
    changed = api.patch(
        f"accounts/{made['id']}", json={"role": "analyst", "is_active": False}, headers=headers
    )
    last = api.patch(f"accounts/{admin.id}", json={"role": "guest"}, headers=headers)
    missing = api.patch("accounts/10000", json={"role": "guest"}, headers=headers)

    assert made["role"] == "organiser"
    assert (changed.json()["role"], changed.json()["is_active"]) == ("analyst", False)
    assert (last.json()["error"], missing.json()["error"]) == ("LastAdmin", "NoSuchAccount")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_others_manage_nobody(api, backends, bearer, admin, role):
    headers = bearer(make_account(backends, role))

    answers = [
        api.get("accounts", headers=headers),
        api.post("admin/accounts", json=NEW | {"role": "admin"}, headers=headers),
        api.patch(f"accounts/{admin.id}", json={"is_active": False}, headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_scopes_of_a_key_are_of_the_known_ones(api, account, bearer):
    answer = api.post("account/keys", json={"name": "x", "scopes": ["root"]}, headers=bearer(account))

    assert answer.status_code == 422
    assert ApiScope.SEARCH.value in answer.json()["message"]
