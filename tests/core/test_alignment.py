"""Five points to an upright chip."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alignment import DLIB_TEMPLATE, chip, sharpness, similarity

TARGET = np.array(DLIB_TEMPLATE.points)
LEFT_EYE, RIGHT_EYE = 0, 1


def moved(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """Return the template's points as a turned, scaled and shifted face would show them."""
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return TARGET @ (scale * rotation).T + shift


def dotted(points: np.ndarray, side: int) -> np.ndarray:
    """Return a black picture with a white dot on each point."""
    picture = np.zeros((side, side, 3), np.uint8)
    for x, y in points:
        cv2.circle(picture, (round(x), round(y)), max(2, side // 200), (255, 255, 255), -1)
    return picture


@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.05, 20),
    shift=st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)),
)
def test_any_turned_scaled_and_shifted_face_lands_on_the_template(degrees, scale, shift):
    points = moved(degrees, scale, shift)

    matrix = similarity(points, TARGET)

    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], TARGET, atol=1e-6)


@given(noise=st.lists(st.floats(-8, 8), min_size=10, max_size=10))
def test_a_similarity_never_mirrors_nor_shears(noise):
    points = TARGET + np.reshape(noise, (5, 2))

    matrix = similarity(points, TARGET)

    turn = matrix[:, :2]
    np.testing.assert_allclose(turn @ turn.T, np.linalg.det(turn) * np.eye(2), atol=1e-9)
    assert np.linalg.det(turn) > 0


def test_no_other_similarity_fits_better():
    points = TARGET + np.array([[3, -2], [0, 4], [-5, 1], [2, 2], [-1, -3]])

    best = similarity(points, TARGET)

    def error(matrix: np.ndarray) -> float:
        return float(((points @ matrix[:, :2].T + matrix[:, 2] - TARGET) ** 2).sum())

    turned = best + np.array([[0, -0.01, 0], [0.01, 0, 0]])
    larger = best + np.array([[0.01, 0, 0], [0, 0.01, 0]])
    shifted = best + np.array([[0, 0, 0.5], [0, 0, 0]])
    assert error(best) < min(error(turned), error(larger), error(shifted))


def test_points_that_coincide_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.full((5, 2), 7.0), TARGET)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (35, 2), (-80, 0.8), (170, 3), (10, 5)])
def test_a_chip_shows_the_points_where_the_network_wants_them(degrees, scale):
    picture_points = moved(degrees, scale, (500, 450))
    picture = dotted(picture_points, 1200)

    shown = chip(picture, picture_points)

    assert shown.shape == (150, 150, 3)
    for x, y in DLIB_TEMPLATE.points:
        assert shown[round(y), round(x)].min() > 60
    assert shown[10, 75].max() == 0


def test_shrinking_a_fine_pattern_gives_an_even_grey():
    checks = (np.indices((1600, 1600)).sum(axis=0) % 2 * 255).astype(np.uint8)

    shown = chip(np.dstack([checks] * 3), moved(7, 8, (100, 100)))

    assert shown.std() < 3
    assert abs(float(shown.mean()) - 127.5) < 3


def test_a_face_half_outside_of_the_picture_still_makes_a_chip():
    picture = np.full((100, 100, 3), 90, np.uint8)

    shown = chip(picture, moved(0, 1, (-90, 60)))

    assert shown.shape == (150, 150, 3)
    assert (shown == 90).all()


def test_a_blurred_chip_is_less_sharp():
    noise = np.random.default_rng(1).integers(0, 256, (150, 150, 3), np.uint8)

    figures = [sharpness(cv2.GaussianBlur(noise, (0, 0), sigma)) for sigma in (1, 2, 4)]

    assert figures == sorted(figures, reverse=True)
    assert sharpness(noise) > 10 * figures[0]


def test_an_even_chip_has_no_sharpness():
    assert sharpness(np.full((150, 150, 3), 128, np.uint8)) == 0
