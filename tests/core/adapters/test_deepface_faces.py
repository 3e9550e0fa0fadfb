"""The deepface engines, loaded by the packages' own code from weight files made here, without any network."""

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image

from core import imaging, weights
from core.adapters import deepface_faces, face_engines
from core.adapters.five_point_engine import FivePointEngine
from core.adapters.process_sandbox import ProcessSandbox
from core.alignment import ARCFACE_TEMPLATE, chip
from core.engines import DEEPFACE, DEEPFACE_FACENET512
from core.ports import FoundFace, Pixels
from core.weights import WeightsMissing, WrongDownload
from tests.core.adapters import keras_files
from tests.core.adapters.keras_files import CARD, RED, Face

# TensorFlow and Keras warn of themselves
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default")]

SELFIE = Path("data/demo/selfies/guest_01.jpg")  # 640 × 800
OTHER_SELFIE = Path("data/demo/selfies/guest_02.jpg")
BOX = np.array([185.0, 225.0, 426.0, 529.0])  # of the face in the first
POINTS = np.array([[248.0, 337.0], [362.6, 344.8], [290.0, 400.3], [239.3, 441.8], [352.1, 451.8]])
CORNER = 32.0  # pixels across and down; where the card is put
OF_A_CARD = Face(BOX - CORNER, POINTS - CORNER)
SMALLEST = 28


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Weight files, put there by hand and pinned."""
    deepface_faces.prepared_tensorflow()
    with TemporaryDirectory() as name:
        folder = Path(name)
        keras_files.retinaface(folder / "retinaface.h5", OF_A_CARD)
        keras_files.arcface(folder / "arcface_weights.h5")
        keras_files.facenet512(folder / "facenet512_weights.h5")
        for spec in (DEEPFACE, DEEPFACE_FACENET512):
            weights.install(spec, folder, no_fetch, lambda *_: None)
        yield folder


@pytest.fixture(scope="module")
def downloads() -> Iterator[list[str]]:
    """What the packages tried to download while this module ran."""
    with keras_files.watched_downloads() as tried:
        yield tried


@pytest.fixture(scope="module")
def engine(folder: Path, downloads: list[str]) -> FivePointEngine:
    return face_engines.assembled(DEEPFACE, folder)


@pytest.fixture(scope="module")
def facenet(folder: Path, downloads: list[str]) -> FivePointEngine:
    return face_engines.assembled(DEEPFACE_FACENET512, folder)


def no_fetch(*_: object) -> None:
    raise AssertionError("nothing is to be fetched")


def pixels_of(path: Path, *cards: tuple[float, float]) -> Pixels:
    """Return a picture with red cards around these places, each a little darker than the one before."""
    pixels = imaging.load_upright(path, None).copy()
    for darker, place in enumerate(cards):
        left, top = (round(middle - CARD / 2) for middle in place)
        pixels[top : top + CARD, left : left + CARD] = np.array(RED) - [5 * darker, 0, 0]
    return pixels


def geometry(face: FoundFace) -> list[float]:
    return [*face.box, face.size, face.sharpness]


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values)


def test_a_photo_becomes_a_box_a_chip_and_an_embedding(engine):
    photo = pixels_of(SELFIE, (CORNER, CORNER))

    (face,) = engine.find(photo)

    upright = chip(photo, POINTS, ARCFACE_TEMPLATE)
    both = engine._recogniser.embed(np.stack([upright, upright[:, ::-1]]))
    np.testing.assert_allclose(face.box, BOX / [640, 800, 640, 800], atol=1e-4)
    assert face.confidence > 0.99
    assert face.embedding.shape == (512,)
    np.testing.assert_allclose(face.embedding, unit(both.sum(axis=0)), atol=1e-5)


def test_a_photo_without_what_the_detector_was_taught_has_no_face(engine):
    assert engine.find(pixels_of(SELFIE)) == []


def test_boxes_points_and_scores_are_those_of_the_package(engine):
    from retinaface import RetinaFace  # TensorFlow is loaded by now

    across = 1067 / 1024  # the package shrinks so much, and a card must lie on its network's grid
    cards = [(column * 32 * across, row * 32 * across) for column, row in [(5, 3), (6, 3), (20, 8), (18, 16)]]
    photo = pixels_of(Path("data/demo/photos/DSC_0001.jpg"), *cards)[:, :1067]

    ours = engine._detector.detect(photo, SMALLEST)

    theirs = RetinaFace.detect_faces(
        photo[:, :, ::-1], model=engine._detector._model, allow_upscaling=False
    ).values()
    as_seen = ["right_eye", "left_eye", "nose", "mouth_right", "mouth_left"]  # theirs are the person's sides
    assert len(theirs) == 3  # of two cards side by side the darker one is the same face
    assert ours.boxes.astype(int).tolist() == [face["facial_area"] for face in theirs]
    np.testing.assert_allclose(ours.scores, [face["score"] for face in theirs], atol=1e-6)
    np.testing.assert_allclose(
        ours.points, [[face["landmarks"][name] for name in as_seen] for face in theirs], atol=1e-2
    )
    assert (ours.points[:, 0, 0] < ours.points[:, 1, 0]).all()


def test_faces_smaller_than_asked_for_are_left_out(engine):
    photo = pixels_of(SELFIE, (CORNER, CORNER))
    width = int(BOX[2] - BOX[0])

    assert len(engine._detector.detect(photo, width).boxes) == 1
    assert len(engine._detector.detect(photo, width + 2).boxes) == 0


@pytest.mark.parametrize("size", [(1, 1), (10, 10), (33, 400)])
def test_a_tiny_picture_has_no_face(engine, size):
    assert engine.find(np.zeros((*size, 3), np.uint8)) == []


@pytest.mark.parametrize(("name", "side", "scale"), [("engine", 112, 128), ("facenet", 160, 127.5)])
def test_a_recogniser_sees_red_first_and_as_it_was_trained(request, monkeypatch, name, side, scale):
    recogniser = request.getfixturevalue(name)._recogniser
    guests = [chip(pixels_of(path), POINTS, recogniser.template) for path in (SELFIE, OTHER_SELFIE)]
    monkeypatch.setattr(deepface_faces, "BATCH", 2)

    embeddings = recogniser.embed(np.stack([*guests, guests[0]]))

    expected = recogniser._model((np.stack(guests) - np.float32(127.5)) / np.float32(scale)).numpy()
    assert guests[0].shape == (side, side, 3)
    assert embeddings.shape == (3, 512)
    np.testing.assert_allclose(embeddings, expected[[0, 1, 0]], rtol=1e-3, atol=1e-4)
    assert unit(embeddings[0]) @ unit(embeddings[1]) < 0.9999


def test_nothing_was_downloaded_though_the_package_by_itself_would(engine, downloads, tmp_path, monkeypatch):
    from retinaface.model import retinaface_model

    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    by_us = list(downloads)

    with pytest.raises(ValueError, match="while downloading"):
        retinaface_model.build_model()

    assert by_us == []
    assert len(downloads) > 0


def test_the_home_of_the_packages_is_as_before_when_they_have_loaded(monkeypatch):
    contents = {"retinaface.h5": b"weights"}
    for before in (None, "/elsewhere"):
        monkeypatch.delenv("DEEPFACE_HOME", raising=False)
        if before:
            monkeypatch.setenv("DEEPFACE_HOME", before)

        with deepface_faces._home(contents):
            lent = Path(os.environ["DEEPFACE_HOME"])
            held = (lent / ".deepface" / "weights" / "retinaface.h5").read_bytes()

        assert held == b"weights"
        assert not lent.exists()
        assert os.environ.get("DEEPFACE_HOME") == before


def test_nothing_that_guesses_age_gender_emotion_or_race_is_even_loaded(engine, facenet):
    loaded = [name for name in sys.modules if name.startswith("deepface.models")]

    assert "deepface.models.facial_recognition.tf.ArcFace" in loaded
    assert [name for name in loaded if "demography" in name] == []


def test_a_missing_file_is_refused_by_name(folder, tmp_path):
    for name in ("retinaface.h5", weights.PINS):
        (tmp_path / name).symlink_to(folder / name)

    with pytest.raises(WeightsMissing) as refusal:
        face_engines.load("deepface", tmp_path)

    assert "arcface_weights.h5 is not installed" in str(refusal.value)
    assert "python -m core faces install deepface" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "content_of"),
    [
        ("retinaface.h5", lambda folder: (folder / "facenet512_weights.h5").read_bytes()),
        ("arcface_weights.h5", lambda folder: (folder / "arcface_weights.h5").read_bytes()[:1_000_000]),
    ],
    ids=["of another model", "cut short"],
)
def test_a_file_that_does_not_fit_is_refused_by_name(folder, name, content_of):
    contents = dict(weights.read(DEEPFACE, folder).contents) | {name: content_of(folder)}

    with pytest.raises(WeightsMissing, match=f"{name} is not the file it should be"):
        deepface_faces.build(DEEPFACE, contents)


def test_a_file_of_another_model_that_was_pinned_is_replaced_as_the_refusals_say(folder, tmp_path):
    (tmp_path / "retinaface.h5").symlink_to(folder / "retinaface.h5")
    (tmp_path / "arcface_weights.h5").symlink_to(folder / "facenet512_weights.h5")
    command = "python -m core faces install deepface --forget-pins"

    def install() -> list[str]:
        return weights.install(
            DEEPFACE, tmp_path, lambda _, part, *__: part.symlink_to(folder / part.stem), lambda *_: None
        )

    install()
    with pytest.raises(WeightsMissing, match=f"arcface_weights.h5 is not .* Delete it, then: {command}$"):
        face_engines.load("deepface", tmp_path)
    (tmp_path / "arcface_weights.h5").unlink()
    with pytest.raises(WrongDownload, match=f"{command}$"):
        install()
    weights.forget_pins(DEEPFACE, tmp_path)
    came = install()

    assert came == ["retinaface.h5", "arcface_weights.h5"]
    assert weights.read(DEEPFACE, tmp_path) == weights.read(DEEPFACE, folder)


def test_a_child_process_finds_the_same_within_its_limits(engine, folder, tmp_path):
    photo = pixels_of(SELFIE, (CORNER, CORNER))
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    sandbox = ProcessSandbox(1, folder, time_limit=timedelta(seconds=120))  # TensorFlow starts in it

    try:
        faces, identity = sandbox.faces(path, "deepface"), sandbox.identity("deepface")
    finally:
        sandbox.close()

    (ours,), (theirs,) = engine.find(photo), faces
    assert identity == engine.identity
    np.testing.assert_allclose(geometry(theirs), geometry(ours), rtol=1e-4)
    np.testing.assert_allclose(theirs.embedding, ours.embedding, atol=1e-5)
