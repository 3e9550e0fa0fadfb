"""A hash chain shows every edit, gap and swap."""

import hashlib

import hypothesis.strategies as st
from hypothesis import given

from core import chain

Row = tuple[str, str, dict[str, object]]


def make_chain(contents: list[dict[str, object]]) -> list[Row]:
    rows: list[Row] = []
    previous = chain.START
    for content in contents:
        own = chain.link(previous, content)
        rows.append((previous, own, content))
        previous = own
    return rows


CONTENTS = st.lists(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5)), min_size=2, max_size=6
)


def test_an_empty_chain_is_whole():
    assert chain.first_break([]) is None


@given(CONTENTS)
def test_what_was_linked_is_whole(contents):
    assert chain.first_break(make_chain(contents)) is None


@given(CONTENTS, st.data())
def test_an_edit_shows_where_it_was_made(contents, data):
    rows = make_chain(contents)
    at = data.draw(st.integers(0, len(rows) - 1))
    previous, own, content = rows[at]

    rows[at] = (previous, own, content | {"edited": "yes"})

    assert chain.first_break(rows) == at


@given(CONTENTS, st.data())
def test_an_edit_that_is_hashed_again_shows_in_the_next_row(contents, data):
    rows = make_chain(contents)
    at = data.draw(st.integers(0, len(rows) - 2))
    previous, _, content = rows[at]
    edited = content | {"edited": "yes"}

    rows[at] = (previous, chain.link(previous, edited), edited)

    assert chain.first_break(rows) == at + 1


@given(CONTENTS, st.data())
def test_a_missing_row_shows(contents, data):
    rows = make_chain(contents)
    at = data.draw(st.integers(0, len(rows) - 2))

    del rows[at]

    assert chain.first_break(rows) == at


@given(CONTENTS, st.data())
def test_two_rows_that_changed_places_show(contents, data):
    rows = make_chain(contents)
    at = data.draw(st.integers(0, len(rows) - 2))

    rows[at], rows[at + 1] = rows[at + 1], rows[at]

    assert chain.first_break(rows) == at


def test_the_order_of_keys_does_not_matter():
    content = {"b": 1, "a": "ก"}

    assert chain.link(chain.START, content) == chain.link(chain.START, dict(reversed(content.items())))


def test_a_link_is_the_hash_of_the_one_before_and_canonical_json():
    expected = hashlib.sha256(("0" * 64 + '\n{"a":"ก","b":1}').encode()).hexdigest()

    assert chain.link(chain.START, {"b": 1, "a": "ก"}) == expected
