"""Where a face is, is told to those who may see its photo and to nobody else."""

import pytest
from sqlmodel import select

from core import indexes, outlines, photos
from core.access import NoSuchEvent
from models.event import Visibility
from models.face import Face, IndexStatus
from models.photo import Review
from tests.makers import approve, make_event, make_jpeg, make_viewer, owner_of, some_id, upload


@pytest.fixture
def event(backends):
    return make_event(backends)


def shoot(backends, event, *people: str, seed: int = 0):
    photo = upload(backends, event, make_jpeg(*people, seed=seed), by=owner_of(backends, event))
    approve(backends, photo)
    return photo


def faces_of(backends, *shot) -> list:
    with backends.reading() as session:
        return [session.exec(select(Face.id).where(Face.photo_id == photo.id)).one() for photo in shot]


def test_an_outline_is_where_the_face_was_found(backends, event, work):
    photo = shoot(backends, event, "anna")
    work()
    (face_id,) = faces_of(backends, photo)

    told = outlines.of(backends, event.id, [face_id, some_id()], by=make_viewer())

    assert told == {face_id: (0.4, 0.3, 0.6, 0.7)}


def test_an_outline_is_the_one_of_the_index_that_searches_use(backends, event, work):
    photo = shoot(backends, event, "anna")
    work()
    (face_id,) = faces_of(backends, photo)
    with backends.transaction() as session:
        face = session.exec(select(Face)).one()
        identity = indexes.identity_of(indexes.serving(session, event.id))
        newer = indexes.make(session, event.id, identity, IndexStatus.BUILDING)
        session.add(Face(**face.model_dump() | {"index_id": newer.id, "left": 0.1, "top": 0.1}))

    told = outlines.of(backends, event.id, [face_id], by=make_viewer())

    assert told == {face_id: (0.4, 0.3, 0.6, 0.7)}


def test_faces_of_hidden_photos_and_of_other_events_are_not_told(backends, event, work):
    shown, hidden = shoot(backends, event, "anna", seed=1), shoot(backends, event, "ben", seed=2)
    foreign = shoot(backends, make_event(backends), "carl", seed=3)
    work()
    photos.review(backends, [hidden.id], Review.REJECTED, by=owner_of(backends, event))
    ids = faces_of(backends, shown, hidden, foreign)

    assert set(outlines.of(backends, event.id, ids, by=make_viewer())) == {ids[0]}


def test_who_may_not_see_the_event_learns_nothing(backends):
    with pytest.raises(NoSuchEvent):
        outlines.of(backends, make_event(backends, visibility=Visibility.BY_LINK).id, [], by=make_viewer())
