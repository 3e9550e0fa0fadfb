"""Making accounts, one's own, what admins do, and the first admin."""

import pytest
from sqlmodel import select

from core import accounts, passwords, sessions
from core.accounts import AlreadyRegistered, LastAdmin, NoSuchAccount, WrongPassword
from core.backends import Backends
from core.codes import CodeSpent
from core.errors import Forbidden, InvalidInput, SignInNeeded
from core.passwords import WeakPassword
from core.sessions import LockedOut
from core.signing import token_hash
from models.account import Account, OneTimeCode, Role
from models.audit import AuditEntry
from tests.makers import PASSWORD, make_account
from tests.sign_in import NONCE, Clock, actions, sign_in, stored

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def clock(backends: Backends) -> Clock:
    backends.now = Clock()
    return backends.now


def test_who_registers_becomes_a_guest_under_a_normal_address(backends):
    account = accounts.register(backends, "  Ada@Example.ORG ", " Ada   Lovelace ", "analytical engine")

    kept = stored(backends, account)
    assert (kept.email, kept.name, kept.role) == ("ada@example.org", "Ada Lovelace", Role.GUEST)
    assert passwords.matches("analytical engine", kept.password_hash)
    assert actions(backends) == [("account.registered", str(account.id), account.id)]


def test_an_address_is_registered_once_whatever_its_case(backends):
    make_account(backends, email="ada@example.org")

    with pytest.raises(AlreadyRegistered):
        accounts.register(backends, "ADA@example.org", "Ada", "analytical engine")


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@example", "@example.org", "a da@example.org", "a\x00@b.org", "a@b@c.d"]
)
def test_what_is_no_address_is_refused(backends, email):
    with pytest.raises(InvalidInput):
        accounts.register(backends, email, "Ada", "analytical engine")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "Ada\u202eLovelace"])
def test_what_is_no_name_is_refused(backends, name):
    with pytest.raises(InvalidInput):
        accounts.register(backends, "ada@example.org", name, "analytical engine")


def test_a_new_password_ends_the_other_sessions(backends):
    account = make_account(backends)
    here, there = sign_in(backends, account), sign_in(backends, account)

    accounts.change_password(backends, PASSWORD, "an even better one", by=account, keep=token_hash(here))

    assert passwords.matches("an even better one", stored(backends, account).password_hash)
    assert sessions.account_of(backends, here).id == account.id
    assert sessions.account_of(backends, there) is None


def test_the_old_password_is_asked_for_and_cannot_be_guessed_at_an_open_screen(backends):
    account = make_account(backends)

    for _ in range(5):
        with pytest.raises(WrongPassword):
            accounts.change_password(backends, "a guess", "an even better one", by=account)
    with pytest.raises(LockedOut):
        accounts.change_password(backends, PASSWORD, "an even better one", by=account)

    assert stored(backends, account) == account


def test_a_weak_new_password_is_refused(backends):
    account = make_account(backends, email="ada@example.org", name="Ada")

    with pytest.raises(WeakPassword):
        accounts.change_password(backends, PASSWORD, "ada@example.org", by=account)


def test_people_rename_themselves(backends):
    account = make_account(backends)

    accounts.rename(backends, "  A better  name ", by=account)

    assert stored(backends, account).name == "A better name"


def test_only_admins_manage_accounts(backends):
    victim = make_account(backends)
    disabled = make_account(backends, Role.ADMIN, is_active=False)
    others = [make_account(backends, role) for role in Role if role is not Role.ADMIN]

    for by in (None, disabled, *others):
        for act in (
            lambda by=by: accounts.everyone(backends, by=by),
            lambda by=by: accounts.set_rights(backends, victim.id, Role.ADMIN, by=by),
            lambda by=by: accounts.set_rights(backends, victim.id, is_active=False, by=by),
            lambda by=by: accounts.create(backends, "a@b.org", "A", "a long password", Role.ADMIN, by=by),
        ):
            with pytest.raises(Forbidden if by in others else SignInNeeded):
                act()

    assert stored(backends, victim) == victim
    assert actions(backends) == []


def test_an_admin_makes_accounts_of_any_role(backends):
    admin = make_account(backends, Role.ADMIN)

    made = accounts.create(backends, "o@example.org", "Olive", "a long password", Role.ORGANISER, by=admin)

    assert stored(backends, made).role is Role.ORGANISER
    assert actions(backends) == [("account.created", str(made.id), admin.id)]


def test_a_role_counts_from_the_next_look(backends):
    admin, account = make_account(backends, Role.ADMIN), make_account(backends)
    token = sign_in(backends, account)

    accounts.set_rights(backends, account.id, Role.ANALYST, by=admin)

    assert sessions.account_of(backends, token).role is Role.ANALYST
    with backends.reading() as session:
        entry = session.exec(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.detail) == ("account.role_set", {"before": "guest", "after": "analyst"})


def test_disabling_ends_every_session_for_good(backends):
    admin, account = make_account(backends, Role.ADMIN), make_account(backends)
    tokens = [sign_in(backends, account), sign_in(backends, account)]

    accounts.set_rights(backends, account.id, is_active=False, by=admin)
    assert [sessions.account_of(backends, token) for token in tokens] == [None, None]

    accounts.set_rights(backends, account.id, is_active=True, by=admin)
    assert [sessions.account_of(backends, token) for token in tokens] == [None, None]
    assert [action for action, *_ in actions(backends)][-2:] == ["account.disabled", "account.enabled"]


def test_a_disabled_account_finishes_no_sign_in(backends):
    admin, account = make_account(backends, Role.ADMIN), make_account(backends)
    code = sessions.start_sign_in(backends, account.id, NONCE)

    accounts.set_rights(backends, account.id, is_active=False, by=admin)

    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, code, NONCE)
    with pytest.raises(Forbidden):
        sessions.start_sign_in(backends, account.id, NONCE)


def test_the_last_admin_stays(backends):
    admin = make_account(backends, Role.ADMIN)
    make_account(backends, Role.ADMIN, is_active=False)

    with pytest.raises(LastAdmin):
        accounts.set_rights(backends, admin.id, Role.GUEST, by=admin)
    with pytest.raises(LastAdmin):
        accounts.set_rights(backends, admin.id, is_active=False, by=admin)

    assert stored(backends, admin) == admin


def test_two_admins_cannot_both_remove_the_other(backends):
    ada, bob = make_account(backends, Role.ADMIN), make_account(backends, Role.ADMIN)

    accounts.set_rights(backends, bob.id, is_active=False, by=ada)

    with pytest.raises(LastAdmin):
        accounts.set_rights(backends, ada.id, Role.GUEST, by=bob_as_loaded_before(bob))
    assert stored(backends, ada).role is Role.ADMIN


def bob_as_loaded_before(bob: Account) -> Account:
    """The row as a page loaded it a moment ago: still an active admin."""
    assert bob.is_active
    return bob


def test_an_unknown_account_is_not_found(backends):
    admin = make_account(backends, Role.ADMIN)

    with pytest.raises(NoSuchAccount):
        accounts.set_rights(backends, 10_000, Role.GUEST, by=admin)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Ada", "Bob 100%", "Zoe"]),
        ("aDa", ["Ada"]),
        ("bob@", ["Bob 100%"]),
        ("%", ["Bob 100%"]),
        ("_", []),
        ("' OR 1=1", []),
    ],
)
def test_accounts_are_found_by_part_of_name_or_address(backends, text, names):
    admin = make_account(backends, Role.ADMIN, name="Zoe", email="zoe@example.org")
    make_account(backends, name="Bob 100%", email="bob@example.org")
    make_account(backends, name="Ada", email="lovelace@example.org")

    found = accounts.everyone(backends, by=admin, text=text).items

    assert [account.name for account in found] == names


def test_the_first_admin_is_made_with_the_code_from_start_up_once(backends):
    make_account(backends, Role.ADMIN, is_demo=True)
    code = accounts.first_admin_code(backends)

    admin = accounts.register_first_admin(backends, code, "ada@example.org", "Ada", "analytical engine")

    assert stored(backends, admin).role is Role.ADMIN
    assert accounts.first_admin_code(backends) is None
    with pytest.raises(CodeSpent):
        accounts.register_first_admin(backends, code, "eve@example.org", "Eve", "analytical engine")


def test_the_first_admins_code_dies_with_the_next_start_and_after_a_day(backends, clock):
    older = accounts.first_admin_code(backends)
    newer = accounts.first_admin_code(backends)

    with pytest.raises(CodeSpent):
        accounts.register_first_admin(backends, older, "ada@example.org", "Ada", "analytical engine")
    clock.pass_by(hours=24)
    with pytest.raises(CodeSpent):
        accounts.register_first_admin(backends, newer, "ada@example.org", "Ada", "analytical engine")


def test_a_code_is_not_spent_by_an_address_that_is_taken(backends):
    make_account(backends, email="ada@example.org")
    code = accounts.first_admin_code(backends)

    with pytest.raises(AlreadyRegistered):
        accounts.register_first_admin(backends, code, "ada@example.org", "Ada", "analytical engine")

    assert accounts.register_first_admin(backends, code, "bob@example.org", "Bob", "analytical engine").id


def test_a_code_from_start_up_makes_no_second_admin(backends):
    code = accounts.first_admin_code(backends)
    make_account(backends, Role.ADMIN)

    with pytest.raises(CodeSpent):
        accounts.register_first_admin(backends, code, "eve@example.org", "Eve", "analytical engine")


def test_old_codes_are_swept(backends, clock):
    account = make_account(backends)
    sessions.start_sign_in(backends, account.id, NONCE)
    clock.pass_by(minutes=2)

    newer = sessions.start_sign_in(backends, account.id, NONCE)

    with backends.reading() as session:
        kept = [row.code_sha256 for row in session.exec(select(OneTimeCode))]
    assert kept == [token_hash(newer)]
