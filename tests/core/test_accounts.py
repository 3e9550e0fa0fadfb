"""Accounts, passwords, sign-in, sessions: what must hold, and what must be refused."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from core import accounts, audit, passwords, sessions
from core.access import Viewer
from core.accounts import AlreadyRegistered, LastAdmin, NoSuchAccount, WrongPassword
from core.backends import Backends
from core.codes import CodeSpent
from core.errors import Forbidden, InvalidInput
from core.passwords import WeakPassword
from core.sessions import CookiesBlocked, LockedOut
from core.signing import token_hash
from models.account import Account, OneTimeCode, Role, SignInSession
from models.activity import Activity, ActivityKind
from models.audit import AuditEntry
from tests.makers import PASSWORD, make_account

NONCE = "the nonce of one browser"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hash with few rounds: what is tested does not lean on slowness."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)


class Clock:
    """The time, which passes when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **duration: float) -> None:
        self.time += timedelta(**duration)


@pytest.fixture
def clock(backends: Backends) -> Clock:
    backends.now = Clock()
    return backends.now


def sign_in(backends: Backends, account: Account, previous: str = "") -> str:
    code = sessions.start_sign_in(backends, account.id, NONCE)
    return sessions.finish_sign_in(backends, code, NONCE, previous=previous)


def actions(backends: Backends) -> list[tuple[str, str, int | None]]:
    with backends.reading() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.action, entry.subject, entry.account_id) for entry in entries]


def stored(backends: Backends, account: Account) -> Account:
    with backends.reading() as session:
        return session.get_one(Account, account.id)


# --- passwords -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "",
        "nine char",
        "x" * 73,
        "ก" * 10 + "ข" * 10 + "ค" * 10,  # 90 bytes
        "password123",
        "PASSWORD123",
        "aaaaaaaaaaaa",
        "abababababab",
        " leading space",
        "trailing space ",
        "ada@example.org",
        "Ada Lovelace",
        "ada lovelace1",
        "xada@example.org1",
    ],
)
def test_a_password_that_would_be_guessed_or_not_kept_is_refused(password):
    with pytest.raises(WeakPassword):
        passwords.check(password, "ada@example.org", "ada", "Ada Lovelace")


@pytest.mark.parametrize("password", ["ten chars!", "x1y2" * 18, "สวัสดีครับผม", "canada and three others"])
def test_a_decent_password_is_taken(password):
    passwords.check(password, "ada@example.org", "ada", "Ada Lovelace")

    assert passwords.matches(password, passwords.hashed(password))


def test_a_password_that_bcrypt_would_cut_matches_nothing():
    password_hash = passwords.hashed("x" * 72)

    assert not passwords.matches("x" * 73, password_hash)


# --- making accounts -----------------------------------------------------------------------


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


# --- the password form ---------------------------------------------------------------------


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


# --- codes and sessions --------------------------------------------------------------------


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


# --- demo accounts -------------------------------------------------------------------------


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


# --- one's own account ---------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions(backends):
    account = make_account(backends)
    here, there = sign_in(backends, account), sign_in(backends, account)

    accounts.change_password(backends, PASSWORD, "an even better one", by=account, keep=here)

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


# --- what admins do ------------------------------------------------------------------------


def test_only_admins_manage_accounts(backends):
    victim = make_account(backends)
    disabled = make_account(backends, Role.ADMIN, is_active=False)
    others = [make_account(backends, role) for role in Role if role is not Role.ADMIN]

    for by in (None, disabled, *others):
        for act in (
            lambda by=by: accounts.everyone(backends, by=by),
            lambda by=by: accounts.set_role(backends, victim.id, Role.ADMIN, by=by),
            lambda by=by: accounts.set_active(backends, victim.id, False, by=by),
            lambda by=by: accounts.create(backends, "a@b.org", "A", "a long password", Role.ADMIN, by=by),
        ):
            with pytest.raises(Forbidden):
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

    accounts.set_role(backends, account.id, Role.ANALYST, by=admin)

    assert sessions.account_of(backends, token).role is Role.ANALYST
    with backends.reading() as session:
        entry = session.exec(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.detail) == ("account.role_set", {"before": "guest", "after": "analyst"})


def test_disabling_ends_every_session_for_good(backends):
    admin, account = make_account(backends, Role.ADMIN), make_account(backends)
    tokens = [sign_in(backends, account), sign_in(backends, account)]

    accounts.set_active(backends, account.id, False, by=admin)
    assert [sessions.account_of(backends, token) for token in tokens] == [None, None]

    accounts.set_active(backends, account.id, True, by=admin)
    assert [sessions.account_of(backends, token) for token in tokens] == [None, None]
    assert [action for action, *_ in actions(backends)][-2:] == ["account.disabled", "account.enabled"]


def test_a_disabled_account_finishes_no_sign_in(backends):
    admin, account = make_account(backends, Role.ADMIN), make_account(backends)
    code = sessions.start_sign_in(backends, account.id, NONCE)

    accounts.set_active(backends, account.id, False, by=admin)

    with pytest.raises(CodeSpent):
        sessions.finish_sign_in(backends, code, NONCE)
    with pytest.raises(Forbidden):
        sessions.start_sign_in(backends, account.id, NONCE)


def test_the_last_admin_stays(backends):
    admin = make_account(backends, Role.ADMIN)
    make_account(backends, Role.ADMIN, is_active=False)

    with pytest.raises(LastAdmin):
        accounts.set_role(backends, admin.id, Role.GUEST, by=admin)
    with pytest.raises(LastAdmin):
        accounts.set_active(backends, admin.id, False, by=admin)

    assert stored(backends, admin) == admin


def test_two_admins_cannot_both_remove_the_other(backends):
    ada, bob = make_account(backends, Role.ADMIN), make_account(backends, Role.ADMIN)

    accounts.set_active(backends, bob.id, False, by=ada)

    with pytest.raises(LastAdmin):
        accounts.set_role(backends, ada.id, Role.GUEST, by=bob_as_loaded_before(bob))
    assert stored(backends, ada).role is Role.ADMIN


def bob_as_loaded_before(bob: Account) -> Account:
    """The row as a page loaded it a moment ago: still an active admin."""
    assert bob.is_active
    return bob


def test_an_unknown_account_is_not_found(backends):
    admin = make_account(backends, Role.ADMIN)

    with pytest.raises(NoSuchAccount):
        accounts.set_role(backends, 10_000, Role.GUEST, by=admin)


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

    found = accounts.everyone(backends, by=admin, text=text)

    assert [account.name for account in found] == names


# --- the first admin -----------------------------------------------------------------------


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
