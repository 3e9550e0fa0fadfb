"""What is shown as sure and as maybe, in crowds made of numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import calibrations, cohorts, matching
from core.cohorts import Crowd
from core.matching import MAYBE, SURE, Hit

USUAL = calibrations.of("light")
DIMENSION = 128
ALIKE = 0.65  # cosine of two faces of one person, as that engine sees them


def people(count: int, seed: int = 0) -> np.ndarray:
    """Return a direction for each of some people, (count, DIMENSION), unit length."""
    return unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)))


def faces(of: np.ndarray, seed: int = 1, alike: float = ALIKE) -> np.ndarray:
    """Return one face of each of these people, float32, unit length."""
    where = int(1e6 * abs(of[0, 0]))  # two people's faces differ in another way, whatever the seed
    noise = unit(np.random.default_rng([seed, where]).normal(size=of.shape))
    return unit(np.sqrt(alike) * of + np.sqrt(1 - alike) * noise).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def crowd_of(embeddings: np.ndarray, photos=None) -> Crowd:
    """Return a crowd; each face in a photo of its own unless told."""
    rows = np.arange(len(embeddings)) if photos is None else np.array(photos)
    return cohorts.crowd(embeddings.astype(np.float32), rows.astype(np.intp), USUAL)


@pytest.fixture(scope="module")
def everyone() -> np.ndarray:
    return people(300)


@pytest.fixture(scope="module")
def event(everyone) -> Crowd:
    """Three faces of each of 200 people, each in a photo of its own: photo 3 * person + 0, 1, 2."""
    return crowd_of(faces(np.repeat(everyone[:200], 3, axis=0)))


def selfie(person: np.ndarray, seed: int = 99) -> np.ndarray:
    return faces(person[None], seed)


def shown(hits) -> set[int]:
    return {hit.photo for hit in hits}


# --- finding -------------------------------------------------------------------------------


def test_people_find_their_photos_and_nobody_elses(event, everyone):
    for person in range(0, 200, 10):
        found = matching.find(event, selfie(everyone[person]))

        assert shown(found.sure) <= {3 * person, 3 * person + 1, 3 * person + 2}
        assert len(found.sure) >= 2


def test_somebody_who_was_not_there_finds_nothing_sure(event, everyone):
    found = [matching.find(event, selfie(absent)) for absent in everyone[200:240]]

    assert [one.sure for one in found] == [[]] * 40
    assert sum(bool(one.maybe) for one in found) < 20


def test_an_event_without_faces_shows_nothing(everyone):
    empty = crowd_of(np.empty((0, DIMENSION)))

    assert matching.find(empty, selfie(everyone[0])) == ([], [])


def test_the_best_photo_comes_first_and_each_once(everyone):
    person = everyone[:1]
    close, far = faces(person, 5, 0.95), faces(person, 6, 0.5)
    crowd = crowd_of(np.concatenate([far, close, faces(everyone[1:60], 7)]), [4, 7, 7, *range(8, 66)])

    found = matching.find(crowd, selfie(everyone[0]))

    assert [(hit.photo, hit.face) for hit in found.sure] == [(7, 1), (4, 0)]


def test_two_faces_of_one_photo_are_not_one_person(everyone):
    person = everyone[0]
    mine, twin = faces(person[None], 5, 0.9), faces(person[None], 6, 0.6)
    strangers = faces(everyone[1:200], 7)
    apart = crowd_of(np.concatenate([mine, twin, strangers]))
    together = replace(apart, photos=np.array([0, 0, *range(1, 200)]))

    odds = [matching.log_odds(crowd, selfie(person)) for crowd in (apart, together)]

    sure = np.log(SURE / (1 - SURE))
    assert (odds[0] > sure).tolist()[:3] == [True, True, False]
    assert (odds[1] > sure).tolist()[:3] == [True, False, False]  # the better one stays


def test_a_rival_who_looks_like_somebody_else_takes_the_doubt(everyone):
    """A face a little like the selfie is shown when nobody fits better, and not when somebody does."""
    probe = selfie(everyone[0])
    cousin = unit(0.45 * probe + np.sqrt(1 - 0.45**2) * faces(everyone[1:2], 3)).astype(np.float32)
    strangers = faces(everyone[2:300], 7)
    without = crowd_of(np.concatenate([cousin, strangers]))
    with_person = crowd_of(np.concatenate([cousin, strangers, faces(everyone[:1], 8)]))

    alone, beside = (matching.log_odds(crowd, probe)[0] for crowd in (without, with_person))

    assert alone > beside + 2


def test_photos_that_look_like_the_sure_ones_are_found_with_them(everyone):
    """The selfie does not see it, the other photos of the person do: the event is searched with them."""
    person, probe = everyone[0], selfie(everyone[0])
    friends = faces(np.repeat(person[None], 6, axis=0), 4, 0.9)
    beside = unit(friends.sum(axis=0) - (friends.sum(axis=0) @ probe[0]) * probe[0])
    hard = unit(0.3 * probe + 0.95 * beside).astype(np.float32)
    strangers = faces(everyone[1:250], 7)
    alone = crowd_of(np.concatenate([hard, strangers]))
    among_friends = crowd_of(np.concatenate([hard, friends, strangers]))

    odds = [float(matching.log_odds(crowd, probe)[0]) for crowd in (alone, among_friends)]

    assert odds[1] > odds[0] + 3


def test_several_selfies_find_what_one_does_not(event, everyone):
    few = many = 0
    for person in range(100):
        poor = np.concatenate([faces(everyone[[person]], seed, 0.2) for seed in (50, 51, 52)])
        few += len(matching.find(event, poor[:1]).sure)
        many += len(matching.find(event, poor).sure)

    assert many > 1.2 * few


def test_selfies_of_two_people_are_told_from_those_of_one(event, everyone):
    one = np.concatenate([selfie(everyone[5], seed) for seed in (1, 2, 3)])
    two = np.concatenate([selfie(everyone[5]), selfie(everyone[6])])

    assert matching.is_one_person(event, one)
    assert not matching.is_one_person(event, two)
    assert matching.is_one_person(event, one[:1])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 10_000), st.integers(1, 5))
def test_every_photo_is_shown_once_and_on_its_side(count, seed, in_photo):
    some = people(3, seed)
    crowd = crowd_of(faces(some[np.arange(count) % 3], seed), np.arange(count) // in_photo)

    found = matching.find(crowd, selfie(some[0]))

    hits = [*found.sure, *found.maybe]
    assert len(shown(hits)) == len(hits)
    assert [hit.certainty for hit in hits] == sorted((hit.certainty for hit in hits), reverse=True)
    assert all(hit.certainty >= SURE for hit in found.sure)
    assert all(MAYBE <= hit.certainty < SURE for hit in found.maybe)
    assert all(crowd.photos[hit.face] == hit.photo for hit in hits)


# --- the person's own words ----------------------------------------------------------------


def test_a_face_that_is_mine_is_sure_and_brings_its_like(event, everyone):
    person = 7
    seen = [Hit(3 * person, 3 * person, 0.4)]

    found = matching.refine(event, seen, mine={3 * person}, not_mine=set())

    assert found.sure[0].photo == 3 * person
    assert shown(found.sure) <= {3 * person, 3 * person + 1, 3 * person + 2}
    assert len(found.sure) >= 2


def test_a_face_that_is_not_mine_goes_and_takes_its_like_along(event):
    seen = [Hit(9, 9, 0.9), Hit(10, 10, 0.6), Hit(600 - 1, 600 - 1, 0.7)]

    found = matching.refine(event, seen, mine=set(), not_mine={9})

    assert 9 not in shown([*found.sure, *found.maybe])
    assert 10 not in shown(found.sure)  # it looks like the one that is somebody else
    assert found.maybe[0].certainty == pytest.approx(0.7, abs=0.02)


def test_without_a_word_nothing_changes(event):
    seen = [Hit(9, 9, 0.9), Hit(10, 10, 0.6)]

    found = matching.refine(event, seen, mine=set(), not_mine=set())

    assert [(hit.face, round(hit.certainty, 3)) for hit in (*found.sure, *found.maybe)] == [
        (9, 0.9),
        (10, 0.6),
    ]


def test_the_others_in_a_photo_of_mine_are_not_me(everyone):
    both = faces(everyone[:2])
    crowd = crowd_of(np.concatenate([both, faces(everyone[2:100], 3)]), [0, 0, *range(1, 99)])

    found = matching.refine(crowd, [Hit(0, 1, 0.5)], mine={0}, not_mine=set())

    assert [(hit.photo, hit.face) for hit in (*found.sure, *found.maybe)] == [(0, 0)]
