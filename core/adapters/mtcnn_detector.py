"""MTCNN: finds faces with five points in three passes, each looking closer at what the last proposed.

The arithmetic follows the `mtcnn` package 1.0.0, but for its pyramid: that one has more levels than it needs,
counts them without regard to the smallest face asked for, and fails silently from 24 pixels up.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.five_point_engine import Detections
from core.adapters.mtcnn_weights import build_landmarker, build_proposer, build_refiner
from core.adapters.onnx_graph import Network
from core.ports import Pixels

CELL = 12  # pixels that P-Net looks at
STRIDE = 2
SEEN = 9.5  # pixels of the smallest face that P-Net tells in its cell: with 12, nothing more is found
PYRAMID_STEP = 0.6  # the package's 0.709 finds no more faces on the evaluation sets, and takes 30 % longer
PROPOSE, REFINE, ACCEPT = 0.6, 0.7, 0.8  # scores to pass each network, the package's own

Floats = NDArray[np.float64]


class MtcnnDetector:
    """The three networks in a row."""

    def __init__(self, weights: Sequence[bytes], threads: int = 1) -> None:
        """Take the contents of pnet, rnet and onet."""
        proposer, refiner, landmarker = weights
        self._proposer = Network(build_proposer(proposer), threads)
        self._refiner = Network(build_refiner(refiner), threads)
        self._landmarker = Network(build_landmarker(landmarker), threads)

    def detect(self, pixels: Pixels, smallest_face: int) -> Detections:
        """Return every face of at least about `smallest_face` pixels, best first."""
        scales = pyramid(pixels.shape, smallest_face)
        levels = shrunken(pixels, scales)
        boxes = self._refine(levels, self._propose(levels, scales))
        return self._look_again(levels, self._landmark(levels, boxes))

    def _propose(self, levels: Sequence[Pixels], scales: Sequence[float]) -> Floats:
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        for level, scale in zip(levels[1:], scales, strict=True):
            found = self._propose_at(level)
            boxes.append(found[0] / scale)
            scores.append(found[1])
        every = np.concatenate(boxes)
        return squares(every[distinct(every, np.concatenate(scores), 0.7)])

    def _propose_at(self, level: Pixels) -> tuple[Floats, Floats]:
        offsets, scores = self._proposer.run(level[None])
        rows, columns = np.nonzero(scores[0, 0] > PROPOSE)
        corners = np.stack([columns, rows, columns, rows], axis=1) * STRIDE + [1, 1, CELL, CELL]
        boxes = corners + offsets[0][:, rows, columns].T * (CELL - 1)
        found = scores[0, 0, rows, columns].astype(np.float64)
        kept = distinct(boxes, found, 0.5)
        return boxes[kept], found[kept]

    def _refine(self, levels: Sequence[Pixels], boxes: Floats) -> Floats:
        if not len(boxes):
            return boxes
        offsets, scores = self._refiner.run(patches(levels, boxes, 24))
        passed = scores[:, 1] > REFINE
        boxes, found = moved(boxes, offsets)[passed], scores[passed, 1]
        return squares(boxes[distinct(boxes, found, 0.7)])

    def _landmark(self, levels: Sequence[Pixels], boxes: Floats) -> Detections:
        found = self._describe(levels, boxes)
        passed = found.scores > ACCEPT
        kept = np.flatnonzero(passed)[
            distinct(found.boxes[passed], found.scores[passed], 0.7, of_smaller=True)
        ]
        return Detections(found.boxes[kept], found.scores[kept], found.points[kept])

    def _look_again(self, levels: Sequence[Pixels], first: Detections) -> Detections:
        """Describe each face from its own box: O-Net's score and points vary with the proposal it was shown.

        On the evaluation sets this finds the selfies that one look loses at a confidence of 0.9.
        """
        second = self._describe(levels, squares(first.boxes))
        return second._replace(scores=np.maximum(first.scores, second.scores))

    def _describe(self, levels: Sequence[Pixels], boxes: Floats) -> Detections:
        """Return what O-Net says of each square box, in the same order."""
        if not len(boxes):
            return Detections(boxes, np.empty(0), np.empty((0, 5, 2)))
        offsets, flat, scores = self._landmarker.run(patches(levels, boxes, 48))
        places = np.stack([flat[:, :5], flat[:, 5:]], axis=2)
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        points = places * sides[:, None] + boxes[:, None, :2] - 1
        return Detections(moved(boxes, offsets), scores[:, 1].astype(np.float64), points)


def pyramid(shape: Sequence[int], smallest_face: int) -> list[float]:
    """Return the scales at which P-Net sees faces from `smallest_face` up to the whole picture."""
    scales = []
    scale = SEEN / smallest_face
    while min(shape[0], shape[1]) * scale >= CELL:
        scales.append(scale)
        scale *= PYRAMID_STEP
    return scales


def shrunken(pixels: Pixels, scales: Sequence[float]) -> list[Pixels]:
    """Return the picture and, for each scale, the picture at that scale.

    Each is made from the one before, at most halved at a time: that skips no pixel, and takes a tenth of the
    time of averaging areas.
    """
    levels = [pixels]
    for scale in scales:
        width, height = int(pixels.shape[1] * scale), int(pixels.shape[0] * scale)
        level = levels[-1]
        while level.shape[1] > 2 * width:
            level = _resized(level, level.shape[1] // 2, level.shape[0] // 2)
        levels.append(_resized(level, width, height))
    return levels


def _resized(pixels: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def distinct(
    boxes: Floats, scores: NDArray[np.floating], limit: float, of_smaller: bool = False
) -> NDArray[np.intp]:
    """Return the indices of the boxes to keep, best first: none overlaps a better one by more than `limit`.

    Overlap is the intersection over the union, or over the smaller box.
    """
    order = np.argsort(-scores, kind="stable")
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[_overlap(boxes, areas, best, order, of_smaller) <= limit]
    return np.array(kept, np.intp)


def _overlap(
    boxes: Floats, areas: Floats, one: np.intp, others: NDArray[np.intp], of_smaller: bool
) -> Floats:
    low = np.maximum(boxes[others, :2], boxes[one, :2])
    high = np.minimum(boxes[others, 2:], boxes[one, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    if of_smaller:
        return shared / np.minimum(areas[others], areas[one])
    return shared / (areas[others] + areas[one] - shared)


def squares(boxes: Floats) -> Floats:
    """Return boxes widened to squares around their centres."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([centres - halves, centres + halves])


def moved(boxes: Floats, offsets: NDArray[np.float32]) -> Floats:
    """Return boxes corrected by offsets given as fractions of their sides."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.hstack([sides, sides])


def patches(levels: Sequence[Pixels], boxes: Floats, side: int) -> NDArray[np.uint8]:
    """Return what lies in each square box of the first level, (n, side, side, 3); outside of it is grey.

    Each is taken from the smallest level that still has all its pixels, so that shrinking skips none.
    """
    scales = [level.shape[1] / levels[0].shape[1] for level in levels]
    result = np.empty((len(boxes), side, side, 3), np.uint8)
    for patch, (left, top, right, _) in zip(result, boxes, strict=True):
        enough = [index for index, scale in enumerate(scales) if (right - left) * scale >= side]
        index = enough[-1] if enough else 0
        scale = scales[index]
        step = (right - left) * scale / (side - 1)
        inverse = np.array([[step, 0, (left + 0.5) * scale - 0.5], [0, step, (top + 0.5) * scale - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(
            levels[index], inverse, (side, side), patch, flags, cv2.BORDER_CONSTANT, (128, 128, 128)
        )
    return result
