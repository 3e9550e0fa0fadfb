"""Face embeddings in a Chroma server, one collection per event and engine identity."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import TypeVar
from uuid import UUID
from weakref import finalize

import chromadb
import httpx  # what the Chroma client speaks through, and whose errors it lets out
import numpy as np
import orjson
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings
from chromadb.errors import InternalError, NotFoundError, RateLimitError
from numpy.typing import NDArray

from core.errors import Unavailable

# The server's graph is never asked: searches are exact, in memory. A small one is cheap to keep. Only
# creation can set it.
HNSW = {"space": "cosine", "max_neighbors": 4, "ef_construction": 16}
BATCH = 5_000  # vectors per call; the server refuses more than 5,461
PAGE = 250  # vectors per answer: 512 dimensions come as some 2.5 MB of JSON
READERS = 2  # pages at once: the server writes one while we parse the other
RESTARTING = "Search is restarting. Try again in a few seconds."

Address = tuple[str, int]  # host, port
Found = tuple[list[UUID], NDArray[np.float32]]
Answer = TypeVar("Answer")


class ChromaVectors:
    """Keeps embeddings under the id of their face. Building one speaks to no server; threads may share it.

    Collection names have 3 to 512 characters of a-z, A-Z, 0-9, ".", "_", "-".
    """

    def __init__(self, address: Callable[[], Address], patience: timedelta = timedelta(seconds=60)) -> None:
        """`address` is asked at every call; `patience` is how long a silent server is waited for."""
        self._address = address
        self._patience = patience.total_seconds()
        self._lock = Lock()
        self._connected: tuple[Address, ClientAPI] | None = None

    @classmethod
    def at(cls, host: str, port: int) -> "ChromaVectors":
        """Return a store whose server never moves."""
        return cls(lambda: (host, port))

    def upsert(self, collection: str, face_ids: Sequence[UUID], embeddings: NDArray[np.float32]) -> None:
        """Write embeddings, (n, dimension), unit length; a known id is overwritten."""
        ids = [str(face_id) for face_id in face_ids]
        with _server_errors():
            for part in _slices(len(ids), BATCH):
                self._upsert(collection, ids[part], embeddings[part])

    def delete(self, collection: str, face_ids: Sequence[UUID]) -> None:
        """Remove vectors; ids that are not there are no error."""
        ids = [str(face_id) for face_id in face_ids]
        for part in _slices(len(ids), BATCH):
            self._ask(collection, partial(Collection.delete, ids=ids[part]), None)

    def read(self, collection: str, face_ids: Sequence[UUID]) -> Iterator[Found]:
        """Yield, page by page, those of the faces that are there: ids and embeddings, (n, dimension)."""
        with _server_errors(), suppress(NotFoundError), ThreadPoolExecutor(READERS) as readers:
            found = self._client().get_collection(collection, embedding_function=None)
            pages = readers.map(partial(self._read_page, found, face_ids), _slices(len(face_ids), PAGE))
            yield from filter(_is_anything, pages)

    def all(self, collection: str) -> Found:
        """Return every face id and the embeddings, (n, dimension), unit length, in the same order."""
        # The ids first, then pages by id: offsets would skip past a deletion.
        ids: list[str] = self._ask(collection, lambda found: found.get(include=[])["ids"], [])
        pages = list(self.read(collection, list(map(UUID, ids))))
        face_ids = [face_id for page, _ in pages for face_id in page]
        return face_ids, np.concatenate([rows for _, rows in pages]) if pages else _nothing()

    def drop(self, collection: str) -> None:
        """Remove the whole collection; one that is not there is no error."""
        self._ask(collection, lambda found: self._client().delete_collection(found.name), None)

    def check(self) -> None:
        """Return if the server answers. Raises Unavailable."""
        with _server_errors():
            self._client().heartbeat()

    def _read_page(self, found: Collection, face_ids: Sequence[UUID], part: slice) -> Found:
        """Ask what the client's `get` asks, which leaves whole answers to the garbage collector."""
        names = {str(face_id): face_id for face_id in face_ids[part]}
        place = f"tenants/{found.tenant}/databases/{found.database}/collections/{found.id}"
        address = "http://{}:{}/api/v2/{}/get".format(*self._address(), place)
        question = orjson.dumps({"ids": list(names), "include": ["embeddings"]})
        with self._client()._server._session.stream("POST", address, content=question) as answer:
            content = b"".join(answer.iter_bytes())
        if answer.status_code == httpx.codes.NOT_FOUND:  # dropped in between
            return [], _nothing()
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(RESTARTING)
        page = orjson.loads(content)
        return [names[name] for name in page["ids"]], np.array(page["embeddings"], np.float32)

    def _ask(self, collection: str, question: Callable[[Collection], Answer], empty: Answer) -> Answer:
        """Return the answer, or `empty` when there is no such collection.

        The collection is looked up by name each time (1.4 ms): its id dies when another process drops it.
        """
        with _server_errors():
            try:
                return question(self._client().get_collection(collection, embedding_function=None))
            except NotFoundError:
                return empty

    def _upsert(self, collection: str, ids: list[str], embeddings: NDArray[np.float32]) -> None:
        while True:
            found = self._client().get_or_create_collection(
                collection, configuration={"hnsw": HNSW}, embedding_function=None
            )
            try:
                found.upsert(ids=ids, embeddings=embeddings)
                return
            except NotFoundError:
                continue  # dropped by another process in between: make it again

    def _client(self) -> ClientAPI:
        address = self._address()
        with self._lock:
            if self._connected is None or self._connected[0] != address:
                # The client before is not closed: another thread may be in the middle of a call.
                self._connected = address, _connect(address, self._patience)
                finalize(self, _close, self._connected[1])
            return self._connected[1]


def _connect(address: Address, patience: float) -> ClientAPI:
    host, port = address
    # The client asks the server while it is built, without a time limit; a silent one is found here.
    httpx.get(f"http://{host}:{port}/api/v2/heartbeat", timeout=patience)
    try:
        client = chromadb.HttpClient(host, port, settings=Settings(anonymized_telemetry=False))
    except ValueError as error:  # how it says that the server went away meanwhile
        raise Unavailable(RESTARTING) from error
    # No public way to set it (1.5.9): without, a hung server hangs every page for ever.
    client._server._session.timeout = httpx.Timeout(patience)
    return client


def _close(client: ClientAPI) -> None:
    for part in (client, client._admin_client):
        part._server._session.close()  # the client's own close leaves the connections open (1.5.9)
    client.close()


def _is_anything(page: Found) -> bool:
    return bool(page[0])


def _nothing() -> NDArray[np.float32]:
    return np.empty((0, 0), np.float32)


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


@contextmanager
def _server_errors() -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, InternalError, RateLimitError) as error:
        raise Unavailable(RESTARTING) from error
