"""Weight files: what counts as installed, what is refused by name, how an installation ends."""

import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from filelock import FileLock

from core import engines, weights
from core.adapters.weight_downloads import fetch
from core.engines import DownloadedFile, EngineSpec
from core.weights import (
    AlreadyInstalling,
    FileState,
    NotDownloaded,
    WeightsMissing,
    WeightsUnusable,
    WrongDownload,
)
from tests.weight_server import serving

NET, OPEN_NET = os.urandom(50_000), b"\x89HDF" + os.urandom(40_000)


@pytest.fixture
def shelf():
    with serving(net=NET, open=OPEN_NET) as shelf:
        yield shelf


@pytest.fixture
def spec(shelf) -> EngineSpec:
    """An engine of one file with a known hash and one without."""
    return replace(
        engines.SFACE,
        name="tried",
        weights=(
            DownloadedFile("net.onnx", shelf.url("net"), len(NET), sha256(NET).hexdigest()),
            DownloadedFile("open.h5", shelf.url("open"), 41_000, None, b"\x89HDF"),
        ),
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "weights"


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


def install(spec: EngineSpec, folder: Path) -> list[str]:
    return weights.install(spec, folder, fetch, quiet)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "install.lock")


def identity(spec: EngineSpec, folder: Path) -> engines.EngineIdentity:
    return engines.identity(spec, weights.read(spec, folder).digests)


def test_an_installation_brings_every_file_checked_and_pins_what_has_no_hash(spec, folder):
    before = weights.state(spec, folder)

    came = install(spec, folder)

    assert came == ["net.onnx", "open.h5"]
    assert names(folder) == ["net.onnx", "open.h5", "pins.json"]
    assert json.loads((folder / "pins.json").read_text()) == {"open.h5": sha256(OPEN_NET).hexdigest()}
    assert before.problem == "net.onnx is not installed. open.h5 is not installed."
    assert (before.is_installed, before.is_broken, before.missing_bytes) == (False, False, 91_000)
    assert weights.state(spec, folder) == weights.EngineState(spec, True, False, None, 0)
    assert weights.read(spec, folder).contents == {"net.onnx": NET, "open.h5": OPEN_NET}


def test_what_is_installed_is_not_fetched_again(spec, folder, shelf):
    install(spec, folder)
    asked = len(shelf.asked)

    came = install(spec, folder)

    assert (came, len(shelf.asked)) == ([], asked)


def test_an_installation_that_broke_goes_on_where_it_was(spec, folder, shelf):
    shelf.cut_after = 20_000

    with pytest.raises(NotDownloaded, match=r"^net\.onnx could not be downloaded: "):
        install(spec, folder)
    state = weights.state(spec, folder)
    install(spec, folder)

    assert not state.is_installed
    assert shelf.asked[1].startswith("/net bytes=")
    assert weights.state(spec, folder).is_installed


@pytest.mark.parametrize("content", [NET[:-1], NET + b"x", os.urandom(len(NET)), b"<html>sorry</html>", b""])
def test_another_file_than_the_one_asked_for_is_thrown_away_and_named(spec, folder, shelf, content):
    shelf.files["/net"] = content

    with pytest.raises(WrongDownload, match=r"What came is not net\.onnx, and was thrown away"):
        install(spec, folder)

    assert names(folder) == []


@pytest.mark.parametrize(
    "content", [b"<html>sorry</html>", b"\x89HDF", b"\x89HDF" + bytes(90_000), b"<html>" + bytes(41_000)]
)
def test_what_cannot_be_the_file_is_never_pinned(spec, folder, shelf, content):
    shelf.files["/open"] = content

    with pytest.raises(WrongDownload, match=r"What came is not open\.h5"):
        install(spec, folder)

    assert names(folder) == ["net.onnx"]


def test_a_pinned_file_is_never_replaced_by_another(spec, folder, shelf):
    install(spec, folder)
    (folder / "open.h5").unlink()
    shelf.files["/open"] = b"\x89HDF" + os.urandom(40_000)

    with pytest.raises(WrongDownload, match=r"open\.h5.*faces install tried --forget-pins$"):
        install(spec, folder)

    assert weights.state(spec, folder).problem == "open.h5 is not installed."


def test_a_file_put_there_by_hand_is_used_once_an_installation_has_pinned_it(spec, folder, shelf):
    folder.mkdir()
    (folder / "net.onnx").write_bytes(NET)
    (folder / "open.h5").write_bytes(OPEN_NET)
    before = weights.state(spec, folder)

    install(spec, folder)

    assert before.problem == "open.h5 is not installed."
    assert weights.state(spec, folder).is_installed
    assert shelf.asked == []


@pytest.mark.parametrize(
    "content", [b"\x89HDF and more", b"\x89HDF" + bytes(90_000), b"<html>" + bytes(41_000), b""]
)
def test_a_file_put_there_by_hand_that_cannot_be_the_right_one_is_refused_by_name(
    spec, folder, shelf, content
):
    folder.mkdir()
    (folder / "net.onnx").write_bytes(NET)
    (folder / "open.h5").write_bytes(content)

    with pytest.raises(WeightsMissing, match=r"open\.h5 is not the file it should be.*Delete it, then: "):
        install(spec, folder)

    assert names(folder) == ["net.onnx", "open.h5"]
    assert (folder / "open.h5").read_bytes() == content
    assert shelf.asked == []


def test_once_its_pin_is_forgotten_another_file_is_taken_and_other_pins_stay(spec, folder, shelf):
    install(spec, folder)
    pins = json.loads((folder / "pins.json").read_text())
    (folder / "pins.json").write_text(json.dumps(pins | {"of another engine.h5": "00"}))
    (folder / "open.h5").unlink()
    shelf.files["/open"] = newer = b"\x89HDF" + os.urandom(40_000)

    weights.forget_pins(spec, folder)
    came = install(spec, folder)

    assert came == ["open.h5"]
    assert weights.read(spec, folder).contents["open.h5"] == newer
    assert json.loads((folder / "pins.json").read_text()) == {
        "open.h5": sha256(newer).hexdigest(),
        "of another engine.h5": "00",
    }


@pytest.mark.parametrize("name", ["net.onnx", "open.h5"])
@pytest.mark.parametrize("harm", [lambda old: old[:-1], lambda old: old[:-1] + b"?", lambda _: NET[::-1]])
def test_a_file_that_changed_on_the_disk_is_refused_by_name_until_it_is_installed_again(
    spec, folder, name, harm
):
    install(spec, folder)
    weights.read(spec, folder)
    path = folder / name
    path.write_bytes(harm(path.read_bytes()))

    with pytest.raises(WeightsMissing, match=rf'"tried" cannot be used: {name} is not the file it should be'):
        weights.read(spec, folder)

    assert weights.file_state(spec.weights[name == "open.h5"], folder) is FileState.WRONG
    assert weights.state(spec, folder).is_broken
    assert install(spec, folder) == [name]
    assert weights.state(spec, folder).is_installed


def test_a_missing_file_is_refused_by_name_with_what_mends_it(spec, folder):
    with pytest.raises(WeightsMissing) as caught:
        weights.read(spec, folder)

    assert str(caught.value) == (
        'The face engine "tried" cannot be used: net.onnx is not installed. '
        "To mend it: python -m core faces install tried"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"package": "no_such_package"}, "pnet.lz4 is not installed."),
        ({"path": "assets/none.lz4"}, "none.lz4 is not installed."),
        (
            {"sha256": "00" * 32},
            "pnet.lz4 is not the file it should be: cut short, changed, or of another model.",
        ),
    ],
)
def test_a_file_of_a_package_that_is_not_the_measured_one_is_refused(folder, change, problem):
    pnet, *others = engines.BUNDLED.weights
    spec = replace(engines.BUNDLED, weights=(replace(pnet, **change), *others))

    with pytest.raises(WeightsMissing, match="pip install"):
        weights.read(spec, folder)

    assert weights.state(spec, folder).problem == problem


@pytest.mark.parametrize("pins", ["{", "", "5", "[1]", '["ab"]', "null"])
def test_pins_that_cannot_be_read_pin_nothing(spec, folder, pins):
    install(spec, folder)
    (folder / "pins.json").write_text(pins)

    assert weights.state(spec, folder).problem == "open.h5 is not installed."


@pytest.mark.parametrize("use", [install, weights.state, weights.read, weights.forget_pins])
@pytest.mark.parametrize("below", ["", "below it"])
def test_a_file_where_the_folder_should_be_is_one_refusal_with_path_and_reason(spec, folder, use, below):
    folder.write_bytes(b"no folder")

    with pytest.raises(WeightsUnusable) as caught:
        use(spec, folder / below)

    assert str(caught.value).startswith(f"The face engines' weights cannot be used: {folder}")
    assert str(caught.value).endswith((": Not a directory.", ": File exists."))


def test_the_overview_of_a_folder_that_is_none_is_refused_too(folder):
    folder.write_bytes(b"no folder")

    with pytest.raises(WeightsUnusable, match="Not a directory"):
        weights.overview(folder)


@pytest.mark.parametrize("name", ["net.onnx", "open.h5", "pins.json"])
@pytest.mark.parametrize("use", [install, weights.state, weights.read])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(spec, folder, name, use):
    install(spec, folder)
    (folder / name).unlink()
    (folder / name).mkdir()  # root may read any file, but no folder

    with pytest.raises(WeightsUnusable, match=rf"{name}: Is a directory\.$"):
        use(spec, folder)


def test_a_disk_that_is_full_is_named_with_the_folder(spec, folder):
    def fetch_onto_a_full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(WeightsUnusable) as caught:
        weights.install(spec, folder, fetch_onto_a_full_disk, quiet)

    assert str(caught.value) == (
        f"The face engines' weights cannot be used: {folder}: No space left on device."
    )


def test_two_installations_do_not_write_into_one_folder(spec, folder):
    folder.mkdir()

    with FileLock(folder / "install.lock"), pytest.raises(AlreadyInstalling):
        install(spec, folder)


def test_the_overview_shows_every_engine_and_only_the_bundled_one_needs_nothing(folder):
    overview = weights.overview(folder)

    assert [state.spec.name for state in overview] == list(engines.ENGINES)
    assert {state.spec.name for state in overview if state.is_installed} == {"bundled"}
    assert {state.spec.name: state.missing_bytes for state in overview}["light"] == 3_998_070


def test_other_weights_are_another_identity(spec, folder, shelf, tmp_path):
    install(spec, folder)
    shelf.files["/open"] = b"\x89HDF" + os.urandom(40_000)
    install(spec, tmp_path / "elsewhere")

    assert identity(spec, folder) == identity(spec, folder)
    assert identity(spec, folder).slug != identity(spec, tmp_path / "elsewhere").slug


def test_every_download_is_over_https_and_can_be_told_from_another_file():
    downloads = [file for spec in engines.ENGINES.values() for file in spec.downloads]

    assert {file.url.partition(":")[0] for file in downloads} == {"https"}
    assert all(file.sha256 or file.start for file in downloads)


def test_an_engine_that_is_not_known_is_named_among_those_that_are():
    with pytest.raises(
        engines.UnknownEngine, match=r'no face engine called "bundeld".*: bundled, light, sface'
    ):
        engines.named("bundeld")
