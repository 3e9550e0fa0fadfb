"""What a folder promises beyond the contract of object stores."""

import io
import os
import threading
from pathlib import Path

import pytest

from core.adapters.folder_store import INCOMING, FolderStore
from core.errors import Unavailable
from core.objects import EndedEarly


def put(store: FolderStore, key: str) -> None:
    store.put(key, io.BytesIO(b"pixels"), 6, "image/jpeg")


def test_a_deletion_leaves_no_empty_folder(tmp_path: Path):
    store = FolderStore(tmp_path)
    put(store, "renditions/photo/preview")
    put(store, "originals/photo")

    store.delete(["renditions/photo/preview"])

    assert sorted(path.name for path in tmp_path.iterdir()) == [INCOMING, "originals"]


def test_a_refused_put_leaves_no_temporary_file(tmp_path: Path):
    store = FolderStore(tmp_path)

    with pytest.raises(EndedEarly):
        store.put("a/b", io.BytesIO(b"12"), 3, "image/jpeg")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_crash_left_is_swept_a_day_later_and_a_running_upload_is_not(tmp_path: Path):
    incoming = tmp_path / INCOMING
    incoming.mkdir()
    (incoming / "crashed").write_bytes(b"half")
    os.utime(incoming / "crashed", (0, 0))
    (incoming / "running").write_bytes(b"half")

    put(FolderStore(tmp_path), "a/b")

    assert [path.name for path in incoming.iterdir()] == ["running"]


def test_uploads_and_deletions_in_one_folder_do_not_trip_over_each_other(tmp_path: Path):
    store = FolderStore(tmp_path)

    def come_and_go(key: str) -> None:
        for _ in range(100):
            put(store, key)
            store.delete([key])

    threads = [threading.Thread(target=come_and_go, args=(f"deep/er/{name}",)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(path.name for path in tmp_path.iterdir()) == [INCOMING]


def test_a_disk_that_takes_nothing_is_unavailable(tmp_path: Path):
    (tmp_path / "file").touch()
    store = FolderStore(tmp_path / "file" / "below")

    with pytest.raises(Unavailable):
        store.check()
    with pytest.raises(Unavailable):
        put(store, "a/b")
