"""The main job by the command, and for every guest of the demo event: real engine, real Chroma."""

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from core import journey, schema, wiring
from core.backends import Backends
from core.settings import ROOT, Settings

pytestmark = pytest.mark.accuracy

DEMO = ROOT / "data" / "demo"
PEOPLE = {
    who: ({Path(name).name for name in person["photos"]}, DEMO / person["selfie"])
    for who, person in json.loads((DEMO / "truth.json").read_text())["people"].items()
}
KEYS = {"photos", "refused", "refusals", "faces", "matches", "order", "downloaded", "stopped", "seconds"}


def sha256(name: str) -> str:
    return hashlib.sha256((DEMO / "photos" / name).read_bytes()).hexdigest()


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


# --- bad input -----------------------------------------------------------------------------


def png_of(width: int, height: int) -> bytes:
    """A PNG that announces this many pixels and holds none."""

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return (
            struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def zip_of_a_photo(photo: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("photo.jpg", photo)
    return target.getvalue()


def bad_files(photo: bytes) -> dict[str, bytes]:
    return {
        "empty.jpg": b"",
        "truncated.jpg": photo[: len(photo) // 3],
        "renamed text.jpg": b"Not a picture at all.\n" * 50,
        "flood.png": png_of(50_000, 50_000),
        "phone.heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200),
        "archive.zip": zip_of_a_photo(photo),
        "archive.jpg": zip_of_a_photo(photo),
        "zz duplicate.jpg": photo,
    }


# --- the command ---------------------------------------------------------------------------


def run(folder: Path, selfie: Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-m",
        "core",
        "journey",
        "--photos",
        str(folder),
        "--selfie",
        str(selfie),
        "--json",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENCORE_")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=150
    )


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> subprocess.CompletedProcess:
    """The command over a guest's photos, some of others, and files that are no photos."""
    folder = tmp_path_factory.mktemp("Some photos")
    own, selfie = PEOPLE["guest_01"]
    others = sorted({path.name for path in (DEMO / "photos").iterdir()} - own)[:5]
    for name in (*sorted(own), *others):
        shutil.copy(DEMO / "photos" / name, folder)
    for name, content in bad_files((folder / others[0]).read_bytes()).items():
        (folder / name).write_bytes(content)
    return run(folder, selfie)


def test_the_last_line_tells_the_whole_way(walked):
    report = json.loads(walked.stdout.splitlines()[-1])

    assert walked.returncode == 0, walked.stderr
    assert set(report) == KEYS
    assert (set(report["matches"]), report["photos"]) == ({"sure", "maybe"}, len(PEOPLE["guest_01"][0]) + 5)
    assert set(report["seconds"]) == {
        "event",
        "upload",
        "pipeline",
        "approval",
        "search",
        "order",
        "download",
    }
    assert report["faces"] >= report["photos"]


def test_what_was_found_is_paid_and_downloaded_byte_for_byte(walked):
    report = json.loads(walked.stdout.splitlines()[-1])
    found, own = report["matches"]["sure"], PEOPLE["guest_01"][0]

    assert len(set(found) & own) >= 0.5 * len(own)
    assert set(found) <= own
    assert report["order"] == {"status": "paid", "amount": journey.PRICE * len(found), "currency": "THB"}
    assert report["downloaded"] == {name: sha256(name) for name in found}


def test_bad_files_are_refused_in_sentences_and_the_rest_goes_on(walked):
    report = json.loads(walked.stdout.splitlines()[-1])

    assert set(report["refusals"]) == set(bad_files(b"x"))
    assert report["refused"] == len(report["refusals"])
    for sentence in report["refusals"].values():
        assert sentence.endswith(".")
        assert "Error" not in sentence
    assert "already" in report["refusals"]["zz duplicate.jpg"]


def test_a_folder_that_is_not_there_is_said_and_not_traced(tmp_path):
    ended = run(tmp_path / "nowhere", DEMO / "selfies" / "guest_01.jpg")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "nothing to read" in ended.stderr
    assert "Traceback" not in ended.stderr


# --- every guest ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Walked:
    """What one guest found and got."""

    own: set[str]
    report: journey.Report


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Iterator[Backends]:
    settings = Settings(
        _env_file=None,
        data=tmp_path_factory.mktemp("journey"),
        secret=SecretStr("the secret of this test, long enough"),
    )
    with wiring.command_backends(settings) as backends:
        schema.upgrade(backends.engine)
        yield backends


@pytest.fixture(scope="module")
def guests(platform) -> dict[str, Walked]:
    """Every guest's way through one event."""
    stage = journey.prepare(platform, DEMO / "photos", journey.Report(), quiet)
    walked = {}
    for who, (own, selfie) in PEOPLE.items():
        report = journey.Report()
        journey.buy(platform, stage, selfie.read_bytes(), report)
        walked[who] = Walked(own, report)
    return walked


def test_every_guest_pays_and_gets_the_files_themselves(guests):
    for walked in guests.values():
        bought = walked.report.matches["sure"] or walked.report.matches["maybe"]
        assert walked.report.order == {
            "status": "paid",
            "amount": journey.PRICE * len(bought),
            "currency": "THB",
        }
        assert walked.report.downloaded == {name: sha256(name) for name in bought}


def test_guests_find_their_photos(guests):
    sure = [(set(walked.report.matches["sure"]), walked.own) for walked in guests.values()]
    shown = [
        (found | set(guest.report.matches["maybe"]), own)
        for guest, (found, own) in zip(guests.values(), sure, strict=True)
    ]
    total = sum(len(own) for _, own in sure)

    assert sum(len(found & own) for found, own in shown) >= 0.8 * total
    assert sum(len(found & own) for found, own in sure) >= 0.5 * total


def test_hardly_a_stranger_is_shown_as_sure(guests):
    strangers = [set(walked.report.matches["sure"]) - walked.own for walked in guests.values()]

    assert sum(map(len, strangers)) <= 2
