"""A pixel sandbox without children: real imaging, and faces that are written into the picture's EXIF."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from core import geotags, imaging, web_copies
from core.errors import Unavailable
from core.ports import Embedding, EngineIdentity, FoundFace, PhotoFacts

DIMENSION = 16
DESCRIPTION = 0x010E  # EXIF ImageDescription: "anna,ben" are two people, "anna:small" is a tiny face
USUAL = "bundled"  # engines of other names see other vectors, and tiny faces too


class FakePixels:
    """Keeps the promises of `PixelSandbox` in this process; engines in `missing` have no weights."""

    def __init__(self, weights_sha256: str = "0" * 64) -> None:
        self.weights_sha256 = weights_sha256
        self.missing: set[str] = set()

    def inspect(self, path: Path) -> PhotoFacts:
        """Really inspect the file."""
        return imaging.inspect(path)

    def render(self, path: Path, mark: str) -> dict[str, bytes]:
        """Really render it."""
        return imaging.render(imaging.load_upright(path, 1600), mark)

    def without_gps(self, path: Path, target: Path) -> None:
        """Really strip it."""
        geotags.without_gps(path, target)

    def web_copy(self, path: Path, target: Path) -> None:
        """Really make it."""
        web_copies.make(path, target)

    def faces(self, path: Path, engine: str) -> list[FoundFace]:
        """Return the people named in the picture's description."""
        self.identity(engine)
        with Image.open(path) as picture:
            names = str(picture.getexif().get(DESCRIPTION, ""))
        return [found(name, engine) for name in names.split(",") if name]

    def selfie(self, content: bytes, engine: str) -> list[FoundFace]:
        """Inspect the selfie, then return who is in it."""
        import tempfile

        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            imaging.inspect(Path(file.name))
            return self.faces(Path(file.name), engine)

    def identity(self, engine: str) -> EngineIdentity:
        """Return an identity of its own."""
        if engine in self.missing:
            raise Unavailable("The face engine {name} has no weights here.", name=engine)
        return EngineIdentity(engine, self.weights_sha256, "none", dimension_of(engine), "cosine")

    def close(self) -> None:
        """Nothing to stop."""


def found(name: str, engine: str = USUAL) -> FoundFace:
    """Return the face of a person; `name:small` and `name:blurred` fail their gate."""
    who, _, flaw = name.partition(":")
    is_searchable = not flaw or (flaw == "small" and engine != USUAL)
    return FoundFace(
        box=(0.4, 0.3, 0.6, 0.7),
        confidence=0.99,
        size=20.0 if flaw == "small" else 120.0,
        sharpness=1.0 if flaw == "blurred" else 90.0,
        embedding=embedding(who, engine) if is_searchable else None,
    )


def dimension_of(engine: str) -> int:
    """Return the length of an engine's vectors: those of two engines do not fit together."""
    return DIMENSION if engine == USUAL else DIMENSION + len(engine)


def embedding(name: str, engine: str = USUAL) -> Embedding:
    """Return a person's direction, unit length: the same name, the same vector."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=dimension_of(engine))
    return (vector / np.linalg.norm(vector)).astype(np.float32)
