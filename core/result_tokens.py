"""A search's result in the hands of a program: signed, its owner's only, and good for an hour.

We keep nothing of it. Its face ids and certainties are what it takes to hear "this is me" and "not me".
"""

import base64
import struct
from datetime import timedelta
from uuid import UUID

from core.access import Viewer
from core.backends import Backends
from core.errors import InvalidInput
from core.results import Found, Remembered, SeenFace

RESULT_TTL = timedelta(hours=1)
_FACE = struct.Struct(">16sd")  # id, certainty


class ResultUnknown(InvalidInput):
    """It was found an hour ago or earlier, elsewhere, for somebody else, or never."""

    def __init__(self) -> None:
        super().__init__(
            "This result is not of a search of yours in this event within the last hour. Search again."
        )


def write(backends: Backends, event_id: int, found: Found, *, by: Viewer) -> str:
    """Return a token of what this visitor's search found in this event."""
    faces = b"".join(_FACE.pack(hit.face_id.bytes, hit.certainty) for hit in found.hits)
    expires = int((backends.now() + RESULT_TTL).timestamp())
    parts = (found.index_id, expires, base64.b64encode(faces).decode())  # the signer compresses them
    return backends.signer.sign(_purpose(event_id, by), *parts)


def read(backends: Backends, event_id: int, token: str, *, by: Viewer) -> Remembered:
    """Return what a token of this visitor and event holds. Raises ResultUnknown."""
    parts = backends.signer.read(_purpose(event_id, by), token)
    if parts is None or parts[1] < backends.now().timestamp():
        raise ResultUnknown
    index_id, _, faces = parts
    unpacked = _FACE.iter_unpack(base64.b64decode(faces))
    return Remembered([SeenFace(UUID(bytes=face_id), certainty) for face_id, certainty in unpacked], index_id)


def _purpose(event_id: int, by: Viewer) -> str:
    return f"search.{event_id}.{by.visitor_key}"
