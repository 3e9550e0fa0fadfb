"""A real worker is killed in the middle of a photo, another takes over: nothing lost, nothing twice (T55)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import func, select

from core import events, indexes, journey, reindex, schema, wiring
from core.backends import Backends
from core.children import wait_for
from core.processes import ROOT
from core.settings import Settings
from models.account import Account, Role
from models.event import Event
from models.face import Face, FaceIndex, IndexStatus
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Stage
from tests.makers import gallery_of, make_account, make_event

pytestmark = pytest.mark.integration

SECRET = "the secret of this test, long enough to sign with"
PATIENCE = timedelta(seconds=60)
PHOTOS = sorted((ROOT / "data" / "demo" / "photos").glob("DSC_*.jpg"))[:8]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Backends]:
    """The real platform in a folder of its own: SQLite, files, Chroma."""
    settings = Settings(_env_file=None, data=tmp_path / "data", secret=SecretStr(SECRET), worker_threads=2)
    with wiring.command_backends(settings) as backends:
        schema.upgrade(backends.engine)
        yield backends


@pytest.fixture
def start_worker(platform) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Start `python -m core worker` on the same folder; what still runs at the end is killed."""
    own = {"ENCORE_DATA": str(platform.settings.data), "ENCORE_SECRET": SECRET, "ENCORE_JOB_LEASE": "PT2S"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENCORE_")}
    workers = []

    def start() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "core", "worker"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        workers.append(subprocess.Popen(command, cwd=ROOT, env=inherited | own, **quiet))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def all_of(backends: Backends, table) -> list:
    with backends.reading() as session:
        return list(session.exec(select(table)))


def is_in_the_middle_of(backends: Backends, kind: JobKind, after: int) -> Callable[[], bool]:
    """A job of this kind runs, and some photos have come further already."""

    def look() -> bool:
        with backends.reading() as session:
            running = (
                select(func.count()).select_from(Job).where(Job.kind == kind, Job.status == JobStatus.RUNNING)
            )
            done = select(func.count()).select_from(Job).where(Job.kind == kind, Job.status == JobStatus.DONE)
            return session.exec(running).one() > 0 and session.exec(done).one() >= after

    return look


def of_photos(backends: Backends) -> list[Job]:
    """Every job but the worker's own appointment for tomorrow."""
    return [job for job in all_of(backends, Job) if job.kind is not JobKind.SWEEP_OLD]


def is_finished(backends: Backends) -> bool:
    return all(job.status is JobStatus.DONE for job in of_photos(backends))


def prepared(backends: Backends) -> tuple[Event, Account]:
    owner = make_account(backends, Role.ORGANISER)
    event = make_event(backends, owner)
    for path in PHOTOS:
        journey.upload_file(backends, gallery_of(backends, event).id, path, by=owner)
    return event, owner


def test_a_killed_workers_photos_are_indexed_once_by_the_next(platform, start_worker):
    event, owner = prepared(platform)
    first = start_worker()

    assert wait_for(is_in_the_middle_of(platform, JobKind.RENDER_PHOTO, after=1), PATIENCE)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start_worker()
    assert wait_for(is_in_the_middle_of(platform, JobKind.INDEX_FACES, after=1), PATIENCE)
    second.send_signal(signal.SIGKILL)
    second.wait()
    interrupted = [job for job in all_of(platform, Job) if job.status is JobStatus.RUNNING]
    third = start_worker()
    assert wait_for(lambda: is_finished(platform), PATIENCE)
    third.send_signal(signal.SIGTERM)

    photos, faces, jobs = all_of(platform, Photo), all_of(platform, Face), of_photos(platform)
    assert third.wait(timeout=20) == 0
    assert interrupted != []
    assert max(job.attempts for job in jobs) >= 2
    assert [photo.stage for photo in photos] == [Stage.INDEXED] * len(PHOTOS)
    assert sorted((job.kind, job.subject) for job in jobs) == sorted(
        (kind, str(photo.id)) for photo in photos for kind in (JobKind.RENDER_PHOTO, JobKind.INDEX_FACES)
    )
    vector_ids, _ = platform.vectors.all(all_of(platform, FaceIndex)[0].collection)
    assert sorted(vector_ids) == sorted(face.id for face in faces if face.is_searchable)
    assert sum(photo.face_count for photo in photos) == len(vector_ids) > 0
    assert events.counts(platform, event.id, by=owner).indexed == len(PHOTOS)
    stored = set(platform.objects.keys("renditions/"))
    assert stored == {photo.rendition_key(name) for photo in photos for name in ("150", "300", "800", "1600")}


def test_a_killed_worker_loses_nothing_of_an_index_that_it_builds(platform, start_worker):
    event, _ = prepared(platform)
    admin = make_account(platform, Role.ADMIN)
    first = start_worker()
    assert wait_for(lambda: is_finished(platform), PATIENCE)
    with platform.transaction() as session:  # as if a new version of Encore aligned faces differently
        indexes.serving(session, event.id).alignment = "before"
    seen = {(face.photo_id, face.left) for face in all_of(platform, Face)}

    reindex.start(platform, event.id, "bundled", by=admin)
    assert wait_for(is_in_the_middle_of(platform, JobKind.REINDEX_PHOTO, after=1), PATIENCE)
    first.send_signal(signal.SIGKILL)
    first.wait()
    standing = reindex.progress(platform, event.id, by=admin)
    start_worker()
    assert wait_for(lambda: reindex.progress(platform, event.id, by=admin).building is None, PATIENCE)

    (index,) = [index for index in all_of(platform, FaceIndex) if index.status is IndexStatus.SERVING]
    faces = [face for face in all_of(platform, Face) if face.index_id == index.id]
    vector_ids, _ = platform.vectors.all(index.collection)
    assert standing.building == "bundled"
    assert standing.done < len(PHOTOS)
    assert max(job.attempts for job in all_of(platform, Job)) >= 2
    assert index.alignment != "before"
    assert {(face.photo_id, face.left) for face in faces} == seen
    assert sorted(vector_ids) == sorted(face.id for face in faces if face.is_searchable)
    assert sum(photo.face_count for photo in all_of(platform, Photo)) == len(vector_ids) > 0
