"""An upload on its way: a temporary file that takes the bytes, hashes them in passing, and is gone after."""

import hashlib
import tempfile
import unicodedata
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from core.backends import Backends
from core.errors import InvalidInput

TEMPORARY_TTL = timedelta(days=1)  # a temporary file this old belongs to nobody


class FileTooBig(InvalidInput):
    """More bytes than a photo may have."""

    status_code = 413

    def __init__(self, limit_mib: int) -> None:
        super().__init__(
            "This file is larger than {limit} MB. Export it smaller and try again.", limit=limit_mib
        )


def temporary(backends: Backends) -> "tempfile._TemporaryFileWrapper[bytes]":
    """Return a new file in the data folder, gone when it is closed."""
    folder = backends.settings.data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=folder)


class Incoming:
    """An upload on its way: bytes go to a temporary file, hashed as they pass, gone when it closes."""

    def __init__(self, backends: Backends, filename: str) -> None:
        self.filename = tidy_name(filename)
        self.byte_size = 0
        self._limit_mib = backends.settings.max_upload_mib
        self._hash = hashlib.sha256()
        self._file = temporary(backends)
        self.path = Path(self._file.name)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises FileTooBig as soon as there are too many."""
        self.byte_size += len(chunk)
        if self.byte_size > self._limit_mib * 2**20:
            raise FileTooBig(self._limit_mib)
        self._hash.update(chunk)
        self._file.write(chunk)

    def finish(self) -> str:
        """Return the SHA-256 of all bytes, which are now on disk."""
        self._file.flush()
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def sweep(backends: Backends) -> None:
    """Remove the temporary files of processes that were killed."""
    oldest = backends.now().timestamp() - TEMPORARY_TTL.total_seconds()
    for path in (backends.settings.data / "tmp").glob("*"):
        with suppress(FileNotFoundError):  # another process was first
            if path.stat().st_mtime < oldest:
                path.unlink()


def tidy_name(filename: str) -> str:
    """Return a name fit to show: its last part, no control or direction characters, at most 200 long."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return shown.strip(" .")[-200:] or "photo"
