"""The main job as a command: what it reports, and where it ends when the selfie will not do."""

import hashlib
import json
from contextlib import contextmanager

import pytest

from core import journey, schema, wiring
from core.__main__ import main
from tests.makers import make_jpeg

pytestmark = pytest.mark.usefixtures("quick_hashes", "quick_worker")


@pytest.fixture
def folder(tmp_path):
    """Two photos of Anna under one name, one of Ben, and a file that is no picture."""
    for name, content in {
        "morning/IMG_1.jpg": make_jpeg("anna", seed=1),
        "evening/IMG_1.jpg": make_jpeg("anna", "ben", seed=2),
        "evening/IMG_2.jpg": make_jpeg("ben", seed=3),
        "notes.jpg": b"no picture",
    }.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "photos"


@pytest.fixture
def selfie(tmp_path):
    """Writes a selfie of these people and returns where it is."""

    def write(*people: str):
        path = tmp_path / "selfie.jpg"
        path.write_bytes(make_jpeg(*people, seed=9))
        return path

    return write


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


def test_a_guest_gets_the_originals_that_the_selfie_found_each_under_a_name_of_its_own(
    backends, folder, selfie
):
    report = journey.walk(backends, folder, selfie("anna"), quiet)

    originals = {
        hashlib.sha256((folder / name / "IMG_1.jpg").read_bytes()).hexdigest()
        for name in ("morning", "evening")
    }
    assert sorted(report.downloaded) == ["IMG_1 (2).jpg", "IMG_1.jpg"]
    assert set(report.downloaded.values()) == originals
    assert (report.photos, report.refused, list(report.refusals)) == (3, 1, ["notes.jpg"])
    assert report.order == {"status": "paid", "amount": 2 * journey.PRICE, "currency": "THB"}
    assert report.stopped == ""


def test_a_selfie_that_will_not_do_ends_the_journey_with_its_reason(backends, folder, selfie):
    report = journey.walk(backends, folder, selfie(), quiet)

    assert "face" in report.stopped
    assert (report.photos, report.faces, report.order, report.downloaded) == (3, 4, None, {})


@pytest.mark.parametrize(("people", "code"), [(["anna"], 0), ([], 1)])
def test_the_command_prints_its_report_and_its_exit_code_says_whether_the_guest_was_stopped(
    backends, folder, selfie, monkeypatch, capsys, people, code
):
    @contextmanager
    def these(_settings):
        yield backends

    monkeypatch.setattr(wiring, "command_backends", these)
    monkeypatch.setattr(schema, "upgrade", quiet)  # the tables are there
    exit_code = main(["journey", "--photos", str(folder), "--selfie", str(selfie(*people)), "--json"])

    report = json.loads(capsys.readouterr().out)
    assert exit_code == code
    assert bool(report["stopped"]) is (code == 1)
    assert len(report["downloaded"]) == (0 if code else 2)
