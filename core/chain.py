"""Hash chains: each row carries the hash of the one before, so that an edit, a gap or a swap shows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

START = "0" * 64  # the hash before the first row


def link(previous_hash: str, content: Mapping[str, Any]) -> str:
    """Return the hash of a row: SHA-256 over the hash before it and its canonical JSON, in hexadecimal."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous_hash}\n{canonical}".encode()).hexdigest()


def first_break(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> int | None:
    """Return the position of the first row that does not follow, None when the chain is whole.

    Each row is (previous_hash, hash, content), oldest first.
    """
    expected = START
    for position, (previous_hash, own_hash, content) in enumerate(rows):
        if previous_hash != expected or own_hash != link(previous_hash, content):
            return position
        expected = own_hash
    return None
