"""Addresses: one rule for emails, and one for paths of this site."""

import re

from core.errors import InvalidInput

# Browsers read a backslash as a slash, and drop control characters.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f-\x9f]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def checked(text: str) -> str:
    """Return the address in lower case. Raises InvalidInput."""
    address = text.strip().lower()
    if len(address) > 254 or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise InvalidInput("Write an email address such as name@example.org.")
    return address


def is_local(url: str) -> bool:
    """It is a path of this site: it begins with one slash and stays here."""
    return _LOCAL_PATH.fullmatch(url) is not None
