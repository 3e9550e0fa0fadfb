"""What a password must be, and its bcrypt hash. The form of streamlit-authenticator reads the same hashes."""

import secrets
from functools import cache

import bcrypt

from core.errors import InvalidInput

LEAST_LENGTH = 10  # characters
MOST_BYTES = 72  # bcrypt reads no further
LEAST_OWN_WORDS = 6  # characters that are not the account's own name or address
ROUNDS = 12  # a quarter of a second on the machine this was chosen on

# From the top of the public lists of leaked passwords; those shorter than ten characters are refused anyway.
WORST = frozenset(
    [
        "1234567890",
        "0123456789",
        "0987654321",
        "9876543210",
        "12345678910",
        "123456789a",
        "a123456789",
        "q123456789",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "qwertyuiop",
        "qwerty1234",
        "qwerty12345",
        "qwerty123456",
        "asdfghjkl123",
        "password10",
        "password12",
        "password123",
        "password1234",
        "password12345",
        "password123!",
        "passwordpassword",
        "passw0rd123",
        "p@ssw0rd123",
        "welcome123",
        "welcome1234",
        "iloveyou123",
        "iloveyouforever",
        "sunshine123",
        "football123",
        "baseball123",
        "princess123",
        "superman123",
        "letmein1234",
        "abcdefghij",
        "abcdefghijk",
        "abcd123456",
        "abcdef123456",
        "administrator",
        "admin12345",
        "admin123456",
        "changeme123",
        "encore12345",
    ]
)


class WeakPassword(InvalidInput):
    """The password would be guessed, or cannot be kept."""


def check(password: str, *own_words: str) -> None:
    """Return if the password may be used by someone with these names and addresses. Raises WeakPassword."""
    if len(password) < LEAST_LENGTH:
        raise WeakPassword("A password has at least {least} characters.", least=LEAST_LENGTH)
    if len(password.encode()) > MOST_BYTES:
        raise WeakPassword("This password is too long: {most} bytes are kept.", most=MOST_BYTES)
    if password != password.strip():  # the sign-in form strips what is typed
        raise WeakPassword("A password cannot begin or end with a space.")
    folded = password.casefold()
    if folded in WORST or len(set(folded)) < 4:
        raise WeakPassword("This is one of the first passwords that are tried. Choose another.")
    if any(_is_mostly(folded, word.casefold()) for word in own_words):
        raise WeakPassword("This password is mostly your name or address. Choose another.")


def check_for(password: str, email: str, name: str) -> None:
    """Return if an account of this address and name may have the password. Raises WeakPassword."""
    check(password, email, email.partition("@")[0], name)


def _is_mostly(password: str, word: str) -> bool:
    return len(word) > 2 and word in password and len(password.replace(word, "")) < LEAST_OWN_WORDS


def hashed(password: str) -> str:
    """Return the bcrypt hash to keep."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()


def matches(password: str, password_hash: str) -> bool:
    """Tell whether the hash is of this password."""
    given = password.encode()
    return len(given) <= MOST_BYTES and bcrypt.checkpw(given, password_hash.encode())


@cache
def decoy() -> str:
    """Return a hash that no password fits, for names that nobody has: they take as long as the others."""
    return hashed(secrets.token_urlsafe(32))
