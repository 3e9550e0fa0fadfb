"""The promises of ObjectStore, asked of the fake, of a folder, and of S3 as moto plays it.

moto is a mock: it shows that we speak the SDK rightly, not that a real server agrees.
"""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from core.adapters.folder_store import FolderStore
from core.adapters.minio_store import MinioStore
from core.errors import NotFound
from core.objects import EndedEarly
from core.ports import ObjectStore
from tests.fakes import MemoryStore

SEVERAL_PARTS = 6 * 2**20  # bytes; the SDK sends more than five MiB in parts


@pytest.fixture(scope="module")
def mock_s3() -> Iterator[str]:
    """A mock, not a real server: it accepts any key and signature."""
    from moto.server import ThreadedMotoServer  # half a second that only the integration set pays

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(params=["memory", "folder", pytest.param("mock_s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "folder":
        return FolderStore(tmp_path / "objects")
    endpoint, bucket = request.getfixturevalue("mock_s3"), f"test-{uuid4().hex}"
    return MinioStore(endpoint, "key", "secret", bucket, "us-east-1", secure=False)


def put(store: ObjectStore, key: str, content: bytes = b"pixels") -> None:
    store.put(key, io.BytesIO(content), len(content), "image/jpeg")


def read(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


class Watched(io.BytesIO):
    """Content that looks at the world whenever it is read from."""

    def __init__(self, content: bytes, look: Callable[[], object]) -> None:
        super().__init__(content)
        self._look = look
        self.seen: list[object] = []

    def read(self, size: int | None = -1) -> bytes:
        self.seen.append(self._look())
        return super().read(size)


class TestEveryObjectStore:
    @pytest.mark.parametrize("length", [0, 1, 70_000, SEVERAL_PARTS])
    def test_what_was_put_is_read_back(self, store: ObjectStore, length: int):
        content = os.urandom(length)

        put(store, "originals/one", content)

        assert (read(store, "originals/one"), store.size("originals/one")) == (content, length)

    def test_a_second_put_replaces_the_first(self, store: ObjectStore):
        put(store, "a/b", b"a long first version")

        put(store, "a/b", b"second")

        assert read(store, "a/b") == b"second"

    def test_a_reader_sees_the_old_bytes_until_the_new_are_whole(self, store: ObjectStore):
        put(store, "a/b", b"old")
        content = Watched(b"new", lambda: read(store, "a/b"))

        store.put("a/b", content, 3, "image/jpeg")

        assert (set(content.seen), read(store, "a/b")) == ({b"old"}, b"new")

    @pytest.mark.parametrize("length", [7, SEVERAL_PARTS + 1])
    def test_content_that_ends_early_leaves_nothing(self, store: ObjectStore, length: int):
        with pytest.raises(EndedEarly, match="Send it again"):
            store.put("a/b", io.BytesIO(b"x" * (length - 1)), length, "image/jpeg")

        assert list(store.keys("")) == []

    def test_content_that_ends_early_leaves_what_was_there(self, store: ObjectStore):
        put(store, "a/b", b"old")

        with pytest.raises(EndedEarly):
            store.put("a/b", io.BytesIO(b"ne"), 3, "image/jpeg")

        assert read(store, "a/b") == b"old"

    def test_bytes_after_the_announced_length_are_not_taken(self, store: ObjectStore):
        store.put("a/b", io.BytesIO(b"photo and more"), 5, "image/jpeg")

        assert read(store, "a/b") == b"photo"

    def test_a_stream_is_read_in_pieces(self, store: ObjectStore):
        put(store, "a/b", b"0123456789")

        with store.open("a/b") as stream:
            pieces = [stream.read(4), stream.read(4), stream.read(4), stream.read(4)]

        assert pieces == [b"0123", b"4567", b"89", b""]

    def test_a_stream_closed_halfway_does_not_spoil_the_next(self, store: ObjectStore):
        content = os.urandom(SEVERAL_PARTS)
        put(store, "a/b", content)

        with store.open("a/b") as stream:
            stream.read(10)

        assert read(store, "a/b") == content

    def test_what_is_not_there_is_not_found(self, store: ObjectStore):
        put(store, "a/b")

        for key in ("a", "a/c", "a/b/c", "nothing"):
            with pytest.raises(NotFound):
                store.open(key)
            with pytest.raises(NotFound):
                store.size(key)

    def test_deleting_removes_what_is_named_and_nothing_else(self, store: ObjectStore):
        for key in ("a/1", "a/2", "a/3", "b/1"):
            put(store, key)

        store.delete(["a/1", "a/3", "a/never-there", "a", "a/2/below"])

        assert list(store.keys("")) == ["a/2", "b/1"]

    def test_all_below_a_prefix_can_be_deleted_while_it_is_listed(self, store: ObjectStore):
        for key in ("a/1", "a/2/x", "a/2/y", "b/1"):
            put(store, key)

        store.delete(store.keys("a/"))

        assert list(store.keys("")) == ["b/1"]

    def test_keys_come_sorted_as_whole_strings(self, store: ObjectStore):
        unsorted = ["b/1", "a/2", "a/10", "a-b/1", "a.b", "a/1/x", "ก/1"]
        for key in unsorted:
            put(store, key)

        assert list(store.keys("")) == sorted(unsorted)

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("a/", ["a/1", "a/1b/x"]),
            ("a/1", ["a/1", "a/1b/x"]),
            ("a/1b/", ["a/1b/x"]),
            ("a", ["a/1", "a/1b/x", "ab/1"]),
            ("c", []),
            ("a/1/", []),
        ],
    )
    def test_a_prefix_is_the_beginning_of_a_key(self, store: ObjectStore, prefix: str, expected: list[str]):
        for key in ("ab/1", "a/1b/x", "a/1", "b/a/1"):
            put(store, key)

        assert list(store.keys(prefix)) == expected

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            "a\0b",
            "a\\..\\b",
            ".hidden",
            "a\nb",
        ],
    )
    def test_a_key_that_could_leave_the_store_is_a_bug(self, store: ObjectStore, key: str):
        with pytest.raises(ValueError, match="not an object key"):
            put(store, key)
        with pytest.raises(ValueError, match="not an object key"):
            store.open(key)
        with pytest.raises(ValueError, match="not an object key"):
            store.size(key)
        with pytest.raises(ValueError, match="not an object key"):
            store.delete([key])

    @pytest.mark.parametrize("prefix", ["/", "../", "a/../../", "a//"])
    def test_a_prefix_that_could_leave_the_store_is_a_bug(self, store: ObjectStore, prefix: str):
        with pytest.raises(ValueError, match="not an object key"):
            store.keys(prefix)

    def test_a_store_that_answers_passes_its_check(self, store: ObjectStore):
        store.check()

        assert list(store.keys("")) == []
