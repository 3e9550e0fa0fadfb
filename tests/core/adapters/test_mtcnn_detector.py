"""The steps between MTCNN's networks."""

import numpy as np
import pytest

from core.adapters.mtcnn_detector import distinct, patches, pyramid, shrunken, squares


@pytest.mark.parametrize("smallest_face", [12, 20, 24, 30, 60])
@pytest.mark.parametrize("shape", [(1365, 2048, 3), (400, 400, 3), (2048, 300, 3)])
def test_the_pyramid_reaches_from_the_smallest_face_to_the_whole_picture(shape, smallest_face):
    scales = pyramid(shape, smallest_face)

    assert scales[0] == 9.5 / smallest_face
    assert 12 <= min(shape[:2]) * scales[-1] < 12 / 0.6
    np.testing.assert_allclose(np.divide(scales[1:], scales[:-1]), 0.6)


def test_a_picture_smaller_than_the_smallest_face_has_no_pyramid():
    assert pyramid((20, 2000, 3), 24) == []


def test_a_level_skips_no_pixel():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[::2] = 200

    levels = shrunken(stripes, [0.25, 0.15])

    assert [level.shape[:2] for level in levels] == [(512, 512), (128, 128), (76, 76)]
    assert all((level == 100).all() for level in levels[1:])


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])

    assert distinct(boxes, np.array([0.7, 0.9, 0.8]), 0.5).tolist() == [1, 2]


def test_a_box_within_a_larger_one_overlaps_only_by_the_smaller():
    boxes = np.array([[0.0, 0, 100, 100], [40, 40, 60, 60]])
    scores = np.array([0.9, 0.8])

    assert distinct(boxes, scores, 0.7).tolist() == [0, 1]
    assert distinct(boxes, scores, 0.7, of_smaller=True).tolist() == [0]


def test_no_boxes_stay_no_boxes():
    assert distinct(np.empty((0, 4)), np.empty(0), 0.5).tolist() == []


def test_a_box_becomes_a_square_around_the_same_centre():
    assert squares(np.array([[10.0, 0, 20, 40]])).tolist() == [[-5, 0, 35, 40]]


@pytest.mark.parametrize("size", [30, 100, 400])
def test_a_patch_shows_its_box_whatever_level_it_is_taken_from(size):
    picture = np.zeros((600, 600, 3), np.uint8)
    picture[100 : 100 + size // 2, 150 : 150 + size] = 200
    levels = shrunken(picture, pyramid(picture.shape, 24))

    (patch,) = patches(levels, np.array([[150.0, 100, 150 + size, 100 + size]]), 24)

    assert patch[2:10, 2:-2].min() > 190
    assert patch[14:, :].max() < 10


def test_outside_of_the_picture_a_patch_is_grey():
    picture = np.full((100, 100, 3), 255, np.uint8)

    (patch,) = patches([picture], np.array([[-50.0, -50, 50, 50]]), 24)

    assert (patch[:11, :11] == 128).all()
    assert (patch[13:, 13:] == 255).all()
