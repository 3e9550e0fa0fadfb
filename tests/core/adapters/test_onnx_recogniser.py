"""Published recognisers, fitted to take our chips: as their publishers run them, for any number of faces."""

import cv2
import numpy as np
import onnx
import pytest

from core.adapters.onnx_recogniser import IMAGENET_DEVIATION, IMAGENET_MEAN, OnnxRecogniser, fitted
from core.alignment import ARCFACE_TEMPLATE, similarity
from tests.core.adapters.tiny_networks import DIMENSION, one_image_network

SFACE = one_image_network(("data", "fc1"))


@pytest.fixture
def chips() -> np.ndarray:
    """Seven chips, (7, 112, 112, 3), RGB, each of another tint."""
    return np.random.default_rng(3).integers(0, 256, (7, 112, 112, 3)).astype(np.uint8)


def test_sface_sees_the_colours_that_opencvs_own_class_shows_it(tmp_path, chips):
    path = tmp_path / "sface.onnx"
    path.write_bytes(SFACE)
    opencv = cv2.FaceRecognizerSF.create(str(path), "")
    expected = [opencv.feature(cv2.cvtColor(chip, cv2.COLOR_RGB2BGR))[0] for chip in chips]

    embeddings = OnnxRecogniser(fitted(SFACE), ARCFACE_TEMPLATE).embed(chips)

    np.testing.assert_allclose(embeddings, expected, rtol=1e-4)


def test_sface_gets_chips_cut_as_opencvs_own_class_cuts_them(tmp_path):
    path = tmp_path / "sface.onnx"
    path.write_bytes(SFACE)
    opencv = cv2.FaceRecognizerSF.create(str(path), "")
    points = np.array([[200, 210], [262, 190], [240, 230], [225, 275], [270, 262]], np.float64)
    photo = np.zeros((480, 480, 3), np.uint8)
    for point, shade in zip(points, (50, 90, 130, 170, 210), strict=True):
        cv2.circle(photo, np.int32(point), 12, (shade, shade, shade), -1)
    row = np.float32([[180, 160, 110, 150, *points.ravel(), 0.9]])

    matrix = similarity(points, np.array(ARCFACE_TEMPLATE.points))

    chip = cv2.warpAffine(photo, matrix, (112, 112), flags=cv2.INTER_LINEAR)
    np.testing.assert_allclose(chip.astype(int), opencv.alignCrop(photo, row).astype(int), atol=2)


def test_many_chips_at_once_give_what_each_gives_alone(chips):
    recogniser = OnnxRecogniser(fitted(SFACE), ARCFACE_TEMPLATE)

    together = recogniser.embed(chips)

    alone = np.concatenate([recogniser.embed(chips[place : place + 1]) for place in range(len(chips))])
    assert together.shape == (7, DIMENSION)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_colours_are_centred_and_scaled_by_channel(chips):
    plain = OnnxRecogniser(fitted(SFACE), ARCFACE_TEMPLATE)
    centred = OnnxRecogniser(fitted(SFACE, mean=(0, 0, 0), deviation=(2, 2, 2)), ARCFACE_TEMPLATE)
    dark = np.tile(np.array(IMAGENET_MEAN).round().astype(np.uint8), (1, 112, 112, 1))
    imagenet = OnnxRecogniser(fitted(SFACE, IMAGENET_MEAN, IMAGENET_DEVIATION), ARCFACE_TEMPLATE)

    np.testing.assert_allclose(centred.embed(chips), plain.embed(chips) / 2, rtol=1e-5)
    assert np.abs(imagenet.embed(dark)).max() < 0.1  # what is of the mean colour is nearly nothing
    assert np.abs(plain.embed(dark)).max() > 1


def test_the_files_of_old_exporters_that_list_weights_among_the_inputs_are_taken(chips):
    model = one_image_network(("input0", "output0"), weights_are_inputs=True)

    embeddings = OnnxRecogniser(fitted(model), ARCFACE_TEMPLATE).embed(chips)

    expected = OnnxRecogniser(fitted(SFACE), ARCFACE_TEMPLATE).embed(chips)
    np.testing.assert_allclose(embeddings, expected, rtol=1e-5)


def test_a_fitted_model_is_a_valid_one():
    proto = onnx.load_from_string(fitted(SFACE))

    onnx.checker.check_model(proto, full_check=True)
