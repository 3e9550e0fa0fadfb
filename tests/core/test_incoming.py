"""Bytes on their way in, and the names they come under (T11)."""

import hashlib
import os
import unicodedata
from datetime import timedelta

import pytest

from core import incoming
from core.incoming import FileTooBig, Incoming, tidy_name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("/absolute/b.jpg", "b.jpg"),
        ("a\x00b.jpg", "ab.jpg"),
        ("line\r\nbreak.jpg", "linebreak.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\u2066hidden\u2069.jpg", "hidden.jpg"),
        ("zero\u200bwidth.jpg", "zerowidth.jpg"),
        ("lone\udc80surrogate.jpg", "lonesurrogate.jpg"),
        ("  spaces .jpg. ", "spaces .jpg"),
        ("CON", "CON"),
        ("🏃‍♀️ finish.jpg", "🏃♀️ finish.jpg"),
        ("ภาพวิ่ง.jpg", "ภาพวิ่ง.jpg"),
        ("", "photo"),
        (".", "photo"),
        ("..", "photo"),
        ("folder/", "photo"),
        ("x" * 300 + ".jpg", "x" * 196 + ".jpg"),
        ("ก" * 300 + ".jpg", "ก" * 196 + ".jpg"),
    ],
)
def test_a_name_is_shown_without_folders_and_hidden_signs(given, shown):
    assert tidy_name(given) == shown


@pytest.mark.parametrize("given", ["a/../b\x07.jpg", "\u202e\u202d", "x" * 1000, "🏃" * 1000])
def test_a_shown_name_fits_its_column_and_stays_as_it_is(given):
    once = tidy_name(given)

    assert 0 < len(once) <= 200
    assert tidy_name(once) == once
    assert not {unicodedata.category(char) for char in once} & {"Cc", "Cf", "Cs"}
    assert "/" not in once


def test_bytes_are_hashed_as_they_pass_and_gone_afterwards(backends):
    with Incoming(backends, "a.jpg") as upload:
        for chunk in (b"one", b"", b"two"):
            upload.write(chunk)
        digest = upload.finish()
        on_disk = upload.path.read_bytes()

    assert (digest, on_disk, upload.byte_size) == (hashlib.sha256(b"onetwo").hexdigest(), b"onetwo", 6)
    assert not upload.path.exists()


def test_too_many_bytes_are_refused_in_the_middle(backends):
    backends.settings.max_upload_mib = 1

    with Incoming(backends, "a.jpg") as upload:
        upload.write(bytes(2**20))
        with pytest.raises(FileTooBig, match="larger than 1 MB"):
            upload.write(b"x")

    assert not upload.path.exists()


def test_exactly_as_many_bytes_as_allowed_pass(backends):
    backends.settings.max_upload_mib = 1

    with Incoming(backends, "a.jpg") as upload:
        upload.write(bytes(2**20))

    assert upload.byte_size == 2**20


def make_temporary(backends, name: str, age: timedelta):
    folder = backends.settings.data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"bytes")
    at = (backends.now() - age).timestamp()
    os.utime(folder / name, (at, at))
    return folder / name


def test_temporary_files_older_than_a_day_are_swept_and_those_in_use_stay(backends):
    minute = timedelta(minutes=1)
    for name in ("upload-old", "work-old"):
        make_temporary(backends, name, incoming.TEMPORARY_TTL + minute)
    kept = make_temporary(backends, "upload-fresh", incoming.TEMPORARY_TTL - minute)

    incoming.sweep(backends)

    assert list(kept.parent.iterdir()) == [kept]
    assert timedelta(days=1) == incoming.TEMPORARY_TTL


def test_sweeping_before_the_first_upload_is_no_error(backends):
    incoming.sweep(backends)

    assert not (backends.settings.data / "tmp").exists()
