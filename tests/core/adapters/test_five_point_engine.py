"""What the engine makes of any detector and recogniser: gates, places, one run for all faces."""

import cv2
import numpy as np
import pytest

from core.adapters.five_point_engine import Detections, FivePointEngine
from core.alignment import ARCFACE_TEMPLATE
from core.ports import EngineIdentity

IDENTITY = EngineIdentity("tried", "0" * 64, "five-points-1", 2, "cosine")
FIVE = np.array(ARCFACE_TEMPLATE.points) / ARCFACE_TEMPLATE.side  # of a box


class Places:
    """Finds faces in the boxes it was told, with a score each."""

    def __init__(self, *faces: tuple[float, float, float, float]) -> None:
        """Each: left, top, side and score."""
        self.faces = np.array(faces, np.float64).reshape(-1, 4)
        self.sizes: list[tuple[int, ...]] = []

    def detect(self, pixels, smallest_face) -> Detections:
        self.sizes.append(pixels.shape[:2])
        corners, sides = self.faces[:, :2], self.faces[:, 2:3]
        points = corners[:, None] + FIVE * sides[:, None]
        return Detections(np.hstack([corners, corners + sides]), self.faces[:, 3], points)


class Tints:
    """Describes a chip by its mean red and green on the left half, less 100."""

    template = ARCFACE_TEMPLATE

    def __init__(self) -> None:
        self.runs: list[int] = []

    def embed(self, chips) -> np.ndarray:
        self.runs.append(len(chips))
        return chips[:, :, :56, :2].mean(axis=(1, 2)).astype(np.float32) - 100


@pytest.fixture
def photo() -> np.ndarray:
    """(600, 900, 3), sharp noise."""
    return np.random.default_rng(1).integers(0, 256, (600, 900, 3)).astype(np.uint8)


def engine_of(
    detector: Places, recogniser: Tints | None = None, min_confidence: float = 0.8
) -> FivePointEngine:
    return FivePointEngine(IDENTITY, detector, recogniser or Tints(), min_confidence)


def test_faces_come_largest_first_with_boxes_as_fractions(photo):
    faces = engine_of(Places((90, 60, 45, 0.9), (450, 300, 90, 0.95))).find(photo)

    assert [face.box for face in faces] == [
        pytest.approx((0.5, 0.5, 0.6, 0.65)),
        pytest.approx((0.1, 0.1, 0.15, 0.175)),
    ]
    assert [(face.size, face.confidence) for face in faces] == [(90, 0.95), (45, 0.9)]
    assert all(np.linalg.norm(face.embedding) == pytest.approx(1) for face in faces)


@pytest.mark.parametrize(
    ("side", "score", "is_searchable"),
    [(26, 0.8, True), (25.9, 0.8, False), (26, 0.79, False), (100, 0.99, True)],
)
def test_a_face_too_small_or_too_doubtful_is_found_but_not_searched(photo, side, score, is_searchable):
    (face,) = engine_of(Places((100, 100, side, score))).find(photo)

    assert (face.embedding is not None) == is_searchable


def test_a_blurred_face_is_found_but_not_searched(photo):
    blurred = cv2.GaussianBlur(photo, (0, 0), 9)

    (face,) = engine_of(Places((100, 100, 90, 0.9))).find(blurred)

    assert face.sharpness < 3
    assert face.embedding is None


def test_all_faces_of_a_photo_and_their_mirror_images_go_through_the_network_at_once(photo):
    recogniser = Tints()
    faces = [(50 * place, 100, 40, 0.9 - 0.02 * place) for place in range(12)]

    engine_of(Places(*faces), recogniser, min_confidence=0.7).find(photo)

    assert recogniser.runs == [22]  # the last of the twelve is below 0.7


def test_a_photo_without_faces_does_not_trouble_the_network(photo):
    recogniser = Tints()

    assert engine_of(Places(), recogniser).find(photo) == []
    assert recogniser.runs == []


def test_a_large_photo_is_shrunk_for_the_detector_and_chips_come_from_all_its_pixels():
    large = np.full((2400, 4096, 3), 200, np.uint8)
    large[::2, ::2] = 0  # fine: gone when shrunk
    detector = Places((500, 500, 120, 0.9))

    (face,) = engine_of(detector).find(large)

    assert detector.sizes == [(1200, 2048)]
    assert face.box == pytest.approx((500 / 2048, 500 / 1200, 620 / 2048, 620 / 1200))
    assert face.size == 120


def test_a_face_cut_by_the_edge_stays_inside_of_the_photo(photo):
    (face,) = engine_of(Places((-20, 560, 80, 0.9))).find(photo)

    assert face.box == pytest.approx((0, 560 / 600, 60 / 900, 1))
    assert face.embedding is not None
