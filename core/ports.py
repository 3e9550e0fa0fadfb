"""All that Encore needs from outside, on one page, with shapes where numbers enter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (height, width, 3), RGB, upright
Embedding = NDArray[np.float32]  # (dimension,), unit length


# --- objects -------------------------------------------------------------------------------


class ObjectStore(Protocol):
    """Named bytes: originals, renditions. A key is relative, with `/` between its parts."""

    def put(self, key: str, content: BinaryIO, length: int, media_type: str) -> None:
        """Store `length` bytes read from `content`; a reader sees all of them or none."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Return a stream to read and close. Raises NotFound."""
        ...

    def size(self, key: str) -> int:
        """Return the length in bytes. Raises NotFound."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove; what is not there is no error."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key that begins with `prefix`, sorted."""
        ...

    def check(self) -> None:
        """Return if the store answers. Raises Unavailable."""
        ...


# --- vectors -------------------------------------------------------------------------------


@dataclass(frozen=True)
class EngineIdentity:
    """What an embedding was made by. Embeddings of two identities are never compared."""

    engine: str  # "bundled"
    weights_sha256: str  # over all weight files, in order
    alignment: str  # version of the five-point alignment
    dimension: int
    metric: str  # "cosine"

    @property
    def slug(self) -> str:
        """A short stable name, fit for a collection: engine and the start of a hash of everything."""
        from hashlib import sha256

        everything = f"{self.engine}|{self.weights_sha256}|{self.alignment}|{self.dimension}|{self.metric}"
        return f"{self.engine}-{sha256(everything.encode()).hexdigest()[:12]}"


class VectorStore(Protocol):
    """The record of face embeddings: one collection per index of an event, `FaceIndex.collection`.

    Searches read it whole and compare in memory, exactly. Every method raises Unavailable while the
    server is away. A collection that does not exist reads as empty and is made by the first upsert.
    """

    def upsert(self, collection: str, face_ids: Sequence[UUID], embeddings: NDArray[np.float32]) -> None:
        """Write embeddings, (n, dimension), unit length; a known id is overwritten."""
        ...

    def delete(self, collection: str, face_ids: Sequence[UUID]) -> None:
        """Remove vectors; ids that are not there are no error."""
        ...

    def read(
        self, collection: str, face_ids: Sequence[UUID]
    ) -> Iterator[tuple[list[UUID], NDArray[np.float32]]]:
        """Yield, page by page, those of the faces that are there: ids and embeddings, (n, dimension)."""
        ...

    def all(self, collection: str) -> tuple[list[UUID], NDArray[np.float32]]:
        """Return every face id and the embeddings, (n, dimension), unit length, in the same order."""
        ...

    def drop(self, collection: str) -> None:
        """Remove the whole collection; one that is not there is no error."""
        ...

    def check(self) -> None:
        """Return if the store answers. Raises Unavailable."""
        ...


# --- pixels and faces ----------------------------------------------------------------------


class MediaType(StrEnum):
    """What Encore takes, told by content and never by name."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"


@dataclass(frozen=True)
class PhotoFacts:
    """What validation learned of an upload."""

    media_type: MediaType
    width: int  # pixels, upright
    height: int
    taken_at: datetime | None  # naive, as the camera's clock said
    camera: str | None
    has_gps: bool


@dataclass(frozen=True)
class FoundFace:
    """One detection, with its embedding when it is good enough to search."""

    box: tuple[float, float, float, float]  # left, top, right, bottom as fractions of the upright photo
    confidence: float  # 0..1
    size: float  # shorter side of the box in pixels, at detection size
    sharpness: float  # variance of the Laplacian of the aligned chip
    embedding: Embedding | None  # None: too small or too blurred to be searched


class FaceEngine(Protocol):
    """Finds and describes faces. Loaded only in a pixel child, never in the site."""

    identity: EngineIdentity

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """Return every detection, largest first."""
        ...


class PixelSandbox(Protocol):
    """Work on strangers' pixels in child processes with limits on memory and time.

    A file that kills or stalls its child raises InvalidInput; a pool without a free child in time
    raises Unavailable. What the child refuses arrives as the same PlatformError.
    """

    def inspect(self, path: Path) -> PhotoFacts:
        """Return what a picture is, having decoded it once. Raises InvalidInput."""
        ...

    def render(self, path: Path, mark: str) -> dict[str, bytes]:
        """Return a JPEG per rendition name, upright, sRGB, watermarked with `mark`."""
        ...

    def without_gps(self, path: Path, target: Path) -> None:
        """Write a copy of the file without GPS metadata, pixels untouched."""
        ...

    def web_copy(self, path: Path, target: Path) -> None:
        """Write a JPEG small enough for a screen, upright, sRGB, which still says whose the photo is."""
        ...

    def faces(self, path: Path, engine: str) -> list[FoundFace]:
        """Return the faces of a photo file as the engine of that name sees them."""
        ...

    def selfie(self, content: bytes, engine: str) -> list[FoundFace]:
        """Return the faces of a selfie. Raises InvalidInput when it is no picture."""
        ...

    def identity(self, engine: str) -> EngineIdentity:
        """Return the identity of that engine. Raises Unavailable when its weights are not here."""
        ...

    def close(self) -> None:
        """Stop the children."""
        ...


# --- limits, mail, webhooks ----------------------------------------------------------------


@dataclass(frozen=True)
class Bucket:
    """How often something may be done by one key: `size` at once, `size` again in every `period`."""

    name: str
    size: int
    period: timedelta


class Limiter(Protocol):
    """Token buckets, one for each key. Raises Unavailable while its server is away."""

    def take(self, bucket: Bucket, key: str) -> timedelta:
        """Take a token; return zero, or how long to wait when there is none."""
        ...

    def check(self) -> None:
        """Return if the buckets can be reached. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class Mail:
    """A message to one person, in plain text and perhaps in HTML too."""

    to: str
    subject: str
    text: str
    html: str = ""
    id: str = ""  # the same when it is handed over again: servers that see it twice drop the second


class Mailer(Protocol):
    """Sends mail."""

    def send(self, mail: Mail) -> None:
        """Hand a message over. Raises InvalidInput when it is refused for good, else Unavailable."""
        ...

    def kept(self, mail_id: str) -> Mail | None:
        """Return the message of that id where messages stay here, to be read; None where they leave."""
        ...


class HookSender(Protocol):
    """Tells other people's servers what happened."""

    def check(self, url: str) -> None:
        """Raises InvalidInput for an address that nothing is sent to: no HTTPS, or of a private network."""
        ...

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer. Raises InvalidInput as `check` does, Unavailable without one."""
        ...
