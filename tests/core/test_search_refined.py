"""Several selfies, and the visitor's own words on what was found."""

from dataclasses import replace

import numpy as np
import pytest
from sqlmodel import select

from core import consent, results, search, selfies
from core.errors import InvalidInput, NotFound
from models.activity import Activity, ActivityKind
from models.consent import Purpose
from models.face import Face
from tests.core.test_search import ids, shoot
from tests.fake_pixels import embedding, found
from tests.makers import make_event, make_jpeg, make_viewer, some_id


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def viewer():
    return make_viewer()


@pytest.fixture
def receipt(backends, event, viewer):
    return consent.give(backends, event.id, Purpose.SEARCH, by=viewer)


@pytest.fixture
def seen_by(backends, monkeypatch):
    """Have every selfie show this embedding."""

    def see(vector: np.ndarray) -> None:
        face = replace(found("anyone"), embedding=(vector / np.linalg.norm(vector)).astype(np.float32))
        monkeypatch.setattr(backends.pixels, "selfie", lambda *_: [face])

    return see


def between(one: str, other: str, cosine: float) -> np.ndarray:
    """Return a direction that has this cosine with a person, and leans to another."""
    first, second = embedding(one), embedding(other)
    across = second - (second @ first) * first
    return cosine * first + np.sqrt(1 - cosine**2) * across / np.linalg.norm(across)


def ask(backends, event, viewer, receipt, *pictures: bytes) -> results.Found:
    pictures = pictures or (make_jpeg("anyone"),)
    return search.by_selfies(backends, event.id, pictures, receipt_id=receipt.id, by=viewer)


def refine(backends, event, viewer, receipt, before, mine=frozenset(), not_mine=frozenset()):
    return search.refined(
        backends, event.id, before, set(mine), set(not_mine), receipt_id=receipt.id, by=viewer
    )


def faces(hits) -> set:
    return {hit.face_id for hit in hits}


def words(backends) -> list[dict]:
    with backends.reading() as session:
        query = select(Activity).where(Activity.kind == ActivityKind.FEEDBACK).order_by(Activity.id)
        return [activity.numbers for activity in session.exec(query)]


# --- several selfies -----------------------------------------------------------------------


def test_several_selfies_of_one_person_are_one_search(backends, event, viewer, receipt, work):
    photo = shoot(backends, event, "anna")
    shoot(backends, event, "ben", seed=1)
    work()
    pictures = [make_jpeg("anna", seed=seed) for seed in (5, 6, 7)]

    result = ask(backends, event, viewer, receipt, *pictures)

    assert ids(result.sure) == {photo.id}


def test_selfies_of_two_people_are_not_searched_together(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna", "ben")
    work()

    with pytest.raises(selfies.NotOnePerson, match="same person"):
        ask(backends, event, viewer, receipt, make_jpeg("anna"), make_jpeg("ben"))


@pytest.mark.parametrize("count", [0, search.MOST_SELFIES + 1])
def test_no_selfie_and_too_many_are_refused(backends, event, viewer, receipt, count):
    with pytest.raises(InvalidInput, match="one to 5"):
        search.by_selfies(backends, event.id, [make_jpeg("anna")] * count, receipt_id=receipt.id, by=viewer)


def test_another_selfie_of_somebody_else_is_refused(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna", seed=1)
    shoot(backends, event, "ben", seed=2)
    work()
    known = ask(backends, event, viewer, receipt, make_jpeg("anna"))

    def again(who: str) -> results.Found:
        pictures = [make_jpeg(who, seed=9)]
        return search.by_selfies(backends, event.id, pictures, receipt_id=receipt.id, by=viewer, known=known)

    assert ids(again("anna").sure) == ids(known.sure)
    with pytest.raises(selfies.NotTheSame, match="somebody else"):
        again("ben")


def test_where_nothing_is_sure_yet_any_selfie_may_be_the_next(backends, event, viewer, receipt, work):
    photo = shoot(backends, event, "ben")
    work()
    known = ask(backends, event, viewer, receipt, make_jpeg("anna"))

    found = search.by_selfies(
        backends, event.id, [make_jpeg("ben")], receipt_id=receipt.id, by=viewer, known=known
    )

    assert ids(found.sure) == {photo.id}


# --- the visitor's words -------------------------------------------------------------------


def test_a_face_that_is_mine_becomes_sure(backends, event, viewer, receipt, work, seen_by):
    photo = shoot(backends, event, "anna")
    work()
    seen_by(between("anna", "ben", 0.95))
    before = ask(backends, event, viewer, receipt)

    after = refine(backends, event, viewer, receipt, before, mine=faces(before.maybe))

    assert (ids(before.sure), ids(before.maybe)) == (set(), {photo.id})
    assert (ids(after.sure), ids(after.maybe)) == ({photo.id}, set())


def test_a_face_of_mine_finds_photos_that_the_selfie_did_not(backends, event, viewer, receipt, work, seen_by):
    first, second = shoot(backends, event, "anna", seed=1), shoot(backends, event, "anna", seed=2)
    work()
    seen_by(embedding("anna"))
    both = ask(backends, event, viewer, receipt)
    poor = replace(both, sure=[], maybe=[hit for hit in both.sure if hit.photo.id == first.id])

    after = refine(backends, event, viewer, receipt, poor, mine=faces(poor.maybe))

    assert ids(after.sure) == {first.id, second.id}


def test_a_face_that_is_not_mine_goes(backends, event, viewer, receipt, work):
    photo, twin = shoot(backends, event, "anna", seed=1), shoot(backends, event, "anna", seed=2)
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))
    rejected = {hit.face_id for hit in before.sure if hit.photo.id == photo.id}

    after = refine(backends, event, viewer, receipt, before, not_mine=rejected)

    assert ids(before.sure) == {photo.id, twin.id}
    assert photo.id not in ids(after.hits)
    assert after.sure[0].certainty < before.sure[0].certainty  # it looks like somebody who is somebody else


def test_taking_a_word_back_brings_the_photo_back(backends, event, viewer, receipt, work):
    photo = shoot(backends, event, "anna")
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))
    refine(backends, event, viewer, receipt, before, not_mine=faces(before.sure))

    after = refine(backends, event, viewer, receipt, before)

    assert ids(after.sure) == {photo.id}


def test_words_leave_counts_and_nothing_else(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna")
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))

    refine(backends, event, viewer, receipt, before, mine={*faces(before.sure), some_id()})

    assert words(backends) == [{"mine": 1, "not_mine": 0}]


def test_what_a_word_brought_up_can_be_spoken_of(backends, event, viewer, receipt, work):
    first, second = shoot(backends, event, "anna", seed=1), shoot(backends, event, "anna", seed=2)
    work()
    both = ask(backends, event, viewer, receipt, make_jpeg("anna"))
    poor = replace(both, sure=[], maybe=[hit for hit in both.sure if hit.photo.id == first.id])
    mine = faces(poor.maybe)
    brought = {hit.face_id for hit in both.sure if hit.photo.id == second.id}

    without = refine(backends, event, viewer, receipt, poor, mine=mine, not_mine=brought)
    with_it = refine(backends, event, viewer, receipt, poor, mine=mine | brought)

    assert ids(without.hits) == {first.id}
    assert ids(with_it.sure) == {first.id, second.id}
    assert words(backends)[-1]["mine"] == 2


def test_a_search_before_the_first_photo_does_not_hinder_the_next(backends, event, viewer, receipt, work):
    early = ask(backends, event, viewer, receipt, make_jpeg("anna"))
    photo = shoot(backends, event, "anna")
    work()
    both = results.merged([early, ask(backends, event, viewer, receipt, make_jpeg("anna"))])

    after = refine(backends, event, viewer, receipt, both, mine=faces(both.sure))

    assert ids(after.sure) == {photo.id}


def test_nobody_searches_with_a_face_that_was_not_found_for_them(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna", seed=1)
    shoot(backends, event, "ben", seed=2)
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))
    with backends.reading() as session:
        everyone = {face.id for face in session.exec(select(Face))}

    after = refine(backends, event, viewer, receipt, before, mine=everyone)

    assert ids(after.hits) == ids(before.sure)


def test_without_consent_nothing_is_refined(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna")
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))
    consent.withdraw(backends, receipt.id, by=viewer)

    with pytest.raises(consent.ConsentMissing):
        refine(backends, event, viewer, receipt, before, mine=faces(before.sure))


def test_what_another_index_found_is_not_refined(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna")
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))

    with pytest.raises(search.ResultOutdated, match="search again"):
        refine(backends, event, viewer, receipt, replace(before, index_id=before.index_id + 1))


def test_a_stranger_to_the_event_refines_nothing(backends, event, viewer, receipt, work):
    shoot(backends, event, "anna")
    work()
    before = ask(backends, event, viewer, receipt, make_jpeg("anna"))

    with pytest.raises(NotFound):
        search.refined(backends, event.id + 1, before, set(), set(), receipt_id=receipt.id, by=make_viewer())
