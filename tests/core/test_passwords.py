"""What a password must be."""

import pytest

from core import passwords
from core.passwords import WeakPassword


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
@pytest.mark.usefixtures("quick_hashes")
def test_a_decent_password_is_taken(password):
    passwords.check(password, "ada@example.org", "ada", "Ada Lovelace")

    assert passwords.matches(password, passwords.hashed(password))


def test_a_password_is_hashed_slowly():
    assert passwords.hashed("ten chars!").startswith("$2b$12$")


@pytest.mark.usefixtures("quick_hashes")
def test_a_password_that_bcrypt_would_cut_matches_nothing():
    password_hash = passwords.hashed("x" * 72)

    assert not passwords.matches("x" * 73, password_hash)
