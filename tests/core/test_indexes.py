"""Which index serves an event: one, whatever comes at the same moment."""

from contextlib import contextmanager
from uuid import uuid4

import numpy as np
import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from core import indexes
from core.engines import UnknownEngine
from core.errors import PlatformError, Unavailable
from core.weights import WeightsMissing, WeightsUnusable
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


@pytest.mark.parametrize(
    "reason",
    [
        WeightsMissing("net.onnx is not installed."),
        WeightsUnusable("The folder is none."),
        UnknownEngine("Nobody knows it."),
        indexes.EngineChanged(),
    ],
    ids=lambda reason: type(reason).__name__,
)
@pytest.mark.parametrize("has_photos", [True, False])
def test_guests_are_not_told_what_only_operators_can_mend_and_the_log_is(
    backends, monkeypatch, has_photos, reason
):
    index = make(backends, make_event(backends), IndexStatus.SERVING) if has_photos else None
    monkeypatch.setattr(backends.pixels, "identity", refuse(reason))

    with structlog.testing.capture_logs() as logged, pytest.raises(indexes.SearchAway) as refused:
        indexes.require_searchable(backends, index)

    assert str(refused.value) == (
        "Searching by face is not possible at the moment. "
        "Look through all photos instead, or come back later."
    )
    assert refused.value.__cause__ is reason
    assert [(line["log_level"], line["engine"], line["reason"]) for line in logged] == [
        ("warning", "bundled", str(reason))
    ]


def test_guests_are_told_to_try_again_where_that_helps(backends, monkeypatch):
    busy = Unavailable("Too many pictures are being read right now. Please try again shortly.")
    monkeypatch.setattr(backends.pixels, "identity", refuse(busy))

    with pytest.raises(Unavailable) as refused:
        indexes.require_searchable(backends, None)

    assert refused.value is busy


def test_an_index_of_another_version_of_its_engine_is_not_searched(backends):
    index = make(backends, make_event(backends), IndexStatus.SERVING)
    indexes.require_searchable(backends, index)  # as long as it is the same
    backends.pixels = FakePixels("f" * 64)

    with pytest.raises(indexes.SearchAway):
        indexes.require_searchable(backends, index)


def refuse(reason: PlatformError):
    """A sandbox's call that raises this."""

    def call(_engine: str):
        raise reason

    return call


def test_only_an_index_that_is_retired_is_taken_apart(backends):
    event = make_event(backends)
    index = make(backends, event, IndexStatus.SERVING)

    indexes.drop(backends, str(index.id))
    indexes.drop(backends, str(index.id + 1))  # repeated: it is gone already

    assert [kept.id for kept in all_of(backends, FaceIndex)] == [index.id]


def retired(backends) -> FaceIndex:
    """An index that nobody reads any more, with one face in its collection."""
    index = make(backends, make_event(backends), IndexStatus.RETIRED)
    write(backends, index)
    return index


def write(backends, index: FaceIndex) -> None:
    backends.vectors.upsert(index.collection, [uuid4()], np.ones((1, index.dimension), np.float32))


def test_nothing_waits_for_the_vector_server_while_an_index_is_taken_apart(backends, monkeypatch):
    index, drop = retired(backends), backends.vectors.drop
    in_transaction, waited = [], []
    transaction = backends.transaction

    @contextmanager
    def watched():
        with transaction() as session:
            in_transaction.append(True)
            yield session
        in_transaction.pop()

    def slow(collection):
        waited.append(bool(in_transaction))
        drop(collection)

    monkeypatch.setattr(backends, "transaction", watched)
    monkeypatch.setattr(backends.vectors, "drop", slow)
    indexes.drop(backends, str(index.id))

    assert waited == [False, False]
    assert all_of(backends, FaceIndex) == []


def test_an_index_stays_until_the_vector_server_has_let_go_of_it(backends):
    index = retired(backends)
    backends.vectors.is_down = True

    with pytest.raises(Unavailable):
        indexes.drop(backends, str(index.id))

    backends.vectors.is_down = False
    assert [kept.id for kept in all_of(backends, FaceIndex)] == [index.id]
    indexes.drop(backends, str(index.id))
    assert all_of(backends, FaceIndex) == []
    assert backends.vectors.all(index.collection)[0] == []


def test_what_is_written_between_the_vectors_and_the_rows_goes_with_them(backends, monkeypatch):
    index, lock = retired(backends), indexes.lock

    def meanwhile(*arguments):
        write(backends, index)  # by a worker that sees the row still, and leaves its vectors to this job
        lock(*arguments)

    monkeypatch.setattr(indexes, "lock", meanwhile)
    indexes.drop(backends, str(index.id))

    assert backends.vectors.all(index.collection)[0] == []
