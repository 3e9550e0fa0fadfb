"""The promises of VectorStore, asked of the fake and of a real Chroma server."""

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from chromadb.api.models.Collection import Collection
from numpy.typing import NDArray

from core import processes
from core.adapters import chroma_vectors
from core.adapters.chroma_vectors import BATCH, HNSW, PAGE, ChromaVectors
from core.children import Children
from core.errors import Unavailable
from core.ports import VectorStore
from tests.fakes import MemoryVectors

DIMENSION = 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Children]]:
    folder = tmp_path_factory.mktemp("chroma")
    with Children(folder, [processes.chroma(folder)]) as children:
        yield folder, children


@pytest.fixture
def chroma(server: tuple[Path, Children]) -> ChromaVectors:
    return ChromaVectors(lambda: processes.chroma_address(server[0]))


@pytest.fixture(params=["memory", pytest.param("chroma", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> VectorStore:
    return MemoryVectors() if request.param == "memory" else request.getfixturevalue("chroma")


@pytest.fixture
def collection() -> str:
    return f"event-{uuid4().hex}"


def make_faces(count: int, seed: int = 0) -> tuple[list[UUID], NDArray[np.float32]]:
    """Return ids and unit embeddings, (count, DIMENSION)."""
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return [uuid4() for _ in range(count)], rows / np.linalg.norm(rows, axis=1, keepdims=True)


def assert_same(
    found: tuple[list[UUID], NDArray[np.float32]], ids: list[UUID], embeddings: NDArray[np.float32]
) -> None:
    """Compare as sets of faces: a store may return them in any order."""
    order, expected = np.argsort([str(i) for i in found[0]]), np.argsort([str(i) for i in ids])
    assert [found[0][row] for row in order] == [ids[row] for row in expected]
    np.testing.assert_allclose(found[1][order], embeddings[expected], atol=1e-6)


def joined(pages: Iterable[tuple[list[UUID], NDArray[np.float32]]]) -> tuple[list[UUID], NDArray[np.float32]]:
    """Return the pages as one."""
    found, rows = zip(*pages, strict=True)
    return [face_id for page in found for face_id in page], np.concatenate(rows)


class TestEveryVectorStore:
    def test_what_was_written_is_read_back(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(20)

        store.upsert(collection, ids, embeddings)

        found = store.all(collection)
        assert_same(found, ids, embeddings)
        assert (found[1].dtype, found[1].shape) == (np.float32, (20, DIMENSION))

    def test_a_known_id_is_overwritten(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(2)
        store.upsert(collection, ids, embeddings)

        store.upsert(collection, ids[:1], embeddings[1:])

        assert_same(store.all(collection), ids, embeddings[[1, 1]])

    def test_more_than_one_batch_is_written_read_and_deleted(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(BATCH + 10)
        store.upsert(collection, ids, embeddings)
        everything = store.all(collection)

        store.delete(collection, ids[: BATCH + 5])

        assert_same(everything, ids, embeddings)
        assert_same(store.all(collection), ids[BATCH + 5 :], embeddings[BATCH + 5 :])

    def test_faces_are_read_by_their_ids(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(PAGE * 2 + 10)
        store.upsert(collection, ids, embeddings)
        asked = ids[5:]

        pages = list(store.read(collection, asked))

        assert_same(joined(pages), asked, embeddings[5:])
        assert {(rows.dtype, rows.shape) for _, rows in pages} == {
            (np.dtype(np.float32), (len(page), DIMENSION)) for page, _ in pages
        }

    def test_faces_that_are_not_there_are_left_out(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(3)
        store.upsert(collection, ids, embeddings)
        unknown = [uuid4() for _ in range(PAGE)]

        found = joined(store.read(collection, [*unknown, ids[1], *unknown[:1], ids[0]]))

        assert_same(found, ids[:2], embeddings[:2])
        assert list(store.read(collection, unknown)) == []
        assert list(store.read(collection, [])) == []
        assert list(store.read(collection + "-other", ids)) == []

    def test_a_collection_that_does_not_exist_reads_as_empty(self, store: VectorStore, collection: str):
        ids, _ = make_faces(1)

        store.delete(collection, ids)
        store.drop(collection)
        found = store.all(collection)

        assert (found[0], len(found[1])) == ([], 0)

    def test_an_emptied_collection_reads_as_empty(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(2)
        store.upsert(collection, ids, embeddings)

        store.delete(collection, ids)
        found = store.all(collection)

        assert (found[0], len(found[1])) == ([], 0)

    def test_writing_or_deleting_nothing_changes_nothing(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(2)
        store.upsert(collection, ids, embeddings)

        store.upsert(collection, [], embeddings[:0])
        store.delete(collection, [])
        store.delete(collection, [uuid4()])

        assert_same(store.all(collection), ids, embeddings)

    def test_a_dropped_collection_is_gone_and_can_be_made_anew(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(4)
        store.upsert(collection, ids[:2], embeddings[:2])

        store.drop(collection)
        store.upsert(collection, ids[2:], embeddings[2:])

        assert_same(store.all(collection), ids[2:], embeddings[2:])

    def test_collections_do_not_see_each_other(self, store: VectorStore, collection: str):
        ids, embeddings = make_faces(2)

        store.upsert(collection, ids[:1], embeddings[:1])
        store.upsert(collection + "-other", ids[1:], embeddings[1:])

        assert_same(store.all(collection), ids[:1], embeddings[:1])

    def test_a_store_that_answers_passes_its_check(self, store: VectorStore):
        assert store.check() is None


@pytest.mark.integration
class TestChromaVectors:
    def test_a_collection_made_anew_by_another_process_is_found(self, chroma, server, collection: str):
        ids, embeddings = make_faces(2)
        other = ChromaVectors.at(*processes.chroma_address(server[0]))
        chroma.upsert(collection, ids[:1], embeddings[:1])

        other.drop(collection)
        other.upsert(collection, ids[1:], embeddings[1:])
        chroma.upsert(collection, ids[:1], embeddings[:1])

        assert_same(chroma.all(collection), ids, embeddings)

    def test_threads_share_one_store(self, chroma: ChromaVectors, collection: str):
        ids, embeddings = make_faces(80)

        def write(start: int) -> None:
            chroma.upsert(collection, ids[start : start + 10], embeddings[start : start + 10])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(0, 80, 10)))

        assert_same(chroma.all(collection), ids, embeddings)

    def test_faces_written_while_the_collection_is_dropped_are_not_lost(
        self, chroma, collection, monkeypatch
    ):
        ids, embeddings = make_faces(1)
        names, upsert = iter([collection]), Collection.upsert

        def drop_then_upsert(found: Collection, **faces: object) -> None:
            for name in names:  # the first time only
                chroma.drop(name)
            upsert(found, **faces)

        monkeypatch.setattr(Collection, "upsert", drop_then_upsert)

        chroma.upsert(collection, ids, embeddings)

        assert_same(chroma.all(collection), ids, embeddings)

    def test_a_deletion_while_all_is_read_hides_no_other_face(self, chroma, collection: str, monkeypatch):
        ids, embeddings = make_faces(PAGE * 2)
        chroma.upsert(collection, ids, embeddings)
        victims, read = iter(ids[:1]), ChromaVectors._read_page

        def read_then_delete(store: ChromaVectors, *asked: object) -> object:
            answer = read(store, *asked)
            chroma.delete(collection, list(victims))  # after the first page only
            return answer

        monkeypatch.setattr(ChromaVectors, "_read_page", read_then_delete)

        assert set(chroma.all(collection)[0]) >= set(ids[1:])

    def test_a_collection_that_is_dropped_while_it_is_read_ends_there(self, chroma, collection, monkeypatch):
        ids, embeddings = make_faces(PAGE * 3)
        chroma.upsert(collection, ids, embeddings)
        read = ChromaVectors._read_page

        def read_then_drop(store: ChromaVectors, *asked: object) -> object:
            answer = read(store, *asked)
            chroma.drop(collection)
            return answer

        monkeypatch.setattr(chroma_vectors, "READERS", 1)
        monkeypatch.setattr(ChromaVectors, "_read_page", read_then_drop)

        assert [len(page) for page, _ in chroma.read(collection, ids)] == [PAGE]

    def test_a_collection_is_made_with_the_measured_settings(self, chroma, collection: str):
        ids, embeddings = make_faces(1)

        chroma.upsert(collection, ids, embeddings)

        made = chroma._client().get_collection(collection, embedding_function=None)
        assert HNSW.items() <= made.configuration_json["hnsw"].items()

    def test_a_server_that_is_away_is_unavailable(self, collection: str):
        store = ChromaVectors.at("127.0.0.1", 9)
        ids, embeddings = make_faces(1)

        with pytest.raises(Unavailable, match="Search is restarting"):
            store.check()
        with pytest.raises(Unavailable, match="Search is restarting"):
            store.upsert(collection, ids, embeddings)
        with pytest.raises(Unavailable, match="Search is restarting"):
            store.all(collection)
        with pytest.raises(Unavailable, match="Search is restarting"):
            list(store.read(collection, ids))

    def test_a_server_that_hangs_is_unavailable(self, server, collection: str):
        folder, children = server
        known, fresh = (
            ChromaVectors(lambda: processes.chroma_address(folder), timedelta(seconds=0.2)) for _ in range(2)
        )
        known.check()
        os.kill(children.status()[0].pid, signal.SIGSTOP)

        try:
            with pytest.raises(Unavailable):
                known.all(collection)
            with pytest.raises(Unavailable):
                fresh.all(collection)
        finally:
            os.kill(children.status()[0].pid, signal.SIGCONT)
