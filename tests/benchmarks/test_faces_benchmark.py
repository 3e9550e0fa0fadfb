"""The benchmarks of faces count right, and refuse a set or an engine that will not do before they begin."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import datasets, faces, peers, small
from benchmarks.datasets import Dataset, DatasetError
from core.matching import Hit, Matches
from core.ports import EngineIdentity, FoundFace, Pixels
from core.settings import ROOT

NOBODY, ANNA, BEN, CLEO, DORA = 0, 50, 100, 150, 200  # the grey that stands for a face


class GreyFaces:
    """Sees in a picture of one grey one person, in every direction unlike all others; black is nobody."""

    identity = EngineIdentity("grey", "0" * 64, "none", 256, "cosine")

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """Return one large sharp face, or none."""
        grey = int(pixels[0, 0, 0])
        embedding = np.eye(256, dtype=np.float32)[grey]
        return [FoundFace((0.4, 0.3, 0.6, 0.7), 0.99, 120.0, 90.0, embedding)] if grey else []


def picture(path: Path, grey: int) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (64, 64), (grey, grey, grey)).save(path)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a set: one of Anna's photos shows no face, Ben has a double, Cleo's selfie is black."""
    photos = {"a1": ANNA, "a2": NOBODY, "b1": BEN, "c1": CLEO, "x1": BEN, "x2": DORA}
    selfies = {"anna": ANNA, "ben": BEN, "cleo": NOBODY}
    for name, grey in photos.items():
        picture(tmp_path / f"photos/{name}.png", grey)
    for name, grey in selfies.items():
        picture(tmp_path / f"selfies/{name}.png", grey)
    own = {"anna": ["a1", "a2"], "ben": ["b1"], "cleo": ["c1"]}
    people = {
        name: {"selfie": f"selfies/{name}.png", "photos": [f"photos/{photo}.png" for photo in theirs]}
        for name, theirs in own.items()
    }
    (tmp_path / "truth.json").write_text(json.dumps({"people": people}))
    return tmp_path


def rewrite(folder: Path, change) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    change(truth)
    (folder / "truth.json").write_text(json.dumps(truth))


# --- counting ------------------------------------------------------------------------------


def test_a_set_is_measured_as_one_counts_it_by_hand(folder):
    dataset = datasets.read(folder)

    figures = faces.measure(GreyFaces(), dataset)

    assert (figures.engine, figures.people, figures.photos, figures.faces) == ("grey", 3, 6, 5)
    assert figures.refused == 1  # Cleo
    assert figures.found == figures.found_sure == 2 / 4  # a1 and b1 of a1, a2, b1, c1
    assert figures.wrong == figures.wrong_sure == pytest.approx(1 / 3)  # Ben is shown x1
    assert figures.wrong_photos_sure == pytest.approx(1 / 3)  # a1, b1 and x1 are shown
    assert figures.outsiders_wrong_sure == pytest.approx(1 / 3)  # x1 again, without b1
    assert figures.after_words["found"] == 2 / 4
    assert figures.photos_per_second > 0


def searched(sure: list[int], maybe: list[int], scores: list[float], own: set[int]) -> faces.Search:
    matches = Matches([Hit(one, one, 0.9) for one in sure], [Hit(one, one, 0.5) for one in maybe])
    nothing = Matches([], [])
    return faces.Search(matches, nothing, nothing, np.array(scores, float), frozenset(own))


def test_what_is_sure_is_counted_apart_from_what_is_maybe():
    searches = [
        searched(sure=[0, 1], maybe=[2], scores=[9, 8, 7, 1], own={0, 1}),
        searched(sure=[3], maybe=[0], scores=[5, 1, 1, 6], own={0, 2}),
    ]

    shares = faces.shares(searches)

    assert (shares["found_sure"], shares["found"]) == (2 / 4, 3 / 4)
    assert (shares["wrong_sure"], shares["wrong"]) == (1 / 2, 1)
    assert shares["wrong_photos_sure"] == pytest.approx(1 / 3)
    assert shares["after_words"]["found"] == 0


def test_own_photos_are_missed_up_to_the_score_of_the_wrong_one_that_is_allowed_for():
    searches = [
        searched([], [], scores=[9, 4, 8], own={0}),  # best wrong score 8
        searched([], [], scores=[2, 6, 5], own={1}),  # 5
        searched([], [], scores=[1, 1, 4], own={2}),  # 1
        searched([], [], scores=[-np.inf, -np.inf, 0], own={0}),  # 0, and its own photo shows no face
    ]

    assert faces.fnir(searches, 0.0) == 3 / 4  # above 8 there is only the 9
    assert faces.fnir(searches, 0.25) == 2 / 4  # one of four may be wrong: above 5 are 9 and 6
    assert faces.fnir(searches, 0.5) == 1 / 4  # above 1 is the 4, too


def test_people_known_to_be_in_a_photo_are_counted_where_there_are_no_boxes(folder):
    rewrite(folder, lambda truth: truth.update(boxes={"photos/a1.png": [{"box": [1, 2, 3, 4]}]}))

    places = peers.places(datasets.read(folder))

    whole = (0, 0, 64, 64)
    assert places[folder / "photos/a1.png"] == [peers.Place((1, 2, 3, 4), 1)]
    assert places[folder / "photos/b1.png"] == [peers.Place(whole, 1)]
    assert places[folder / "photos/x2.png"] == [peers.Place(whole, 0)]


# --- refusing ------------------------------------------------------------------------------


def test_the_demo_is_a_set():
    dataset = datasets.read(ROOT / "data/demo")

    assert len(dataset.people) == 12
    assert all(dataset.own(person) for person in dataset.people)


def test_a_set_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="nowhere is no folder"):
        datasets.read(tmp_path / "nowhere")


def test_a_set_without_truth_is_refused(folder):
    (folder / "truth.json").unlink()

    with pytest.raises(DatasetError, match=r"has no truth\.json"):
        datasets.read(folder)


@pytest.mark.parametrize(
    ("truth", "sentence"),
    [
        ("{broken", "Invalid JSON"),
        ("[]", "cannot be used"),
        ("{}", "people: Field required"),
        ('{"people": []}', "people: "),
        ('{"people": {}}', "names no people"),
        ('{"people": {"anna": {"photos": ["photos/a1.png"]}}}', "people.anna.selfie: Field required"),
        ('{"people": {"anna": {"selfie": "selfies/anna.png", "photos": []}}}', "people.anna.photos: "),
    ],
)
def test_a_truth_that_says_too_little_is_refused(folder, truth, sentence):
    (folder / "truth.json").write_text(truth)

    with pytest.raises(DatasetError) as refusal:
        datasets.read(folder)

    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_set_without_photos_is_refused(folder):
    (folder / "photos").rename(folder / "pictures")
    with pytest.raises(DatasetError, match="has no folder photos/"):
        datasets.read(folder)

    (folder / "photos").mkdir()
    with pytest.raises(DatasetError, match="is empty"):
        datasets.read(folder)


@pytest.mark.parametrize("name", ["photos/b1.png", "selfies/ben.png"])
def test_a_file_that_the_truth_names_and_is_not_there_is_refused_by_its_name(folder, name):
    (folder / name).unlink()

    with pytest.raises(DatasetError, match=f"{name}, .* is not in"):
        datasets.read(folder)


@pytest.mark.parametrize("name", ["photos/b1.png", "photos/Thumbs.db", "selfies/ben.png"])
def test_a_file_that_is_no_picture_is_refused_by_its_name(folder, name):
    (folder / name).write_text("not a picture")

    with pytest.raises(DatasetError, match=f"{name} is no JPEG, PNG or WebP"):
        datasets.read(folder)


def without_faces(folder: Path) -> Dataset:
    for path in (folder / "photos").iterdir():
        picture(path, NOBODY)
    return datasets.read(folder)


def test_a_set_in_which_no_face_is_found_is_refused(folder):
    with pytest.raises(DatasetError, match="found no face"):
        faces.measure(GreyFaces(), without_faces(folder))


def test_a_set_too_small_to_leave_anybody_out_is_refused(folder):
    with pytest.raises(DatasetError, match="nobody who searches is outside an event of 20 faces"):
        small.measure(GreyFaces(), datasets.read(folder))


@pytest.fixture
def _no_weights(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ENCORE_WEIGHTS", str(tmp_path / "weights"))


ENGINES = [
    ("nobody", "nobody"),
    ("light", 'The face engine "light" cannot be used: MobileFaceNet.onnx is not installed.'),
    ("no_such_module:engine", "No module named 'no_such_module'"),
    ("json:engine", "has no attribute 'engine'"),
]


@pytest.mark.usefixtures("_no_weights")
@pytest.mark.parametrize("command", [faces.main, small.main])
@pytest.mark.parametrize(("engine", "sentence"), ENGINES)
def test_an_engine_that_is_not_there_ends_the_command_with_its_sentence(folder, command, engine, sentence):
    with pytest.raises(SystemExit) as refusal:
        command([str(folder), "--engine", engine])

    assert sentence in str(refusal.value.code)  # what Python prints on stderr, with exit code 1


@pytest.mark.usefixtures("_no_weights")
def test_the_peers_are_not_begun_with_an_engine_that_is_not_there(folder, monkeypatch):
    monkeypatch.setattr(peers, "compose", None)  # what would take long

    with pytest.raises(SystemExit) as refusal:
        peers.main([str(folder), "--engine", "light"])

    assert str(refusal.value.code).startswith('encore: The face engine "light" cannot be used: ')


@pytest.mark.parametrize("command", [faces.main, small.main, peers.main])
def test_a_set_that_will_not_do_ends_the_command_with_its_sentence(tmp_path, command):
    with pytest.raises(SystemExit) as refusal:
        command([str(tmp_path / "nowhere")])

    assert (
        refusal.value.code
        == f"{tmp_path}/nowhere is no folder; a set holds truth.json, photos/ and selfies/."
    )


@pytest.mark.parametrize("count", ["0", "-3", "some"])
def test_peers_need_a_photo(folder, count, capsys):
    with pytest.raises(SystemExit) as refusal:
        peers.main([str(folder), "--photos", count])

    assert refusal.value.code == 2
    assert "--photos" in capsys.readouterr().err


def test_a_refusal_is_one_line_on_stderr_and_exit_code_1(tmp_path):
    command = [sys.executable, "-m", "benchmarks.faces", str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path} has no truth.json, which says who is in which photo.\n"
