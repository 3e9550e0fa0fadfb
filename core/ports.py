"""All that Encore needs from outside, on one page, with shapes where numbers enter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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


# --- payments ------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckoutLine:
    """One priced line as the buyer sees it at the gateway."""

    label: str
    amount: int  # minor units, of all pieces
    quantity: int


@dataclass(frozen=True)
class CheckoutRequest:
    """What the gateway needs to take the money of one order."""

    order_id: UUID  # also the idempotency key
    lines: Sequence[CheckoutLine]
    amount: int  # minor units, the sum of the lines
    currency: str  # "THB"
    email: str
    return_url: str  # the order page
    cancel_url: str  # the cart
    expires_at: datetime


@dataclass(frozen=True)
class Checkout:
    """A checkout opened at the gateway."""

    id: str
    url: str


class PaymentState(StrEnum):
    """Where a checkout stands at the gateway."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class PaymentEvent:
    """One verified message from the gateway, or our own look at it."""

    id: str  # the gateway's event id; a repeat has the same
    order_id: UUID
    checkout_id: str
    state: PaymentState
    amount: int  # minor units
    currency: str


class PaymentGateway(Protocol):
    """Takes money for an order. Every method raises Unavailable while the gateway is away."""

    name: str

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a checkout; the same order id returns the same checkout."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent | None:
        """Verify raw bytes and return the event, None for one we do not handle. Raises Forbidden."""
        ...

    def look_up(self, checkout_id: str) -> PaymentEvent:
        """Return where a checkout stands now. Raises NotFound."""
        ...

    def refund(self, checkout_id: str, amount: int, idempotency_key: str) -> str:
        """Give `amount` minor units back and return the refund's id. Raises Conflict on too much."""
        ...


class PlayableGateway(PaymentGateway, Protocol):
    """A gateway of ours where the visitor plays the bank: no money moves."""

    def request(self, checkout_id: str) -> CheckoutRequest:
        """Return what was asked to be paid. Raises NotFound."""
        ...

    def decide(self, checkout_id: str, state: PaymentState) -> tuple[bytes, dict[str, str]]:
        """Pay or refuse, and return the signed message (body, headers) for `read_event`."""
        ...
