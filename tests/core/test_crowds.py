"""An event's faces in memory: always what the database says, at the cost of what is new."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlmodel import select

from core import consent, crowds, indexes, jobs, photos, search
from core.backends import Backends
from core.errors import Unavailable
from core.worker import HANDLERS
from models.consent import Purpose
from models.event import Event, EventStatus
from models.face import Face, FaceIndex
from models.fields import utc_now
from models.photo import Photo, Review
from tests.fake_pixels import embedding
from tests.makers import approve, make_event, make_jpeg, make_viewer, owner_of, upload


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch) -> None:
    monkeypatch.setattr(crowds, "_cache", OrderedDict())


@pytest.fixture
def event(backends: Backends) -> Event:
    return make_event(backends)


def shoot(backends: Backends, event: Event, *people: str, seed: int = 0) -> Photo:
    """A photo of these people, approved and waiting for the pipeline."""
    photo = upload(backends, event, make_jpeg(*people, seed=seed), by=owner_of(backends, event))
    approve(backends, photo)
    return photo


def delete(backends: Backends, event: Event, *gone: Photo) -> None:
    photos.delete(backends, [photo.id for photo in gone], by=owner_of(backends, event))


def index_of(backends: Backends, event: Event) -> FaceIndex:
    with backends.reading() as session:
        return indexes.serving(session, event.id)


def faces_of(backends: Backends, event: Event) -> crowds.Faces:
    return crowds.of(backends, index_of(backends, event))


def assert_holds(faces: crowds.Faces, people: dict[str, UUID]) -> None:
    """The faces are those of these people, each in the photo of that id."""
    rows = {name: int(np.argmax(faces.crowd.embeddings @ embedding(name))) for name in people}
    found = {name: faces.photo_ids[faces.crowd.photos[row]] for name, row in rows.items()}
    assert found == people
    assert len(set(rows.values())) == len(faces.face_ids) == len(faces.crowd.photos) == len(people)
    assert faces.crowd.embeddings.shape == (len(people), len(embedding("anna")))
    np.testing.assert_allclose(
        [faces.crowd.embeddings[row] for row in rows.values()], [embedding(name) for name in rows], atol=1e-6
    )
    assert [faces.face_ids.row(face_id) for face_id in faces.face_ids] == list(range(len(people)))


def lose_vector(backends: Backends, event: Event, photo: Photo) -> None:
    """Of the one face in a photo, as if it had not been written yet."""
    with backends.reading() as session:
        face_id = session.exec(select(Face.id).where(Face.photo_id == photo.id)).one()
    backends.vectors.delete(index_of(backends, event).collection, [face_id])


@pytest.fixture
def reads(backends, monkeypatch) -> list[int]:
    """How many embeddings each reading asked the store for."""
    asked, read = [], backends.vectors.read

    def count(collection: str, face_ids: Sequence[UUID]) -> object:
        asked.append(len(face_ids))
        return read(collection, face_ids)

    monkeypatch.setattr(backends.vectors, "read", count)
    return asked


# --- what is in them -----------------------------------------------------------------------


def test_every_searchable_face_is_there_and_no_other(backends, event, work):
    pair = shoot(backends, event, "anna", "ben", "carl:small", seed=1)
    single = shoot(backends, event, "dora", seed=2)
    work()

    faces = faces_of(backends, event)

    assert_holds(faces, {"anna": pair.id, "ben": pair.id, "dora": single.id})


def test_an_index_without_faces_is_an_empty_crowd(backends, event, work):
    shoot(backends, event, seed=1)
    work()

    faces = faces_of(backends, event)

    assert_holds(faces, {})


def test_the_next_look_finds_a_photo_that_was_just_indexed(backends, event, work):
    first = shoot(backends, event, "anna", seed=1)
    work()
    faces_of(backends, event)

    second = shoot(backends, event, "ben", seed=2)
    work()

    assert_holds(faces_of(backends, event), {"anna": first.id, "ben": second.id})


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_the_next_look_misses_a_photo_that_was_just_deleted(backends, event, work, victim):
    names = ["anna", "ben", "carl"]
    shot = [shoot(backends, event, name, seed=seed) for seed, name in enumerate(names)]
    work()
    faces_of(backends, event)

    delete(backends, event, shot[victim])
    work()

    left = {name: photo.id for name, photo in zip(names, shot, strict=True) if photo is not shot[victim]}
    assert_holds(faces_of(backends, event), left)


def test_one_look_sees_what_came_and_what_went_together(backends, event, work):
    gone = shoot(backends, event, "anna", "ben", seed=1)
    stays = shoot(backends, event, "carl", seed=2)
    work()
    faces_of(backends, event)

    delete(backends, event, gone)
    came = shoot(backends, event, "dora", "emil", seed=3)
    work()

    assert_holds(faces_of(backends, event), {"carl": stays.id, "dora": came.id, "emil": came.id})


def test_many_changes_one_by_one_end_where_one_reading_would(backends, event, work):
    shot: dict[str, Photo] = {}
    for seed in range(12):
        shot[f"person {seed}"] = shoot(backends, event, f"person {seed}", seed=seed)
        if seed % 3 == 2:
            delete(backends, event, shot.pop(f"person {seed - 1}"))
        work()
        faces_of(backends, event)

    assert_holds(faces_of(backends, event), {name: photo.id for name, photo in shot.items()})


def test_a_face_whose_vector_was_missing_comes_with_it(backends, event, work, reads):
    shot = shoot(backends, event, "anna", "ben", seed=1)
    work()
    index = index_of(backends, event)
    lost, rows = backends.vectors.all(index.collection)
    backends.vectors.delete(index.collection, lost[:1])
    before = len(crowds.of(backends, index).face_ids)

    backends.vectors.upsert(index.collection, lost[:1], rows[:1])
    with backends.transaction() as session:
        indexes.touch(session, event.id)

    assert before == 1
    assert_holds(faces_of(backends, event), {"anna": shot.id, "ben": shot.id})
    assert reads == [2, 1]


def test_a_photo_that_was_deleted_is_missed_while_another_face_has_no_vector_yet(backends, event, work):
    gone = shoot(backends, event, "anna", seed=1)
    stays = shoot(backends, event, "ben", seed=2)
    unready = shoot(backends, event, "carl", seed=3)
    work()
    lose_vector(backends, event, unready)
    before = faces_of(backends, event)

    delete(backends, event, gone)
    work()

    assert_holds(before, {"anna": gone.id, "ben": stays.id})
    assert_holds(faces_of(backends, event), {"ben": stays.id})


def test_a_face_that_is_known_already_is_not_added_again(backends, event, work):
    unready = shoot(backends, event, "anna", seed=1)
    work()
    earlier = index_of(backends, event)
    known = shoot(backends, event, "ben", seed=2)
    work()
    lose_vector(backends, event, unready)
    crowds.of(backends, earlier)  # of before ben, but reads him too

    faces = faces_of(backends, event)

    assert_holds(faces, {"ben": known.id})


def test_the_faces_of_another_index_take_the_place_of_those_before(backends, event, work):
    shoot(backends, event, "anna", seed=1)
    work()
    before = index_of(backends, event)
    crowds.of(backends, before)
    with backends.transaction() as session:
        session.get_one(FaceIndex, before.id).status = "retired"
        session.flush()
        indexes.make(session, event.id, indexes.identity_of(before), "serving")

    faces = faces_of(backends, event)

    assert len(faces.face_ids) == 0


def test_the_very_next_search_finds_a_photo_once_it_is_public_and_never_when_it_is_deleted(
    backends, event, work
):
    viewer, selfie = make_viewer(), make_jpeg("anna", size=(640, 480))
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)
    owner = owner_of(backends, event)

    def found() -> set[UUID]:
        result = search.by_selfies(backends, event.id, [selfie], receipt_id=receipt.id, by=viewer)
        return {hit.photo.id for hit in (*result.sure, *result.maybe)}

    shot = upload(backends, event, make_jpeg("anna", seed=1), by=owner)
    steps = [found()]
    work()
    steps.append(found())
    photos.review(backends, [shot.id], Review.APPROVED, by=owner)
    steps.append(found())
    photos.delete(backends, [shot.id], by=owner)
    steps.append(found())
    work()
    steps.append(found())

    assert steps == [set(), set(), {shot.id}, set(), set()]


# --- what it costs -------------------------------------------------------------------------


def test_only_what_is_new_is_read_from_the_store(backends, event, work, reads):
    shoot(backends, event, "anna", "ben", seed=1)
    work()
    faces_of(backends, event)
    unchanged = faces_of(backends, event)
    later = shoot(backends, event, "carl", seed=2)
    work()

    faces = faces_of(backends, event)

    assert reads == [2, 1]
    assert len(unchanged.face_ids) == 2
    assert later.id in faces.photo_ids


def test_a_refresh_copies_no_embedding_that_was_there(backends, event, work):
    shoot(backends, event, "anna", seed=1)
    work()
    before = faces_of(backends, event)
    shoot(backends, event, "ben", seed=2)
    work()

    after = faces_of(backends, event)

    assert np.shares_memory(before.crowd.embeddings, after.crowd.embeddings)


def test_the_embedding_of_a_deleted_face_is_gone_from_memory(backends, event, work):
    gone = shoot(backends, event, "anna", seed=1)
    stays = shoot(backends, event, "ben", seed=2)
    work()
    before = weakref.ref(faces_of(backends, event).crowd.embeddings.base)
    delete(backends, event, gone)
    work()
    held = before()

    faces = faces_of(backends, event)

    assert held is not None
    assert faces.crowd.embeddings.base is not held
    assert_holds(faces, {"ben": stays.id})
    del held
    assert before() is None


def test_an_event_nobody_searches_leaves_memory_an_hour_later_with_the_search_of_another(
    backends, work, reads
):
    events = [make_event(backends) for _ in range(3)]
    for seed, event in enumerate(events):
        shoot(backends, event, "anna", seed=seed)
    work()
    start = utc_now()
    looks = [(0, 0), (1, 30), (2, 59), (2, 61), (1, 62), (0, 63)]  # event, minute

    for event, minute in looks:
        backends.now = lambda minute=minute: start + timedelta(minutes=minute)
        faces_of(backends, events[event])

    assert reads == [1, 1, 1, 1]  # each event once, and the first one again


def test_what_an_unused_event_held_is_released(backends, event, work):
    shoot(backends, event, "anna", seed=1)
    other = make_event(backends)
    shoot(backends, other, "ben", seed=2)
    work()
    held = weakref.ref(faces_of(backends, event).crowd.embeddings.base)
    backends.now = lambda: utc_now() + timedelta(hours=1, minutes=1)

    faces_of(backends, other)

    assert held() is None


def test_events_beyond_the_memory_are_forgotten_oldest_first(backends, work, monkeypatch, reads):
    events = [make_event(backends) for _ in range(3)]
    for seed, event in enumerate(events):
        shoot(backends, event, "anna", seed=seed)
    work()
    one = faces_of(backends, events[0]).crowd.embeddings.nbytes
    monkeypatch.setattr(crowds, "CACHED_BYTES", 2 * one)

    for event in (events[1], events[0], events[2]):  # the last is one too many
        faces_of(backends, event)
    known = len(reads)
    faces_of(backends, events[2])
    faces_of(backends, events[0])
    kept = len(reads)
    faces_of(backends, events[1])

    assert (known, kept, len(reads)) == (3, 3, 4)


# --- at the same time ----------------------------------------------------------------------


def test_a_search_keeps_what_it_looks_at_while_faces_come_and_go(backends, event, work):
    gone = shoot(backends, event, "anna", seed=1)
    stays = shoot(backends, event, "ben", seed=2)
    work()
    held = faces_of(backends, event)

    delete(backends, event, gone)
    came = shoot(backends, event, "carl", seed=3)
    work()
    now = faces_of(backends, event)

    assert_holds(held, {"anna": gone.id, "ben": stays.id})
    assert_holds(now, {"ben": stays.id, "carl": came.id})


def test_two_first_searches_read_the_event_once(backends, event, work, monkeypatch):
    shoot(backends, event, "anna", seed=1)
    work()
    index = index_of(backends, event)
    asked, read, both = [], backends.vectors.read, threading.Barrier(2, timeout=30)

    def count(collection: str, face_ids: Sequence[UUID]) -> object:
        asked.append(len(face_ids))
        return read(collection, face_ids)

    def look() -> crowds.Faces:
        both.wait()
        return crowds.of(backends, index)

    monkeypatch.setattr(backends.vectors, "read", count)
    with ThreadPoolExecutor(2) as searches:
        found = [one.result() for one in [searches.submit(look), searches.submit(look)]]

    assert asked == [1]
    assert found[0] is found[1]


def test_a_search_does_not_wait_for_the_reading_of_what_it_does_not_need(backends, event, work, monkeypatch):
    shoot(backends, event, "anna", seed=1)
    work()
    earlier = index_of(backends, event)
    crowds.of(backends, earlier)
    shoot(backends, event, "ben", seed=2)
    work()
    read, is_reading, may_go_on = backends.vectors.read, threading.Event(), threading.Event()

    def wait(collection: str, face_ids: Sequence[UUID]) -> object:
        is_reading.set()
        may_go_on.wait(timeout=30)
        return read(collection, face_ids)

    monkeypatch.setattr(backends.vectors, "read", wait)
    with ThreadPoolExecutor(2) as searches:
        newer = searches.submit(faces_of, backends, event)
        is_reading.wait(timeout=30)
        older = searches.submit(crowds.of, backends, earlier)
        try:
            found = older.result(timeout=10)
        finally:
            may_go_on.set()

    assert len(found.face_ids) == 1
    assert len(newer.result().face_ids) == 2


def test_a_look_from_before_a_change_sees_what_is_there_by_now(backends, event, work, reads):
    shoot(backends, event, "anna", seed=1)
    work()
    earlier = index_of(backends, event)
    shoot(backends, event, "ben", seed=2)
    work()
    newest = faces_of(backends, event)

    assert crowds.of(backends, earlier) is newest
    assert reads == [2]


def test_a_failed_reading_leaves_what_was_known_and_is_made_up_for(backends, event, work, monkeypatch):
    first = shoot(backends, event, "anna", seed=1)
    work()
    faces_of(backends, event)
    second = shoot(backends, event, "ben", seed=2)
    work()

    backends.vectors.is_down = True
    with pytest.raises(Unavailable):
        faces_of(backends, event)
    backends.vectors.is_down = False

    assert_holds(faces_of(backends, event), {"anna": first.id, "ben": second.id})


# --- before the first search ---------------------------------------------------------------


def test_open_events_are_read_before_their_first_search(backends, work, reads):
    opened = make_event(backends)
    hidden = make_event(backends, status=EventStatus.ON_SALE)
    for seed, event in enumerate((opened, hidden)):
        shoot(backends, event, "anna", seed=seed)
    work()
    with backends.transaction() as session:
        session.get_one(Event, hidden.id).status = EventStatus.CLOSED

    crowds.warm(backends)
    warmed = len(reads)
    faces_of(backends, opened)
    known = len(reads)
    faces_of(backends, hidden)

    assert (warmed, known, len(reads)) == (1, 1, 2)


def test_only_events_that_fit_are_read_ahead_the_latest_first(backends, work, reads, monkeypatch):
    old = make_event(backends, held_on=date(2020, 1, 1))
    new = make_event(backends, held_on=date(2026, 1, 1))
    for seed, event in enumerate((old, new)):
        shoot(backends, event, *["anna", "ben"][: seed + 1], seed=seed)
    work()
    monkeypatch.setattr(crowds, "CACHED_BYTES", 2 * embedding("anna").nbytes)

    crowds.warm(backends)

    assert reads == [2]


def test_reading_ahead_gives_up_quietly_while_the_vectors_are_away(backends, event, work):
    shoot(backends, event, "anna", seed=1)
    work()
    backends.vectors.is_down = True

    crowds.warm(backends)

    backends.vectors.is_down = False
    assert len(faces_of(backends, event).face_ids) == 1


# --- on PostgreSQL -------------------------------------------------------------------------


@pytest.mark.integration
def test_faces_come_and_go_on_postgresql_too(platform):
    event = make_event(platform)
    gone = shoot(platform, event, "anna", "ben", seed=1)
    stays = shoot(platform, event, "carl", seed=2)
    while jobs.run_next(platform, HANDLERS):
        pass
    crowds.warm(platform)
    before = faces_of(platform, event)

    delete(platform, event, gone)
    came = shoot(platform, event, "dora", "emil", seed=3)
    while jobs.run_next(platform, HANDLERS):
        pass
    after = faces_of(platform, event)

    assert_holds(before, {"anna": gone.id, "ben": gone.id, "carl": stays.id})
    assert_holds(after, {"carl": stays.id, "dora": came.id, "emil": came.id})
