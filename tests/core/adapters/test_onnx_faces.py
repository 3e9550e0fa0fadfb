"""The bundled face engine on the demo pictures."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core import engines
from core.adapters.dlib_weights import build_recogniser
from core.adapters.mtcnn_weights import build_landmarker, build_proposer, build_refiner
from core.adapters.onnx_faces import OnnxFaceEngine, WeightsMissing, read_weights
from core.adapters.onnx_graph import Network
from core.ports import FoundFace

DEMO = Path("data/demo")
TRUTH = json.loads((DEMO / "truth.json").read_text())
GUESTS_IN = Counter(photo for guest in TRUTH["people"].values() for photo in guest["photos"])
GROUP = "photos/P1020334.jpg"
PNET, RNET, ONET, DLIB = engines.BUNDLED.weights


@pytest.fixture(scope="module")
def engine() -> OnnxFaceEngine:
    return OnnxFaceEngine()


def picture(name: str) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(DEMO / name)), cv2.COLOR_BGR2RGB)


def pattern(side: int) -> np.ndarray:
    """Return one patch, (1, side, side, 3), that any program can compute."""
    rows, columns = np.mgrid[:side, :side]
    divisor = 90 if side == 150 else 9
    planes = [(rows * columns // divisor + 40 * plane) % 256 for plane in range(3)]
    return np.stack(planes, axis=2).astype(np.uint8)[None]


def geometry(faces: list[FoundFace]) -> list[tuple]:
    return [(face.box, face.confidence, face.size, face.sharpness) for face in faces]


def test_the_recogniser_gives_the_numbers_of_dlib_itself():
    (embedding,) = Network(build_recogniser(read_weights(DLIB)), threads=1).run(pattern(150))

    # dlib 20.0.1, face_recognition_model_v1.compute_face_descriptor
    dlibs = [-0.029614, 0.128885, 0.030629, -0.007303, -0.03217, -0.071019, -0.045037, -0.038743]
    assert embedding.shape == (1, 128)
    np.testing.assert_allclose(embedding[0, :8], dlibs, atol=2e-6)


# mtcnn 1.0.0 under TensorFlow 2.21, its networks called with (pattern - 127.5) / 128
@pytest.mark.parametrize(
    ("build", "weight", "side", "offsets", "not_a_face"),
    [
        (build_proposer, PNET, 12, [0.003082, -0.109398, -0.017403, 0.078823], 0.998236),
        (build_refiner, RNET, 24, [-0.01616, -0.127227, 0.076209, 0.218528], 0.995365),
        (build_landmarker, ONET, 48, [0.013441, -0.021086, 0.032651, 0.170832], 0.998746),
    ],
)
def test_the_detector_gives_the_numbers_of_mtcnn_itself(build, weight, side, offsets, not_a_face):
    outputs = Network(build(read_weights(weight)), threads=1).run(pattern(side))

    np.testing.assert_allclose(outputs[0].ravel(), offsets, atol=2e-6)
    np.testing.assert_allclose(outputs[-1].ravel(), [not_a_face, 1 - not_a_face], atol=2e-6)


@pytest.mark.parametrize("name", [GROUP, "photos/IMG_2080.jpg", "selfies/guest_12.jpg"])
def test_every_guest_in_a_photo_is_found_and_can_be_searched(engine, name):
    faces = engine.find(picture(name))

    assert len(faces) == (GUESTS_IN[name] or 1)
    assert all(face.embedding is not None for face in faces)


def test_faces_come_largest_first_with_boxes_in_fractions_and_embeddings_of_unit_length(engine):
    faces = engine.find(picture(GROUP))

    assert [face.size for face in faces] == sorted((face.size for face in faces), reverse=True)
    for face in faces:
        left, top, right, bottom = face.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert face.embedding.shape == (128,)
        assert face.embedding.dtype == np.float32
        assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", TRUTH["no_face"])
def test_a_photo_without_people_has_no_faces(engine, name):
    assert engine.find(picture(name)) == []


@pytest.mark.parametrize("name", TRUTH["blurred"])
def test_nobody_is_searchable_in_a_photo_blurred_beyond_recognition(engine, name):
    assert [face for face in engine.find(picture(name)) if face.embedding is not None] == []


def test_the_same_pixels_give_the_same_numbers(engine):
    first, second = engine.find(picture(GROUP)), engine.find(picture(GROUP))

    assert geometry(first) == geometry(second)
    assert all(np.array_equal(a.embedding, b.embedding) for a, b in zip(first, second, strict=True))


def test_a_face_and_its_mirror_image_are_the_same_person(engine):
    (face,) = engine.find(picture("selfies/guest_01.jpg"))

    (mirrored,) = engine.find(picture("selfies/guest_01.jpg")[:, ::-1])

    left, top, right, bottom = face.box
    assert mirrored.box == pytest.approx((1 - right, top, 1 - left, bottom), abs=0.03)
    assert float(face.embedding @ mirrored.embedding) > 0.98


def test_a_photo_larger_than_the_detection_size_gives_the_same_boxes_and_people(engine):
    photo = picture(GROUP)
    large = cv2.resize(photo, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)

    faces, same = engine.find(photo), engine.find(large)

    assert len(same) == len(faces)
    for face in faces:
        again = max(same, key=lambda other: float(other.embedding @ face.embedding))
        assert again.box == pytest.approx(face.box, abs=0.02)
        assert float(again.embedding @ face.embedding) > 0.98


def test_a_face_too_small_to_be_known_is_found_without_an_embedding(engine):
    small = cv2.resize(picture(GROUP), None, fx=0.27, fy=0.27, interpolation=cv2.INTER_AREA)

    faces = engine.find(small)

    assert {face.embedding is None for face in faces if face.size < 30} == {True}
    assert {face.embedding is None for face in faces if face.size >= 30} == {False}


@pytest.mark.parametrize("shape", [(1, 1), (3000, 2), (27, 27), (28, 28)])
def test_a_picture_too_small_for_a_face_has_none(engine, shape):
    assert engine.find(np.full((*shape, 3), 128, np.uint8)) == []


def test_the_engine_names_what_its_embeddings_were_made_by(engine):
    assert engine.identity == engines.identity(engines.BUNDLED)
    assert engine.identity.dimension == 128


def test_other_weights_are_another_identity():
    other = replace(engines.BUNDLED, weights=(*engines.BUNDLED.weights[:3], replace(DLIB, sha256="00" * 32)))

    assert engines.identity(other).slug != engines.identity(engines.BUNDLED).slug


@pytest.mark.parametrize(
    "weight",
    [
        replace(DLIB, sha256="00" * 32),
        replace(DLIB, path="models/none.dat"),
        replace(DLIB, package="no_such_package"),
    ],
)
def test_a_weight_file_that_is_not_the_measured_one_is_refused(weight):
    with pytest.raises(WeightsMissing):
        read_weights(weight)


def test_loading_the_engine_imports_neither_tensorflow_nor_the_packages_that_carry_the_weights():
    script = (
        "import sys; from core.adapters.onnx_faces import OnnxFaceEngine; OnnxFaceEngine();"
        "print({'tensorflow', 'mtcnn', 'face_recognition_models', 'dlib'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
