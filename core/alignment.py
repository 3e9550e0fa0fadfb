"""Five points of a face to an upright chip of fixed size, and how sharp that chip is. Pure geometry."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.ports import Pixels

# Embeddings from chips of two versions are never compared: change `engines.ALIGNMENT_VERSION` with this file.

Points = NDArray[np.float64]  # (5, 2) pixels: left eye, right eye, nose, left and right of the mouth, as seen


@dataclass(frozen=True)
class Template:
    """Where a network wants to see the five points."""

    side: int  # pixels of the square chip
    points: tuple[tuple[float, float], ...]


# Where dlib's own 150 pixel chips, padding 0.25, show MTCNN's points on average; measured, not published.
DLIB_TEMPLATE = Template(150, ((46.5, 45.0), (101.5, 44.9), (74.0, 77.4), (49.6, 101.5), (99.1, 100.6)))
# What ArcFace (Deng et al. 2019), SFace and MobileFaceNet were trained on, as OpenCV publishes it.
ARCFACE_TEMPLATE = Template(
    112,
    ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)),
)


def similarity(source: Points, target: Points) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that turns, scales and shifts `source` closest to `target` (least squares).

    Raises ValueError when all points of `source` coincide.
    """
    start, end = _as_complex(source), _as_complex(target)
    spread = start - start.mean()
    energy = np.vdot(spread, spread).real
    if not energy > 0:
        raise ValueError("the points of a face coincide")
    turn = np.vdot(spread, end - end.mean()) / energy
    shift = end.mean() - turn * start.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def chip(pixels: Pixels, points: Points, template: Template = DLIB_TEMPLATE) -> Pixels:
    """Return the face upright, (side, side, 3); what lies outside of the picture repeats its edge.

    Raises ValueError when the points coincide.
    """
    matrix = similarity(points, np.array(template.points))
    left, top, right, bottom = _window(pixels, matrix, template.side)
    part = pixels[top:bottom, left:right]
    matrix[:, 2] += matrix[:, :2] @ [left, top]
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 1:
        # sampling alone would skip pixels and turn fine patterns into false ones
        part = cv2.GaussianBlur(part, (0, 0), 0.5 / scale)
    size = (template.side, template.side)
    warped = cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def sharpness(face_chip: Pixels) -> float:
    """Return the variance of the Laplacian of a chip in grey: below 5 for a blur, about 100 when sharp."""
    grey = cv2.cvtColor(face_chip, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _as_complex(points: Points) -> NDArray[np.complex128]:
    # a similarity of the plane is one complex product and one sum
    return points[:, 0] + 1j * points[:, 1]


def _window(pixels: Pixels, matrix: NDArray[np.float64], side: int) -> tuple[int, int, int, int]:
    """Return the part of the picture that the chip can see, so that only that much is blurred."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) @ inverse[:, :2].T + inverse[:, 2]
    margin = 0.1 * np.ptp(corners, axis=0) + 2
    limits = np.array([pixels.shape[1], pixels.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, limits).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
