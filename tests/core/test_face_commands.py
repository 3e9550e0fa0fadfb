"""`python -m core faces`: what it lists, brings and checks, and what it says when that fails."""

import os
from dataclasses import replace
from hashlib import sha256

import pytest

from core import engines
from core.__main__ import main
from core.engines import DownloadedFile, Figures
from tests.weight_server import serving

NET = os.urandom(60_000)
FIGURES = Figures("portraits", "2026-11-20", fnir=0.28, found=0.8, found_sure=0.6, wrong=0.4, wrong_sure=0.04)


@pytest.fixture
def shelf():
    with serving(net=NET) as shelf:
        yield shelf


@pytest.fixture
def folder(tmp_path, monkeypatch, shelf):
    """The folder of weights, and an engine named `tried` besides the real ones."""
    file = DownloadedFile("net.onnx", shelf.url("net"), len(NET), sha256(NET).hexdigest())
    tried = replace(engines.SFACE, name="tried", weights=(file,), measured=(FIGURES,))
    monkeypatch.setitem(engines.ENGINES, "tried", tried)
    monkeypatch.setenv("ENCORE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("ENCORE_FACE_ENGINE", "tried")
    return tmp_path / "weights"


def row(table: str, name: str) -> str:
    """Return one line, its columns one space apart."""
    return next(" ".join(line.split()) for line in table.splitlines() if line.startswith(name))


def test_the_list_shows_what_an_engine_is_costs_misses_and_allows(folder, monkeypatch, capsys):
    monkeypatch.setitem(engines.ENGINES, "bundled", replace(engines.BUNDLED, measured=()))

    exit_code = main(["faces", "list"])

    shown = capsys.readouterr().out
    assert exit_code == 0
    assert row(shown, "bundled") == "bundled MTCNN + dlib ResNet-29 yes nothing not measured"
    assert row(shown, "tried") == "tried * YuNet + SFace no 0.1 MB portraits 28%"
    assert "tried: For clear licences" in shown
    assert "SFace: Apache-2.0." in shown


def test_the_list_warns_of_a_usual_engine_that_is_not_installed_damaged_or_unknown(
    folder, monkeypatch, capsys
):
    missing = main(["faces", "list"])
    said_missing = capsys.readouterr()
    main(["faces", "install", "tried"])
    capsys.readouterr()
    installed = main(["faces", "list"])
    said_installed = capsys.readouterr()
    (folder / "net.onnx").write_bytes(NET[:-1])
    damaged = main(["faces", "list"])
    said_damaged = capsys.readouterr()
    monkeypatch.setenv("ENCORE_FACE_ENGINE", "arcface")
    unknown = main(["faces", "list"])
    said_unknown = capsys.readouterr()

    assert (missing, installed, damaged, unknown) == (0, 0, 0, 0)
    assert said_missing.err == (
        'encore: The face engine "tried" cannot be used: net.onnx is not installed. '
        "To mend it: python -m core faces install tried\n"
    )
    assert (row(said_installed.out, "tried").split()[5], said_installed.err) == ("yes", "")
    assert row(said_damaged.out, "tried").split()[5] == "damaged"
    assert "net.onnx is not the file it should be" in said_damaged.err
    assert said_unknown.err.startswith('encore: There is no face engine called "arcface".')


def test_an_installation_shows_its_progress_and_is_verified_afterwards(folder, capsys):
    exit_codes = [main(["faces", "install", "tried"]), main(["faces", "verify", "tried"])]

    said = capsys.readouterr()
    assert exit_codes == [0, 0]
    assert (folder / "net.onnx").read_bytes() == NET
    assert said.out.splitlines() == [
        '"tried" is installed. New events use it with ENCORE_FACE_ENGINE=tried.',
        "Its licence: YuNet: MIT. SFace: Apache-2.0.",
        "tried: every file is the one it should be.",
    ]
    assert said.err.strip() == "net.onnx: 0.1 of 0.1 MB"


def test_what_is_there_already_is_said_and_no_error(folder, capsys):
    exit_codes = [main(["faces", "install", "tried"]), main(["faces", "install", "tried"])]

    assert exit_codes == [0, 0]
    assert capsys.readouterr().out.splitlines()[-1] == '"tried" was installed already.'


def test_the_bundled_engine_needs_no_installation(folder, capsys):
    exit_code = main(["faces", "install", "bundled"])

    assert exit_code == 0
    assert capsys.readouterr().out == '"bundled" comes with Encore: nothing is to be downloaded.\n'


def test_a_refused_installation_is_one_sentence(folder, shelf, capsys):
    shelf.files["/net"] = NET[::-1]

    exit_code = main(["faces", "install", "tried"])

    said = capsys.readouterr()
    assert (exit_code, said.out) == (1, "")
    assert said.err.splitlines()[-1].startswith("encore: What came is not net.onnx, and was thrown away")


def test_a_wrong_file_that_was_pinned_is_got_rid_of_as_the_refusals_say(folder, shelf, monkeypatch, capsys):
    start = b"\x89HDF"
    right, wrong = start + os.urandom(40_000), start + os.urandom(40_000)
    file = DownloadedFile("open.h5", shelf.url("open"), 41_000, None, start)
    monkeypatch.setitem(
        engines.ENGINES, "open", replace(engines.SFACE, name="open", weights=(file,), measured=())
    )
    shelf.files["/open"] = right
    folder.mkdir()
    (folder / "open.h5").write_bytes(wrong)

    by_hand = main(["faces", "install", "open"])
    (folder / "open.h5").unlink()
    refused = main(["faces", "install", "open"])
    said = capsys.readouterr().err
    mended = main(["faces", "install", "open", "--forget-pins"])
    verified = main(["faces", "verify", "open"])

    assert (by_hand, refused, mended, verified) == (0, 1, 0, 0)
    assert "python -m core faces install open --forget-pins" in said
    assert (folder / "open.h5").read_bytes() == right


def test_a_folder_that_is_none_is_one_sentence_whatever_is_asked(folder, capsys):
    folder.write_bytes(b"no folder")

    exit_codes = [main(["faces", *words]) for words in (["list"], ["verify"], ["install", "tried"])]

    said = capsys.readouterr()
    assert (exit_codes, said.out) == ([1, 1, 1], "")
    assert len(said.err.splitlines()) == 3
    assert said.err.count(f"encore: The face engines' weights cannot be used: {folder}") == 3


def test_an_engine_nobody_knows_is_refused_by_name(folder, capsys):
    exit_code = main(["faces", "install", "arcface"])

    assert exit_code == 1
    assert capsys.readouterr().err.startswith('encore: There is no face engine called "arcface".')


def test_a_changed_file_fails_the_check_of_all_and_one_never_installed_does_not(folder, capsys):
    main(["faces", "install", "tried"])
    before = main(["faces", "verify"])
    (folder / "net.onnx").write_bytes(NET[:-1])

    after = main(["faces", "verify"])

    assert (before, after) == (0, 1)
    assert "tried: net.onnx is not the file it should be" in capsys.readouterr().out


def test_the_check_of_all_fails_for_a_usual_engine_that_is_not_installed_or_unknown(
    folder, monkeypatch, capsys
):
    missing = main(["faces", "verify"])
    monkeypatch.setenv("ENCORE_FACE_ENGINE", "arcface")
    unknown = main(["faces", "verify"])
    monkeypatch.setenv("ENCORE_FACE_ENGINE", "bundled")
    whole = main(["faces", "verify"])

    said = capsys.readouterr()
    assert (missing, unknown, whole) == (1, 1, 0)
    assert said.out.count("tried: net.onnx is not installed.") == 3
    assert said.err.startswith('encore: There is no face engine called "arcface".')


def test_a_download_that_fails_names_the_file_and_the_engine(folder, shelf, capsys):
    del shelf.files["/net"]

    exit_code = main(["faces", "install", "tried"])

    assert exit_code == 1
    assert capsys.readouterr().err == (
        "encore: net.onnx could not be downloaded: 127.0.0.1 does not give net.onnx: it answered 404. "
        'The face engine "tried" is not installed.\n'
    )


def test_asking_for_an_engine_that_is_not_installed_fails_its_check(folder, capsys):
    exit_code = main(["faces", "verify", "tried"])

    assert exit_code == 1
    assert capsys.readouterr().out == "tried: net.onnx is not installed.\n"
