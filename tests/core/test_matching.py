"""Which photos are shown as sure and which as maybe."""

from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.matching import MAYBE, SURE, Hit, Matches, sort_hits

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
FACES = st.lists(st.tuples(st.floats(-1, 1, width=32), st.integers(1, 6)), max_size=40)


def sorted_hits(*faces: tuple[float, UUID]) -> Matches:
    return sort_hits(np.array([score for score, _ in faces]), [photo_id for _, photo_id in faces])


def test_an_event_without_faces_shows_nothing():
    assert sorted_hits() == Matches([], [])


def test_strangers_are_not_shown():
    assert sorted_hits((MAYBE - 0.001, A), (-0.5, B)) == Matches([], [])


def test_a_cut_off_belongs_to_the_better_side():
    assert sorted_hits((SURE, A), (MAYBE, B)) == Matches([Hit(A, SURE)], [Hit(B, MAYBE)])


def test_a_photo_counts_by_its_best_face_and_is_shown_once():
    unsure = (SURE + MAYBE) / 2

    matches = sorted_hits((unsure, A), (0.99, A), (unsure, B), (0.1, B), (0.2, C))

    assert matches == Matches([Hit(A, 0.99)], [Hit(B, unsure)])


def test_the_best_photo_comes_first():
    matches = sorted_hits((0.97, A), (0.99, B), (0.98, C))

    assert [hit.photo_id for hit in matches.sure] == [B, C, A]


@given(FACES)
def test_no_photo_is_shown_twice_and_order_is_by_score(faces):
    similarities = np.array([score for score, _ in faces], np.float32)

    matches = sort_hits(similarities, [UUID(int=number) for _, number in faces])

    shown = [*matches.sure, *matches.maybe]
    assert len({hit.photo_id for hit in shown}) == len(shown)
    assert shown == sorted(shown, key=lambda hit: -hit.score)
    best = {number: max(score for score, other in faces if other == number) for _, number in faces}
    assert {hit.photo_id.int for hit in shown} == {number for number, score in best.items() if score >= MAYBE}


@given(FACES, st.randoms(use_true_random=False))
def test_the_order_in_which_faces_were_indexed_does_not_matter(faces, random):
    other = list(faces)
    random.shuffle(other)

    first, second = (
        sorted_hits(*[(score, UUID(int=number)) for score, number in way]) for way in (faces, other)
    )

    assert [set(part) for part in first] == [set(part) for part in second]
