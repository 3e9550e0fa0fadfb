"""The engines that run on ONNX, on the demo pictures."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest

from core import engines, weights
from core.adapters import face_engines
from core.adapters.dlib_weights import build_recogniser
from core.adapters.mtcnn_weights import build_landmarker, build_proposer, build_refiner
from core.adapters.onnx_graph import Network
from core.ports import FaceEngine, FoundFace
from tests.core.adapters.tiny_networks import one_image_network
from tests.requirements import weight_file

DEMO = Path("data/demo")
TRUTH = json.loads((DEMO / "truth.json").read_text())
GUESTS_IN = Counter(photo for guest in TRUTH["people"].values() for photo in guest["photos"])
GROUP = "photos/P1020334.jpg"
GUESTS_OF_GROUP = [guest for guest in TRUTH["people"].values() if GROUP in guest["photos"]]
PNET, RNET, ONET, DLIB = (file.name for file in engines.BUNDLED.weights)
YUNET, SFACE = engines.SFACE.weights
NO_DOWNLOADS = Path("no such folder")


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return face_engines.load("bundled", NO_DOWNLOADS)


@pytest.fixture(scope="module")
def contents() -> Mapping[str, bytes]:
    """The bundled weight files by name."""
    return weights.read(engines.BUNDLED, NO_DOWNLOADS).contents


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


def test_the_recogniser_gives_the_numbers_of_dlib_itself(contents):
    (embedding,) = Network(build_recogniser(contents[DLIB]), threads=1).run(pattern(150))

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
def test_the_detector_gives_the_numbers_of_mtcnn_itself(contents, build, weight, side, offsets, not_a_face):
    outputs = Network(build(contents[weight]), threads=1).run(pattern(side))

    np.testing.assert_allclose(outputs[0].ravel(), offsets, atol=2e-6)
    np.testing.assert_allclose(outputs[-1].ravel()[-1], 1 - not_a_face, atol=2e-6)


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

    assert {face.embedding is None for face in faces if face.size < 26} == {True}
    assert {face.embedding is None for face in faces if face.size >= 26} == {False}


@pytest.mark.parametrize("shape", [(1, 1), (3000, 2), (27, 27), (28, 28)])
def test_a_picture_too_small_for_a_face_has_none(engine, shape):
    assert engine.find(np.full((*shape, 3), 128, np.uint8)) == []


def test_the_engine_names_what_its_embeddings_were_made_by(engine):
    digests = [file.sha256 for file in engines.BUNDLED.weights]

    assert engine.identity == engines.identity(engines.BUNDLED, digests)
    assert (engine.identity.engine, engine.identity.dimension) == ("bundled", 128)


@pytest.fixture(scope="module", params=["MTCNN", "YuNet"])
def light(request) -> FaceEngine:
    """MobileFaceNet behind either detector."""
    folder = weight_file("MobileFaceNet.onnx").parent
    if request.param == "MTCNN":
        return face_engines.load("light", folder)
    weight_file(YUNET.name)
    files = (YUNET, engines.LIGHT.weights[-1])
    spec = replace(engines.LIGHT, detector="YuNet", weights=files, min_confidence=0.8)
    return face_engines.assembled(spec, folder)


def test_the_light_engine_finds_and_knows_every_guest(light):
    faces = light.find(picture(GROUP))
    selfies = [light.find(picture(guest["selfie"]))[0].embedding for guest in GUESTS_OF_GROUP]

    similarities = np.stack([face.embedding for face in faces]) @ np.stack(selfies).T

    assert len(faces) == GUESTS_IN[GROUP]
    assert sorted(similarities.argmax(axis=0).tolist()) == list(range(len(faces)))


@pytest.mark.parametrize("name", [*TRUTH["no_face"], *TRUTH["blurred"]])
def test_the_light_engine_makes_nobody_searchable_who_cannot_be_known(light, name):
    assert [face for face in light.find(picture(name)) if face.embedding is not None] == []


@pytest.mark.parametrize("shape", [(1, 1), (3000, 2), (28, 28), (200, 2000)])
def test_the_light_engine_takes_pictures_of_any_shape(light, shape):
    assert light.find(np.full((*shape, 3), 128, np.uint8)) == []


def test_a_crowd_of_faces_is_described_as_each_of_them_alone(light):
    (alone,) = light.find(picture("selfies/guest_01.jpg"))
    (stranger,) = light.find(picture("selfies/guest_02.jpg"))
    tile = cv2.resize(picture("selfies/guest_01.jpg"), (150, 150), interpolation=cv2.INTER_AREA)

    crowd = light.find(np.tile(tile, (10, 13, 1)))

    known = np.stack([face.embedding for face in crowd if face.embedding is not None])
    assert len(known) >= 125
    assert (known @ alone.embedding).min() > 0.6  # each is a fifth of the size
    assert (known @ stranger.embedding).max() < 0.5


def test_the_sface_engine_leads_from_a_photo_to_embeddings(tmp_path):
    model = one_image_network(("data", "fc1"))
    (tmp_path / YUNET.name).write_bytes(weight_file(YUNET.name).read_bytes())
    (tmp_path / SFACE.name).write_bytes(model)
    stand_in = replace(SFACE, sha256=sha256(model).hexdigest(), size=len(model))

    engine = face_engines.assembled(replace(engines.SFACE, weights=(YUNET, stand_in)), tmp_path)
    faces = engine.find(picture(GROUP))

    assert engine.identity.engine == "sface"
    assert [face.embedding.shape for face in faces] == [(engines.SFACE.dimension,)] * GUESTS_IN[GROUP]


def test_the_file_of_another_model_is_refused_by_name(tmp_path):
    (tmp_path / "MobileFaceNet.onnx").write_bytes(one_image_network(("input0", "output0")))

    with pytest.raises(weights.WeightsMissing, match=r"MobileFaceNet\.onnx is not the file it should be"):
        face_engines.load("light", tmp_path)


def test_loading_the_engine_imports_neither_tensorflow_nor_the_packages_that_carry_the_weights():
    script = (
        "import sys; from pathlib import Path; from core.adapters import face_engines;"
        "face_engines.load('bundled', Path());"
        "print({'tensorflow', 'mtcnn', 'face_recognition_models', 'dlib'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
