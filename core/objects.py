"""What every object store agrees on: how a key looks, and that content arrives whole."""

from typing import BinaryIO

from core.errors import InvalidInput


class EndedEarly(InvalidInput):
    """The content stopped before its announced length."""


def checked_key(key: str) -> str:
    """Return the key. Raises ValueError: keys are made by us, so a bad one is a bug, not a refusal."""
    if not all(_is_part(part) for part in key.split("/")):
        raise ValueError(f"not an object key: {key!r}")
    return key


def checked_prefix(prefix: str) -> str:
    """Return the prefix. Raises ValueError when no key can begin with it."""
    checked_key(prefix + "x")
    return prefix


def _is_part(part: str) -> bool:
    # A leading dot covers "." and "..", and leaves hidden names to the stores themselves.
    return part != "" and part[0] != "." and part.isprintable() and "\\" not in part


class Whole:
    """Reads exactly `length` bytes of a stream. Raises EndedEarly when it holds fewer."""

    def __init__(self, content: BinaryIO, length: int) -> None:
        if length < 0:
            raise ValueError(f"a length is not negative: {length}")
        self._content = content
        self._left = length  # bytes

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none only at the end."""
        wanted = min(size, self._left) if size >= 0 else self._left
        chunk = self._content.read(wanted)
        if wanted and not chunk:
            raise EndedEarly("The file ended before it was complete. Send it again.")
        self._left -= len(chunk)
        return chunk
