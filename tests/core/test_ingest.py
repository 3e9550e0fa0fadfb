"""The pipeline's steps, each run twice, interrupted and undone."""

import hashlib
import io
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image
from sqlmodel import select

from core import indexes, ingest, jobs
from core.errors import Unavailable
from core.worker import HANDLERS
from models.account import Account
from models.face import Face, FaceIndex, IndexStatus
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Stage
from tests.fake_pixels import DIMENSION, FakePixels
from tests.makers import make_event, make_jpeg, owner_of, upload

SIZES = {"150", "300", "800", "1600"}


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event) -> Account:
    return owner_of(backends, event)


def row(backends, photo: Photo) -> Photo | None:
    with backends.reading() as session:
        return session.get(Photo, photo.id)


def all_of(backends, table) -> list:
    with backends.reading() as session:
        return list(session.exec(select(table)))


def vectors(backends, status: IndexStatus = IndexStatus.SERVING) -> dict:
    """The embeddings of the only event's index that stands like this, by face id."""
    for index in all_of(backends, FaceIndex):
        if index.status is status:
            return dict(zip(*backends.vectors.all(index.collection), strict=True))
    return {}


def everything(backends) -> tuple:
    """All that a step leaves behind, for comparison."""
    objects = {
        key: hashlib.sha256(backends.objects.open(key).read()).digest() for key in backends.objects.keys("")
    }
    faces = {(face.index_id, face.id): face.model_dump() for face in all_of(backends, Face)}
    return (
        objects,
        faces,
        sorted(vectors(backends)),
        [photo.model_dump() for photo in all_of(backends, Photo)],
    )


def test_a_photo_becomes_searchable_step_by_step(backends, event, owner, work):
    content = make_jpeg("anna", "ben:small", size=(2000, 1000))
    photo = upload(backends, event, content, by=owner)

    ran = work()

    done, faces = row(backends, photo), all_of(backends, Face)
    assert ran == 2
    assert (done.stage, done.face_count) == (Stage.INDEXED, 1)
    assert {(face.is_searchable, face.size) for face in faces} == {(True, 120.0), (False, 20.0)}
    assert set(vectors(backends)) == {face.id for face in faces if face.is_searchable}
    assert set(backends.objects.keys("renditions/")) == {photo.rendition_key(size) for size in SIZES}
    assert {job.status for job in all_of(backends, Job)} == {JobStatus.DONE}
    assert list((backends.settings.data / "tmp").iterdir()) == []


def test_renditions_never_grow_and_carry_no_metadata(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg("anna", size=(500, 250), gps=True), by=owner)

    work()

    longest = {}
    for size in SIZES:
        with Image.open(backends.objects.open(photo.rendition_key(size))) as picture:
            longest[size] = max(picture.size)
            assert dict(picture.getexif()) == {}
    assert longest == {"150": 150, "300": 300, "800": 500, "1600": 500}


@pytest.mark.parametrize("step", [ingest.render_photo, ingest.index_faces])
def test_a_step_that_is_repeated_changes_nothing(backends, event, owner, work, step):
    photo = upload(backends, event, make_jpeg("anna", "ben", gps=True), by=owner)
    work()
    before = everything(backends)

    step(backends, str(photo.id))
    work()

    assert everything(backends) == before
    assert len(all_of(backends, Job)) == 2


def test_a_step_that_died_before_its_rows_writes_the_same_again(backends, event, owner, work, monkeypatch):
    photo = upload(backends, event, make_jpeg("anna", "ben", gps=True), by=owner)
    advance, deaths = ingest._advance, []

    def die_once(session, photo, before, after):
        if after not in deaths:
            deaths.append(after)
            raise Unavailable("the worker dies here")
        return advance(session, photo, before, after)

    monkeypatch.setattr(ingest, "_advance", die_once)
    for _ in range(3):
        work()
        for job in all_of(backends, Job):
            if job.status is JobStatus.DUE:
                with backends.transaction() as session:
                    session.get_one(Job, job.id).run_at = backends.now()

    assert deaths == [Stage.RENDERED, Stage.INDEXED]
    assert row(backends, photo).stage is Stage.INDEXED
    assert len(all_of(backends, Face)) == len(vectors(backends)) == 2
    assert len(all_of(backends, Job)) == 2


def test_two_workers_on_one_photo_leave_one_set_of_faces(backends, event, owner, work, monkeypatch):
    photo = upload(backends, event, make_jpeg("anna", "ben"), by=owner)
    jobs.run_next(backends, HANDLERS)
    find = backends.pixels.faces

    def meanwhile(path, engine):
        monkeypatch.setattr(backends.pixels, "faces", find)
        ingest.index_faces(backends, str(photo.id))  # a worker that was thought dead is quicker
        return find(path, engine)

    monkeypatch.setattr(backends.pixels, "faces", meanwhile)
    work()

    assert len(all_of(backends, Face)) == len(vectors(backends)) == 2
    assert all_of(backends, FaceIndex)[0].version == 1


def test_a_photo_without_faces_is_searchable_too(backends, event, owner, work):
    photo = upload(backends, event, make_jpeg(), by=owner)

    work()

    assert (row(backends, photo).stage, row(backends, photo).face_count) == (Stage.INDEXED, 0)


def test_a_group_of_hundreds_keeps_its_largest_faces(backends, event, owner, work, monkeypatch):
    monkeypatch.setattr(ingest, "MOST_FACES", 3)
    photo = upload(backends, event, make_jpeg("a", "b", "c", "d", "e"), by=owner)

    work()

    assert len(all_of(backends, Face)) == len(vectors(backends)) == row(backends, photo).face_count == 3


# --- what a buyer receives -----------------------------------------------------------------


def test_a_photo_without_gps_is_delivered_byte_for_byte(backends, event, owner, work):
    content = make_jpeg("anna", seed=4)
    photo = upload(backends, event, content, by=owner)

    work()

    done = row(backends, photo)
    assert backends.objects.open(done.delivered_key).read() == content
    assert (done.delivered_sha256, done.delivered_size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert list(backends.objects.keys("delivered/")) == []


def test_a_photo_with_gps_is_delivered_without_it_and_otherwise_the_same(backends, event, owner, work):
    content = make_jpeg("anna", seed=4, gps=True)
    photo = upload(backends, event, content, by=owner)

    work()

    done = row(backends, photo)
    delivered = backends.objects.open(done.delivered_key).read()
    assert backends.objects.open(done.original_key).read() == content
    assert (done.delivered_sha256, done.delivered_size) == (
        hashlib.sha256(delivered).hexdigest(),
        len(delivered),
    )
    with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(delivered)) as after:
        assert dict(before.getexif().get_ifd(0x8825))
        assert not dict(after.getexif().get_ifd(0x8825))
        assert after.getexif()[0x0110] == before.getexif()[0x0110]
        assert np.array_equal(np.asarray(before), np.asarray(after))


# --- engines -------------------------------------------------------------------------------


def test_faces_of_two_engines_are_never_mixed(backends, event, owner, work):
    upload(backends, event, make_jpeg("anna"), by=owner)
    work()
    backends.pixels = FakePixels("f" * 64)
    photo = upload(backends, event, make_jpeg("ben", seed=5), by=owner)

    work()

    failed = [job for job in all_of(backends, Job) if job.status is JobStatus.FAILED]
    assert [(job.kind, job.subject) for job in failed] == [(JobKind.INDEX_FACES, str(photo.id))]
    assert failed[0].last_error == str(indexes.EngineChanged())
    assert row(backends, photo).stage is Stage.RENDERED
    assert len(vectors(backends)) == 1


def test_photos_wait_visibly_while_their_engine_is_not_installed(backends, event, owner, work, monkeypatch):
    upload(backends, event, make_jpeg("anna"), by=owner)
    work()
    backends.pixels.missing.add("bundled")
    photo = upload(backends, event, make_jpeg("ben", seed=5), by=owner)

    work()
    waiting = next(job for job in all_of(backends, Job) if job.status is JobStatus.DUE)
    stage = row(backends, photo).stage
    backends.pixels.missing.clear()
    later = backends.now() + timedelta(hours=1)
    monkeypatch.setattr(backends, "now", lambda: later)
    work()

    assert (waiting.kind, waiting.last_error) == (
        JobKind.INDEX_FACES,
        "The face engine bundled has no weights here.",
    )
    assert (stage, row(backends, photo).stage) == (Stage.RENDERED, Stage.INDEXED)
    assert len(vectors(backends)) == 2


def test_an_index_knows_what_made_it(backends, event, owner, work):
    upload(backends, event, make_jpeg("anna"), by=owner)
    work()

    index = all_of(backends, FaceIndex)[0]

    assert indexes.identity_of(index) == backends.pixels.identity("bundled")
    assert index.collection == f"event-{event.id}-{index.id}-{backends.pixels.identity('bundled').slug}"
    assert (index.dimension, next(iter(vectors(backends).values())).shape) == (DIMENSION, (DIMENSION,))
