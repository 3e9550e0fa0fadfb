"""What is let in as a photo, and what is learned of it."""

import struct
import zlib
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from core import imaging
from core.errors import InvalidInput
from core.ports import MediaType, PhotoFacts
from tests.pictures import encoded, exif_of, png_chunk, scene, with_chunk

FORMATS = {"JPEG": MediaType.JPEG, "PNG": MediaType.PNG, "WEBP": MediaType.WEBP}


# --- inspect -------------------------------------------------------------------------------


@pytest.mark.parametrize("file_type", FORMATS)
def test_a_plain_picture_is_described(file_type):
    content = encoded(scene(), file_type)

    assert imaging.inspect(content) == PhotoFacts(FORMATS[file_type], 60, 40, None, None, False)


def test_a_file_and_its_bytes_are_the_same_picture(tmp_path):
    content = encoded(scene(), "JPEG", exif=exif_of({ExifTags.Base.Make: "Canon"}))
    (tmp_path / "holiday.txt").write_bytes(content)

    assert imaging.inspect(tmp_path / "holiday.txt") == imaging.inspect(content)


def test_the_camera_and_its_clock_are_read():
    exif = exif_of({ExifTags.Base.Make: "SONY", ExifTags.Base.Model: "ILCE-7M3"}, "2026:10:17 19:49:41")
    exif[ExifTags.Base.Orientation] = 6

    facts = imaging.inspect(encoded(scene(), "JPEG", exif=exif))

    taken_at = datetime(2026, 10, 17, 19, 49, 41)
    assert facts == PhotoFacts(MediaType.JPEG, 40, 60, taken_at, "SONY ILCE-7M3", False)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON D850"),
        ("  OLYMPUS CORPORATION   ", "E-M5", "OLYMPUS CORPORATION E-M5"),
        ("Apple", "", "Apple"),
        ("", "Pixel 9\x07", "Pixel 9"),
        ("", "", None),
    ],
)
def test_a_camera_is_named_with_its_maker_once(make, model, camera):
    exif = exif_of({ExifTags.Base.Make: make, ExifTags.Base.Model: model})

    assert imaging.inspect(encoded(scene(), "JPEG", exif=exif)).camera == camera


@pytest.mark.parametrize(
    "clock", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", "2026:13:40 25:61:00"]
)
def test_a_clock_that_was_never_set_tells_no_time(clock):
    exif = exif_of({ExifTags.Base.DateTime: clock}, clock)

    assert imaging.inspect(encoded(scene(), "JPEG", exif=exif)).taken_at is None


@pytest.mark.parametrize(
    ("year", "is_told"), [("0001", False), ("1825", False), ("1826", True), ("2200", True), ("2201", False)]
)
def test_a_time_before_the_first_photograph_or_far_ahead_is_no_time(year, is_told):
    clock = f"{year}:06:01 12:00:00"
    exif = exif_of({ExifTags.Base.DateTime: clock}, clock)

    taken_at = imaging.inspect(encoded(scene(), "JPEG", exif=exif)).taken_at

    assert taken_at == (datetime(int(year), 6, 1, 12) if is_told else None)


def test_the_time_of_the_file_stands_in_for_that_of_the_shot():
    exif = exif_of({ExifTags.Base.DateTime: "2026:01:02 03:04:05"}, "0000:00:00 00:00:00")

    taken_at = imaging.inspect(encoded(scene(), "JPEG", exif=exif)).taken_at

    assert taken_at == datetime(2026, 1, 2, 3, 4, 5)


@settings(deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"II*\x00\x08\x00\x00\x00", b"MM\x00*\x00\x00\x00\x08"])
)
def test_no_exif_ever_refuses_a_photo(garbage, header):
    content = encoded(Image.new("RGB", (8, 4)), "JPEG", exif=b"Exif\x00\x00" + header + garbage)

    facts = imaging.inspect(content)

    assert sorted((facts.width, facts.height)) == [4, 8]


# --- refusals ------------------------------------------------------------------------------


def test_an_empty_file_is_refused():
    with pytest.raises(imaging.EmptyFile):
        imaging.inspect(b"")


def test_a_file_with_too_many_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(imaging, "MAX_BYTES", 2 * 1024**2)
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(scene(), "JPEG").ljust(2 * 1024**2 + 1, b"\x00"))

    with pytest.raises(imaging.FileTooLarge, match="larger than 2 MB"):
        imaging.inspect(path)


def test_another_kind_of_file_is_refused_by_its_name():
    with pytest.raises(imaging.UnsupportedType, match="This is a PDF, and Encore takes JPEG, PNG and WebP"):
        imaging.inspect(b"%PDF-1.7")


@pytest.mark.parametrize("size", [(50_000, 50_000), (12_000, 12_000), (20_001, 2), (2, 20_001)])
def test_a_flood_of_pixels_is_refused_by_its_header(size):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")

    with pytest.raises(imaging.TooManyPixels):
        imaging.inspect(content)


@pytest.mark.parametrize("file_type", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_picture_that_was_cut_off_is_refused(file_type, part):
    content = encoded(scene(), file_type)

    with pytest.raises(imaging.BrokenPicture):
        imaging.inspect(content[: int(len(content) * part)])


def test_a_progressive_picture_that_was_cut_off_is_refused():
    content = encoded(scene(600, 400), "JPEG", progressive=True)

    with pytest.raises(imaging.BrokenPicture):
        imaging.inspect(content[: len(content) - 1000])


def test_a_picture_with_a_damaged_middle_is_refused():
    content = bytearray(encoded(scene()))
    content[len(content) // 2] ^= 0xFF

    with pytest.raises(imaging.BrokenPicture):
        imaging.inspect(bytes(content))


@pytest.mark.parametrize("chunk", [b"zTXt", b"iCCP"])
def test_a_text_that_swells_is_refused(chunk):
    bomb = png_chunk(chunk, b"Comment\x00\x00" + zlib.compress(bytes(80 * 1024**2)))

    with pytest.raises(imaging.BrokenPicture):
        imaging.inspect(with_chunk(encoded(scene()), bomb))


@pytest.mark.parametrize("file_type", ["PNG", "WEBP"])
def test_an_animation_is_refused(file_type):
    content = encoded(scene(), file_type, save_all=True, append_images=[Image.new("RGB", (60, 40), "red")])

    with pytest.raises(imaging.AnimatedPicture):
        imaging.inspect(content)


def test_a_camera_file_with_a_second_view_is_its_first_view():
    content = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40), "red")])

    assert imaging.inspect(content) == PhotoFacts(MediaType.JPEG, 60, 40, None, None, False)
    assert np.abs(imaging.load_upright(content, None).astype(int) - np.asarray(scene())).mean() < 40


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(FORMATS)))
def test_damage_anywhere_is_either_harmless_or_refused(data, file_type):
    content = bytearray(encoded(scene(24, 16), file_type))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    try:
        facts = imaging.inspect(bytes(content))
    except InvalidInput:
        return

    assert facts.media_type is FORMATS[file_type]
