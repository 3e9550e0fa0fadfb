"""Which index serves an event: one, whatever comes at the same moment."""

import pytest
from sqlalchemy.exc import IntegrityError

from core import indexes
from core.errors import Unavailable
from models.face import FaceIndex, IndexStatus
from tests.core.test_ingest import all_of
from tests.fake_pixels import FakePixels
from tests.makers import make_event


def make(backends, event, status: IndexStatus, engine: str = "bundled") -> FaceIndex:
    with backends.transaction() as session:
        return indexes.make(session, event.id, backends.pixels.identity(engine), status)


@pytest.mark.parametrize("status", [IndexStatus.SERVING, IndexStatus.BUILDING])
def test_the_database_itself_refuses_a_second_index_that_serves_or_is_built(backends, status):
    event = make_event(backends)
    make(backends, event, status)

    with pytest.raises(IntegrityError, match="UNIQUE"):
        make(backends, event, status)

    assert len(all_of(backends, FaceIndex)) == 1


def test_several_indexes_may_wait_to_be_taken_apart(backends):
    event = make_event(backends)

    made = [make(backends, event, IndexStatus.RETIRED) for _ in range(2)]

    assert len({index.collection for index in made}) == 2
    with backends.reading() as session:
        assert indexes.serving(session, event.id) is None
        assert indexes.building(session, event.id) is None


def test_the_first_photo_makes_the_index_and_the_next_finds_it(backends):
    event = make_event(backends)

    first, second = indexes.to_write(backends, event.id), indexes.to_write(backends, event.id)

    assert first.id == second.id
    assert (first.status, first.engine) == (IndexStatus.SERVING, backends.settings.face_engine)


def test_an_event_keeps_its_engine_when_another_becomes_the_usual_one(backends):
    old = make_event(backends)
    indexes.to_write(backends, old.id)

    backends.settings.face_engine = "light"
    new = make_event(backends)

    assert [indexes.to_write(backends, event.id).engine for event in (old, new)] == ["bundled", "light"]


def test_no_index_is_made_for_an_engine_that_is_not_here(backends):
    event = make_event(backends)
    backends.pixels.missing.add("bundled")

    with pytest.raises(Unavailable, match="no weights"):
        indexes.to_write(backends, event.id)

    assert all_of(backends, FaceIndex) == []


def test_an_index_is_not_written_to_by_another_version_of_its_engine(backends):
    event = make_event(backends)
    indexes.to_write(backends, event.id)
    backends.pixels = FakePixels("f" * 64)

    with pytest.raises(indexes.EngineChanged, match="re-index"):
        indexes.to_write(backends, event.id)


def test_only_an_index_that_is_retired_is_taken_apart(backends):
    event = make_event(backends)
    index = make(backends, event, IndexStatus.SERVING)

    indexes.drop(backends, str(index.id))
    indexes.drop(backends, str(index.id + 1))  # repeated: it is gone already

    assert [kept.id for kept in all_of(backends, FaceIndex)] == [index.id]
