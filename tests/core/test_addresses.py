"""Addresses: one rule for the mail of accounts and buyers, and who is at the other end of a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", 0, "127.0.0.1"),
        ("10.0.0.1", "198.51.100.7", 1, "198.51.100.7"),
        ("10.0.0.1", "invented, 198.51.100.7", 1, "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7 , 10.0.0.2", 2, "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:52133", 1, "198.51.100.7"),
        ("10.0.0.1", "[2001:DB8:0::7]:443", 1, "2001:db8::7"),
        ("10.0.0.1", "2001:DB8:0::7", 1, "2001:db8::7"),
        ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
        ("2001:DB8:0::7", "", 0, "2001:db8::7"),
        ("10.0.0.1", "198.51.100.7", 2, "10.0.0.1"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, unknown", 1, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, 999.1.1.1", 1, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7,", 1, "10.0.0.1"),
        ("", "198.51.100.7", 1, "198.51.100.7"),
        ("", "", 0, ""),
        ("", "<script>", 1, ""),
        ("testclient", "", 0, "testclient"),
    ],
)
def test_who_asks_is_the_peer_or_what_our_own_proxies_say(peer, forwarded, proxies, address):
    assert addresses.client_address(peer, forwarded, proxies) == address


@given(invented=st.text(max_size=60), proxies=st.integers(1, 3))
def test_nobody_chooses_what_address_they_are_seen_with(invented, proxies):
    told = ", ".join([invented, "198.51.100.7", *["10.0.0.2"] * (proxies - 1)])

    assert addresses.client_address("10.0.0.1", told, proxies) == "198.51.100.7"


@pytest.mark.parametrize(
    ("address", "household"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_household_is_an_address_or_a_network(address, household):
    assert addresses.household(address) == household
