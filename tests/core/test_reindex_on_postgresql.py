"""Moving to another engine on a real PostgreSQL, where two transactions really overlap."""

from threading import Thread

import pytest
from sqlmodel import select

from core import indexes, ingest, jobs, reindex
from core.worker import HANDLERS
from models.account import Account, Role
from models.event import Event
from models.face import FaceIndex, IndexStatus
from models.photo import Photo, Stage
from tests.core.test_ingest import row, vectors
from tests.makers import make_account, make_event, make_jpeg, owner_of, upload

pytestmark = pytest.mark.integration

BLOCKED = 1.0  # seconds after which a thread is taken to wait for a lock


@pytest.fixture
def admin(platform) -> Account:
    return make_account(platform, Role.ADMIN)


@pytest.fixture
def event(platform) -> Event:
    return make_event(platform)


def add(platform, event, *people: str, seed: int = 0) -> Photo:
    return upload(platform, event, make_jpeg(*people, seed=seed), by=owner_of(platform, event))


def work(platform) -> None:
    while jobs.run_next(platform, HANDLERS):
        pass


def finished_while_the_new_index_becomes_whole(platform, event, admin, monkeypatch) -> Photo:
    """A photo's last step is between its look at the indexes and its rows when the other index is whole."""
    add(platform, event, "anna")
    work(platform)
    reindex.start(platform, event.id, "light", by=admin)
    late = add(platform, event, "ben", seed=1)
    jobs.run_next(platform, HANDLERS)  # renders it
    advance, switching = ingest._advance, Thread(target=jobs.run_next, args=(platform, HANDLERS))

    def meanwhile(*arguments):
        monkeypatch.setattr(ingest, "_advance", advance)
        switching.start()  # the one photo that the new index waits for
        switching.join(BLOCKED)
        return advance(*arguments)

    monkeypatch.setattr(ingest, "_advance", meanwhile)
    jobs.run_next(platform, HANDLERS)
    switching.join()
    work(platform)
    return late


def test_a_photo_is_in_the_index_that_serves_whoever_was_first(platform, event, admin, monkeypatch):
    photo = finished_while_the_new_index_becomes_whole(platform, event, admin, monkeypatch)

    assert row(platform, photo).stage is Stage.INDEXED
    assert ingest._face_id(photo.id, 0) in vectors(platform)
    assert len(vectors(platform)) == 2
    assert reindex.progress(platform, event.id, by=admin) == reindex.Progress("light", None, 2, 2, 0)


def test_without_the_lock_a_photo_is_lost(platform, event, admin, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(indexes, "lock", lambda *_: None)

    photo = finished_while_the_new_index_becomes_whole(platform, event, admin, monkeypatch)

    assert row(platform, photo).stage is Stage.INDEXED
    assert ingest._face_id(photo.id, 0) not in vectors(platform)


def test_an_upload_does_not_wait_for_the_lock(platform, event):
    with platform.transaction() as session:
        indexes.lock(session, event.id)
        uploading = Thread(target=add, args=(platform, event, "anna"))
        uploading.start()
        uploading.join(10 * BLOCKED)

        assert not uploading.is_alive()


def test_the_first_photos_of_an_event_make_one_index(platform, event):
    threads = [Thread(target=indexes.to_write, args=(platform, event.id)) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with platform.reading() as session:
        assert session.exec(select(FaceIndex)).one().status is IndexStatus.SERVING
