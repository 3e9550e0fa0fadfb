"""How faces score with strangers, in crowds made of numbers."""

import numpy as np
import pytest

from core import calibrations, cohorts, matching
from tests.core.test_matching import DIMENSION, USUAL, crowd_of, everyone, faces, people, selfie, shown, unit

__all__ = ["everyone"]  # a fixture


@pytest.mark.parametrize("count", [2, 5, 20, 100])
def test_in_a_small_event_the_guest_is_found_and_an_outsider_is_not(everyone, count):
    wrong = 0
    for trial in range(40):
        guests = everyone[trial : trial + count]
        crowd = crowd_of(faces(guests, trial))

        found = matching.find(crowd, selfie(guests[0], 500 + trial))
        wrong += bool(matching.find(crowd, selfie(everyone[-1 - trial], 900 + trial)).sure)

        assert 0 in shown([*found.sure, *found.maybe])
    assert wrong == 0


def test_a_number_means_the_same_in_a_crowd_that_looks_alike(everyone):
    """Pull all faces towards one: cosines rise, certainties stay."""
    common = people(1, 77)[0]
    alike = unit(everyone[:250] + 0.45 * common)
    crowds = [crowd_of(faces(some)) for some in (everyone[:250], alike)]

    odds = [
        matching.log_odds(crowd, selfie(some[0]))
        for crowd, some in zip(crowds, (everyone, alike), strict=True)
    ]

    assert np.median(crowds[1].views[0].location) > np.median(crowds[0].views[0].location) + 0.05
    assert all(values[0] > 0 for values in odds)
    assert all(np.sort(values)[-2] < -1 for values in odds)


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("count", [20, 60, 300])
def test_somebody_in_many_of_the_photos_is_found_in_them(everyone, share, count):
    """Their own faces are not what is usual between strangers, however many they are."""
    own = round(share * count)
    others = faces(people(count - own, 8), 2) if own < count else np.empty((0, DIMENSION), np.float32)
    crowd = crowd_of(np.concatenate([faces(np.repeat(everyone[:1], own, axis=0)), others]))

    found = matching.find(crowd, selfie(everyone[0]))

    assert len(shown(found.sure) & set(range(own))) >= 0.9 * own
    assert shown(found.sure) <= set(range(own))


def test_a_couple_who_share_every_photo_are_told_apart(everyone):
    both = faces(np.repeat(everyone[:2], 80, axis=0))
    crowd = crowd_of(both, [*range(80), *range(80)])

    found = matching.find(crowd, selfie(everyone[1]))

    assert len(found.sure) >= 72
    assert all(hit.face >= 80 for hit in found.sure)


def test_a_crowd_that_grows_measures_only_what_is_new(everyone):
    every = faces(people(1700, 3))
    photos = np.arange(1700)
    first = cohorts.crowd(every[:1300], photos[:1300], USUAL)

    grown = cohorts.crowd(every, photos, USUAL, first)
    afresh = cohorts.crowd(every, photos, USUAL)

    assert np.array_equal(grown.cohort, first.cohort)
    for old, new, other in zip(first.views, grown.views, afresh.views, strict=True):
        assert np.array_equal(new.location[:1300], old.location)
        assert len(new.spread) == len(new.length) == 1700
        assert np.abs(new.location - other.location).max() < 0.05  # another cohort says nearly the same


def test_a_crowd_that_has_grown_by_half_chooses_a_new_cohort():
    every = faces(people(3000, 3))
    first = cohorts.crowd(every[:1300], np.arange(1300), USUAL)

    grown = cohorts.crowd(every, np.arange(3000), USUAL, first)

    assert grown.cohort.max() > 1300
    assert grown.measured == 3000
    assert len(grown.cohort) == cohorts.COHORT


def test_faces_of_the_same_photo_are_no_strangers(everyone):
    """Ten pictures of a poster in one photo are not the crowd that a face is measured against."""
    poster = np.repeat(faces(everyone[:1], 5, 0.95), 10, axis=0)
    crowd = crowd_of(np.concatenate([poster, faces(everyone[1:40], 2)]), [0] * 10 + list(range(1, 40)))

    assert crowd.views[0].location[0] < 0.15
    assert crowd.views[0].spread[0] <= USUAL.spread_range[1]


def test_an_engine_that_nobody_measured_still_finds_the_clear_cases(everyone):
    usual = calibrations.of("another")
    crowd = cohorts.crowd(faces(everyone[:200], alike=0.9), np.arange(200), usual)

    found = matching.find(crowd, faces(everyone[:1], 99, 0.9))

    assert shown(found.sure) == {0}


def test_a_score_is_the_same_asked_from_either_side(everyone):
    crowd = crowd_of(faces(everyone[:100]))

    one, other = (
        cohorts.between(crowd, np.array([3]), np.arange(100)),
        cohorts.between(crowd, np.arange(100), np.array([3])),
    )

    np.testing.assert_allclose(one[0], other[:, 0], atol=1e-4)


def test_a_probe_scores_as_the_face_that_it_is(everyone):
    crowd = crowd_of(faces(everyone[:100]))

    by_row = cohorts.between(crowd, np.array([7]), np.arange(100))
    by_probe = cohorts.with_everyone(crowd, crowd.embeddings[7])

    np.testing.assert_allclose(np.delete(by_probe, 7), np.delete(by_row[0], 7), atol=0.05)


def test_in_a_crowd_of_one_population_small_differences_count(everyone):
    """All have much in common and differ where faces of one person do not: whitening finds that."""
    random = np.random.default_rng(4)
    loud = np.linalg.qr(random.normal(size=(DIMENSION, 20)))[0].T  # directions that say nothing of a person
    some = np.repeat(everyone[:200], 2, axis=0)
    noisy = unit(faces(some) + 0.9 * (random.normal(size=(400, 20)) / 20**0.5) @ loud)
    crowd = crowd_of(noisy)

    plain, whitened = (
        cohorts._normalised(
            cohorts._scores(view, crowd.embeddings, crowd.embeddings, view.length),
            *2 * (view.location, view.spread),
        )
        for view in crowd.views
    )

    twins = (np.arange(0, 400, 2), np.arange(1, 400, 2))
    assert np.median(whitened[twins]) > 1.1 * np.median(plain[twins])


def test_an_event_of_one_face_or_none_has_one_view(everyone):
    for count in (0, 1):
        crowd = crowd_of(faces(everyone[:1])[:count])

        assert [view.weight for view in crowd.views] == [1.0]


def test_an_event_of_the_same_face_over_and_over_has_one_view(everyone):
    crowd = crowd_of(np.repeat(faces(everyone[:1]), 5, axis=0))

    assert [view.weight for view in crowd.views] == [1.0]


def test_what_was_measured_of_a_face_is_kept_when_others_go():
    random = np.random.default_rng(3)
    rows = random.standard_normal((2_000, 16), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    before = cohorts.crowd(rows, np.arange(2_000) // 2, calibrations.UNMEASURED)
    order = random.permutation(2_000)[:1_950]

    kept = cohorts.of_rows(before, order, rows[order])

    for view, other in zip(kept.views, before.views, strict=True):
        np.testing.assert_array_equal(view.location, other.location[order])
        np.testing.assert_array_equal(view.length, other.length[order])
    np.testing.assert_array_equal(kept.photos, before.photos[order])
    np.testing.assert_array_equal(order[kept.cohort], before.cohort[np.isin(before.cohort, order)])
    assert (len(kept.embeddings), kept.measured) == (1_950, 2_000)


def test_a_crowd_that_lost_much_of_its_cohort_is_measured_anew():
    rows = np.eye(2_000, 16, dtype=np.float32)
    before = cohorts.crowd(rows, np.arange(2_000), calibrations.UNMEASURED)

    kept = cohorts.of_rows(before, np.arange(1_500), rows[:1_500])

    assert kept.measured == 0
