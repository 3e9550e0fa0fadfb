"""A pixel sandbox without children: real imaging, and faces that are written into the picture's EXIF."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from core import geotags, imaging
from core.ports import Embedding, EngineIdentity, FoundFace, PhotoFacts

DIMENSION = 16
DESCRIPTION = 0x010E  # EXIF ImageDescription: "anna,ben" are two people, "anna:small" is a tiny face


class FakePixels:
    """Keeps the promises of `PixelSandbox` in this process."""

    def __init__(self, weights_sha256: str = "0" * 64) -> None:
        self.weights_sha256 = weights_sha256

    def inspect(self, path: Path) -> PhotoFacts:
        """Really inspect the file."""
        return imaging.inspect(path)

    def render(self, path: Path, mark: str) -> dict[str, bytes]:
        """Really render it."""
        return imaging.render(imaging.load_upright(path, 1600), mark)

    def without_gps(self, path: Path, target: Path) -> None:
        """Really strip it."""
        geotags.without_gps(path, target)

    def faces(self, path: Path, engine: str) -> list[FoundFace]:
        """Return the people named in the picture's description."""
        with Image.open(path) as picture:
            names = str(picture.getexif().get(DESCRIPTION, ""))
        return [found(name) for name in names.split(",") if name]

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
        return EngineIdentity(engine, self.weights_sha256, "none", DIMENSION, "cosine")

    def close(self) -> None:
        """Nothing to stop."""


def found(name: str) -> FoundFace:
    """Return the face of a person; `name:small` and `name:blurred` fail their gate."""
    who, _, flaw = name.partition(":")
    return FoundFace(
        box=(0.4, 0.3, 0.6, 0.7),
        confidence=0.99,
        size=20.0 if flaw == "small" else 120.0,
        sharpness=1.0 if flaw == "blurred" else 90.0,
        embedding=None if flaw else embedding(who),
    )


def embedding(name: str) -> Embedding:
    """Return a person's direction, (DIMENSION,), unit length: the same name, the same vector."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
