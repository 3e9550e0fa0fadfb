"""The benchmark against peers runs, tells places apart, and says what it promises."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import peers
from benchmarks.peers import Place, Run

DEMO = Path("data/demo")


def test_a_face_counts_where_its_centre_lies_in_the_box_of_a_person():
    photos = [[Place((0, 0, 100, 100), 1), Place((200, 0, 300, 100), 1)], [Place((0, 0, 50, 50), 1)]]
    found = [np.array([[10.0, 10, 110, 110], [0, 0, 90, 90]]), np.empty((0, 4))]

    assert peers.recall(photos, found) == pytest.approx(1 / 3)


def test_in_a_picture_without_boxes_no_more_faces_count_than_people():
    photos = [[Place((0, 0, 400, 400), 2)], [Place((0, 0, 400, 400), 3)]]
    found = [np.tile([0.0, 0, 10, 10], (5, 1)), np.array([[5.0, 5, 9, 9]])]

    assert peers.recall(photos, found) == pytest.approx(3 / 5)


def test_a_composed_photo_has_24_megapixels_and_knows_where_its_people_are(tmp_path):
    picture = tmp_path / "picture.png"
    Image.new("RGB", (1200, 800), "white").save(picture)

    composed = peers.compose({picture: [Place((100, 100, 200, 200), 1)]}, tmp_path, count=1)

    ((path, places),) = composed.items()
    with Image.open(path) as image:
        assert image.size == (6000, 4000)
        assert image.getpixel((5999, 3999)) == (255, 255, 255)
    assert [place.box for place in places] == [
        (250, 250, 500, 500),
        (3250, 250, 3500, 500),
        (250, 2250, 500, 2500),
        (3250, 2250, 3500, 2500),
    ]


def test_the_chosen_photos_are_spread_over_the_set():
    photos = {Path(str(number)): [] for number in range(10)}

    assert [path.name for path in peers.spread(photos, 3)] == ["0", "3", "6"]
    assert len(peers.spread(photos, 99)) == 10


def test_a_ratio_is_the_cpu_time_of_the_peer_over_ours():
    runs = {"": {"encore": Run(0.25, 100, 1, 4), "deepface": Run(4, 2000, 0.5, 2)}}

    assert peers.figures(runs) == {
        "cpu_ratio_deepface": 16,
        "recall": {"encore": 1, "deepface": 0.5},
        "cpu_seconds_per_photo": {"encore": 0.25, "deepface": 4},
        "peak_memory_mb": {"encore": 100, "deepface": 2000},
        "faces": {"encore": 4, "deepface": 2},
    }


@pytest.mark.integration
def test_the_programs_run_side_by_side_on_demo_photos():
    programs = (peers.ENCORE, peers.FACE_RECOGNITION)  # deepface takes a minute to load where it is cold
    photos = {DEMO / "photos/P1020334.jpg": [Place((0, 0, 1600, 1067), 6)]}

    runs = {"dataset_": {program: peers.run(program, "bundled", photos) for program in programs}}

    figures = json.loads(json.dumps(peers.figures(runs)))
    assert figures["dataset_recall"]["encore"] == 1
    assert figures["dataset_recall"]["face_recognition"] > 0.5
    assert figures["dataset_cpu_ratio_face_recognition"] > 1
    assert all(line for line in peers.table(runs))
