"""Backends that live in memory and behave: `contracts/` asks the same of them as of the real ones."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput, NotFound, Unavailable
from core.objects import Whole, checked_key, checked_prefix
from core.ports import Mail


class MemoryStore:
    """An object store in a dict. Set `is_down` to see the platform without it."""

    def __init__(self) -> None:
        self.is_down = False
        self._objects: dict[str, bytes] = {}

    def put(self, key: str, content: BinaryIO, length: int, media_type: str) -> None:
        self.check()
        checked_key(key)
        whole = Whole(content, length)
        self._objects[key] = b"".join(iter(whole.read, b""))

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self._find(key))

    def size(self, key: str) -> int:
        return len(self._find(key))

    def delete(self, keys: Iterable[str]) -> None:
        self.check()
        for key in keys:
            self._objects.pop(checked_key(key), None)

    def keys(self, prefix: str) -> Iterator[str]:
        self.check()
        checked_prefix(prefix)
        return iter(sorted(key for key in self._objects if key.startswith(prefix)))

    def check(self) -> None:
        if self.is_down:
            raise Unavailable("The photo store does not answer. Try again later.")

    def _find(self, key: str) -> bytes:
        self.check()
        if checked_key(key) not in self._objects:
            raise NotFound("This file is not there any more.")
        return self._objects[key]


class MemoryVectors:
    """A vector store in dicts, searched exactly. Set `is_down` to see the platform without it."""

    def __init__(self) -> None:
        self.is_down = False
        self._collections: dict[str, dict[UUID, NDArray[np.float32]]] = {}

    def upsert(self, collection: str, face_ids: Sequence[UUID], embeddings: NDArray[np.float32]) -> None:
        self.check()
        if face_ids:
            rows = np.array(embeddings, np.float32)
            self._collections.setdefault(collection, {}).update(zip(face_ids, rows, strict=True))

    def delete(self, collection: str, face_ids: Sequence[UUID]) -> None:
        self.check()
        for face_id in face_ids:
            self._collections.get(collection, {}).pop(face_id, None)

    def read(
        self, collection: str, face_ids: Sequence[UUID]
    ) -> Iterator[tuple[list[UUID], NDArray[np.float32]]]:
        self.check()
        known = self._collections.get(collection, {})
        there = [face_id for face_id in face_ids if face_id in known]
        if there:
            yield there, np.stack([known[face_id] for face_id in there])

    def all(self, collection: str) -> tuple[list[UUID], NDArray[np.float32]]:
        self.check()
        found = self._collections.get(collection)
        return (list(found), np.stack(list(found.values()))) if found else ([], np.empty((0, 0), np.float32))

    def drop(self, collection: str) -> None:
        self.check()
        self._collections.pop(collection, None)

    def check(self) -> None:
        if self.is_down:
            raise Unavailable("Search is restarting. Try again in a few seconds.")


class MemoryMailer:
    """A mail server that keeps what it was given. Set `is_down`, or the `refused` addresses."""

    def __init__(self) -> None:
        self.is_down = False
        self.refused: set[str] = set()
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> None:
        if self.is_down:
            raise Unavailable("The mail server does not answer. Try again later.")
        if mail.to in self.refused:
            raise InvalidInput("The mail server refuses this address.")
        self.sent.append(mail)

    def kept(self, mail_id: str) -> Mail | None:
        return next((mail for mail in reversed(self.sent) if mail.id == mail_id), None)


class MemoryHooks:
    """The servers of others: keeps what they were sent, and answers with `status`; 0 is no answer."""

    def __init__(self) -> None:
        self.status = 200
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    def check(self, url: str) -> None:
        if not re.match(r"https://[\w.-]+", url):
            raise InvalidInput("A webhook's address begins with https://.")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.check(url)
        if not self.status:
            raise Unavailable("The server does not answer.")
        self.sent.append((url, body, dict(headers)))
        return self.status
