"""Email addresses: one rule for accounts and buyers."""

import re

from core.errors import InvalidInput

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def checked(text: str) -> str:
    """Return the address in lower case. Raises InvalidInput."""
    address = text.strip().lower()
    if len(address) > 254 or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise InvalidInput("Write an email address such as name@example.org.")
    return address
