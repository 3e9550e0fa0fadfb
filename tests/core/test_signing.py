"""Signed tokens: readable, stable, and good for one purpose in one installation."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from core.signing import Signer, token_hash

SIGNER = Signer("a secret that only this test knows, of enough length")
PARTS = st.lists(st.integers() | st.text(max_size=20), max_size=4)


@given(st.text(min_size=1, max_size=10), PARTS)
def test_what_was_signed_is_read_back(purpose, parts):
    token = SIGNER.sign(purpose, *parts)

    assert SIGNER.read(purpose, token) == parts
    assert SIGNER.sign(purpose, *parts) == token


@given(PARTS)
def test_a_token_of_another_purpose_or_secret_reads_as_nothing(parts):
    token = SIGNER.sign("img", *parts)

    assert SIGNER.read("share", token) is None
    assert Signer("another secret, also long enough to sign").read("img", token) is None


@given(st.text(max_size=80))
def test_noise_reads_as_nothing(noise):
    assert SIGNER.read("img", noise) is None


@given(st.data())
def test_a_token_with_one_letter_changed_reads_as_nothing(data):
    token = SIGNER.sign("img", "photo", 7)
    at = data.draw(st.integers(0, len(token) - 2))  # the last letter of a base64 text has idle bits
    letter = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = token[:at] + letter + token[at + 1 :]

    assert (SIGNER.read("img", changed) is None) == (changed != token)


@pytest.mark.parametrize("token", [SIGNER.sign("img", "a/b", "ก"), SIGNER.sign("img", *range(50))])
def test_a_token_fits_into_an_address(token):
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_kept_token_is_a_hash():
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
