"""Objects as files below one folder: the store of a single machine."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import time
from typing import BinaryIO
from uuid import uuid4

from core.errors import NotFound, Unavailable
from core.objects import Whole, checked_key, checked_prefix

CHUNK = 1 << 20  # bytes held in memory while writing
INCOMING = ".incoming"  # no key begins with a dot
INCOMING_TTL = timedelta(days=1)  # every write renews the file's time: what is older was left by a crash
NOT_A_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FolderStore:
    """Keeps each object as a file. A key cannot be another key's folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_swept = False

    def put(self, key: str, content: BinaryIO, length: int, media_type: str) -> None:  # noqa: ARG002
        """Store `length` bytes; a reader sees all or none. Raises EndedEarly, Unavailable."""
        path = self._path(key)
        with _writing(), self._incoming() as incoming:
            with incoming.open("xb") as target:
                shutil.copyfileobj(Whole(content, length), target, CHUNK)
                target.flush()
                os.fsync(target.fileno())
            _move(incoming, path)
            _sync(path.parent)

    def open(self, key: str) -> BinaryIO:
        """Return a stream to read and close. Raises NotFound."""
        path = self._path(key)
        with _reading():
            return path.open("rb")

    def size(self, key: str) -> int:
        """Return the length in bytes. Raises NotFound."""
        path = self._path(key)
        with _reading():
            if path.is_dir():
                raise IsADirectoryError(path)
            return path.stat().st_size

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects and the folders they leave empty; what is not there is no error."""
        for path in map(self._path, keys):
            with _writing(), suppress(*NOT_A_FILE):
                path.unlink()
                self._prune(path.parent)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key that begins with `prefix`, sorted."""
        folder = checked_prefix(prefix).rpartition("/")[0]
        return self._walk(folder, prefix)

    def check(self) -> None:
        """Return if the folder can be written to. Raises Unavailable."""
        with _writing():
            self._root.mkdir(parents=True, exist_ok=True)
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise Unavailable("The photo store cannot be written to. Try again later.")

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        """Yield a path on the same file system, so that the move is atomic; leave nothing there."""
        folder = self._root / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        self._sweep(folder)
        path = folder / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _sweep(self, folder: Path) -> None:
        """Remove, once per process, what uploads left behind when the machine went down."""
        if self._is_swept:
            return
        self._is_swept = True
        oldest = time() - INCOMING_TTL.total_seconds()
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # another upload finished meanwhile
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _prune(self, folder: Path) -> None:
        with suppress(OSError):  # not empty, or another deletion was faster
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    def _walk(self, folder: str, prefix: str) -> Iterator[str]:
        for name, is_folder in _children(self._root / folder):
            key = f"{folder}/{name}" if folder else name
            if not key.startswith(prefix):
                continue
            if is_folder:
                yield from self._walk(key, prefix)
            else:
                yield key


def _children(folder: Path) -> list[tuple[str, bool]]:
    """Return (name, is a folder), in the order of the keys below: "a-b" comes before "a/b"."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir()) for entry in entries if entry.name[0] != "."]
    except NOT_A_FILE:
        return []
    return sorted(found, key=lambda entry: entry[0] + "/" * entry[1])


def _move(source: Path, target: Path, tries: int = 20) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except (FileNotFoundError, FileExistsError):  # a deletion pruned the folder in between
        if tries == 0:
            raise
        _move(source, target, tries - 1)


def _sync(folder: Path) -> None:
    """Make the new name survive a power cut: the row that will point at it does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except NOT_A_FILE as error:
        raise NotFound("This file is not there any more.") from error
    except OSError as error:
        raise Unavailable("The photo store cannot be read. Try again later.") from error


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # no space, read-only, not mounted
        raise Unavailable("The photo store cannot be written to. Try again later.") from error
