"""Email addresses: one rule for accounts and buyers."""

import pytest

from core import addresses
from core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Runner@Example.org ", "runner@example.org"),
        ("first.last+run@mail.example.co.th", "first.last+run@mail.example.co.th"),
        ("ก@ไทย.ไทย", "ก@ไทย.ไทย"),
        (f"{'x' * 242}@example.org", f"{'x' * 242}@example.org"),
    ],
)
def test_an_address_is_kept_in_lower_case_without_space_around(text, address):
    assert addresses.checked(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "runner",
        "@example.org",
        "runner@",
        "runner@example",
        "runner@example.",
        "run ner@example.org",
        "runner@@example.org",
        "a@example.org\nBcc: b@example.org",
        "a@example.org\x00",
        "a\u202e@example.org",
        f"{'x' * 243}@example.org",
    ],
)
def test_what_cannot_receive_mail_is_refused(text):
    with pytest.raises(InvalidInput, match="email address"):
        addresses.checked(text)
