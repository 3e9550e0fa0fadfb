"""The bundled face engine: MTCNN finds, five points align, dlib's ResNet describes; all under onnxruntime.

The weights come inside two installed packages that are located and never imported: one would start
TensorFlow, the other needs pkg_resources. Nothing is downloaded and nothing written.
"""

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core import engines
from core.adapters.dlib_weights import build_recogniser
from core.adapters.mtcnn_detector import MtcnnDetector
from core.adapters.onnx_graph import Network
from core.alignment import chip, sharpness
from core.errors import Unavailable
from core.ports import Embedding, FoundFace, Pixels

# Below any of these a face is found but not searchable: half of the embeddings at 20 pixels are lost.
MIN_SIZE = 30.0  # pixels of the shorter side of the box, at detection size
MIN_CONFIDENCE = 0.9
MIN_SHARPNESS = 5.0


class WeightsMissing(Unavailable):
    """A weight file is not installed, or is not the one that was measured."""


class OnnxFaceEngine:
    """Implements FaceEngine. Takes about half a second to load and keeps to `threads` cores."""

    def __init__(self, threads: int = 1, longest_side: int = 2048, smallest_face: int = 28) -> None:
        """Load and check the weights. `longest_side`: pixels at which faces are looked for.

        Raises WeightsMissing.
        """
        cv2.setNumThreads(threads)  # OpenCV's own pool; the engine has its process to itself
        self.identity = engines.identity(engines.BUNDLED)
        *detector, recogniser = (read_weights(weight) for weight in engines.BUNDLED.weights)
        self._detector = MtcnnDetector(detector, threads)
        self._recogniser = Network(build_recogniser(recogniser), threads)
        self._longest_side = longest_side
        self._smallest_face = smallest_face

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """Return every detection, largest first; a face that fails a gate carries no embedding.

        `pixels`: (height, width, 3), RGB, uint8, upright, of any size.
        """
        pixels = np.ascontiguousarray(pixels)
        small = shrunk(pixels, self._longest_side)
        width_height = np.array([small.shape[1], small.shape[0]], np.float64)
        boxes, scores, points = self._detector.detect(small, self._smallest_face)
        # chips are cut from the full picture, which knows more than the detector saw
        ratio = np.array([pixels.shape[1], pixels.shape[0]]) / width_height
        chips = [chip(pixels, (five + 0.5) * ratio - 0.5) for five in points]
        sharp = [sharpness(one) for one in chips]
        sizes = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
        passed = (sizes >= MIN_SIZE) & (scores >= MIN_CONFIDENCE) & (np.array(sharp) >= MIN_SHARPNESS)
        embeddings = self._embed(chips, passed)
        fractions = np.clip(boxes / np.tile(width_height, 2), 0, 1)
        faces = [
            FoundFace((b[0], b[1], b[2], b[3]), score, size, sharpness_, embedding)
            for b, score, size, sharpness_, embedding in zip(
                fractions.tolist(), scores.tolist(), sizes.tolist(), sharp, embeddings, strict=True
            )
        ]
        return sorted(faces, key=lambda face: -face.size)

    def _embed(self, chips: list[Pixels], passed: NDArray[np.bool_]) -> list[Embedding | None]:
        """Return an embedding for each chip that passed, None for the others.

        The sum over a chip and its mirror image, of unit length: at one false search in twenty it misses
        18 % of the evaluation album's photos instead of 22 %, for another 5 ms per face.
        """
        result: list[Embedding | None] = [None] * len(chips)
        chosen = np.flatnonzero(passed)
        if len(chosen):
            upright = np.stack([chips[index] for index in chosen])
            (raw,) = self._recogniser.run(np.concatenate([upright, upright[:, :, ::-1]]))
            sums = raw[: len(chosen)] + raw[len(chosen) :]
            for index, values in zip(chosen, sums, strict=True):
                result[index] = values / np.linalg.norm(values)
        return result


def shrunk(pixels: Pixels, longest_side: int) -> Pixels:
    """Return the picture with its longest side at most that long."""
    scale = longest_side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def read_weights(weight: engines.WeightFile) -> bytes:
    """Return a pinned file of an installed package, without importing it. Raises WeightsMissing."""
    package = find_spec(weight.package)
    if package is None or not package.submodule_search_locations:
        raise WeightsMissing("The package {package} is not installed.", package=weight.package)
    path = Path(package.submodule_search_locations[0]) / weight.path
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content).hexdigest() != weight.sha256:
        raise WeightsMissing("{path} is missing or is not the file that was measured.", path=weight.path)
    return content
