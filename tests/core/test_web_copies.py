"""The copy in web size: small, upright, sRGB, of no place, and saying whose it is."""

import html
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from core import geotags, imaging, web_copies
from tests.core.test_imaging_pixels import p3_profile
from tests.credits import EVERYWHERE, Said, credited, said_by
from tests.pictures import encoded, exif_of, scene


def copy_of(content: bytes, folder: Path) -> bytes:
    (folder / "original").write_bytes(content)
    web_copies.make(folder / "original", folder / "copy")
    assert (folder / "original").read_bytes() == content
    return (folder / "copy").read_bytes()


def facts(content: bytes) -> tuple[str | None, str, tuple[int, int]]:
    with Image.open(BytesIO(content)) as image:
        return image.format, image.mode, image.size


@pytest.mark.parametrize(
    ("size", "copied"),
    [
        ((4096, 3072), (2048, 1536)),
        ((1500, 3000), (1024, 2048)),
        ((2048, 2048), (2048, 2048)),
        ((60, 40), (60, 40)),
    ],
)
def test_the_longest_side_is_2048_pixels_and_nothing_is_enlarged(tmp_path, size, copied):
    copy = copy_of(encoded(Image.new("RGB", size, "teal"), "JPEG"), tmp_path)

    assert facts(copy) == ("JPEG", "RGB", copied)


@pytest.mark.parametrize("file_type", ["JPEG", "PNG", "WEBP"])
def test_whatever_was_uploaded_the_copy_is_a_jpeg_that_looks_the_same(tmp_path, file_type):
    picture = scene().resize((600, 400), Image.Resampling.BICUBIC)

    copy = copy_of(encoded(picture, file_type), tmp_path)

    with Image.open(BytesIO(copy)) as image:
        difference = np.abs(np.asarray(image, int) - np.asarray(picture, int)).mean()
    assert facts(copy) == ("JPEG", "RGB", (600, 400))
    assert difference < 8


def test_the_copy_is_upright_and_says_nothing_of_turning(tmp_path):
    copy = copy_of(encoded(scene(60, 40), "JPEG", exif=exif_of({ExifTags.Base.Orientation: 6})), tmp_path)

    with Image.open(BytesIO(copy)) as image:
        assert image.size == (40, 60)
        assert ExifTags.Base.Orientation not in image.getexif()


def test_the_copy_is_srgb_and_has_no_profile(tmp_path):
    colour = (30, 200, 40)  # in sRGB it is another one
    copy = copy_of(encoded(Image.new("RGB", (80, 60), colour), "JPEG", icc_profile=p3_profile()), tmp_path)

    with Image.open(BytesIO(copy)) as image:
        assert image.info.get("icc_profile") is None
        assert max(abs(a - b) for a, b in zip(image.getpixel((40, 30)), colour, strict=True)) > 8


def test_the_copy_has_no_mark(tmp_path):
    """The negative control: the same picture with a mark differs much."""
    picture = Image.new("RGB", (800, 600), "gray")

    copy = copy_of(encoded(picture, "JPEG"), tmp_path)

    marked = imaging.render(np.asarray(picture), "Bangkok Run")["800"]
    spreads = [np.asarray(Image.open(BytesIO(content)).convert("L")).std() for content in (copy, marked)]
    assert spreads[0] < 1 < 5 < spreads[1]


# --- whose it is ---------------------------------------------------------------------------


def test_creator_and_copyright_are_carried_over_in_all_three_places(tmp_path):
    original = credited()

    copy = copy_of(original, tmp_path)

    assert said_by(original) == EVERYWHERE
    assert said_by(copy) == EVERYWHERE


def test_nothing_else_of_the_metadata_is_carried_over(tmp_path):
    original = credited()

    copy = copy_of(original, tmp_path)

    for trace in (b"EncoreCam", b"Headline", b"Darkroom", b"GPS", b"xpacket"):
        assert trace in original or trace == b"GPS"
        assert trace not in copy
    assert geotags.has_gps(original)
    assert not geotags.has_gps(copy)


@pytest.mark.parametrize("place", ["exif", "iptc", "xmp"])
def test_what_one_place_says_is_written_in_all(tmp_path, place):
    said = {"exif": ("Ann", "(c) Ann"), "iptc": (["Ann"], "(c) Ann"), "xmp": (["Ann"], "(c) Ann")}

    copy = copy_of(credited(Said(**{place: said[place]})), tmp_path)

    assert said_by(copy) == Said(**said)


def test_a_photo_that_says_nothing_has_a_copy_that_says_nothing(tmp_path):
    copy = copy_of(encoded(scene(), "JPEG"), tmp_path)

    with Image.open(BytesIO(copy)) as image:
        assert not {"exif", "xmp", "photoshop"} & set(image.info)


@pytest.mark.parametrize("file_type", ["PNG", "WEBP"])
def test_of_png_and_webp_exif_and_xmp_are_read(tmp_path, file_type):
    exif = exif_of({ExifTags.Base.Artist: "Ann"}).tobytes()
    xmp = b'<rdf:Description dc:rights="(c) Ann &amp; Co"/>'
    if file_type == "WEBP":
        content = encoded(scene(), "WEBP", exif=exif, xmp=xmp)
    else:
        from PIL.PngImagePlugin import PngInfo

        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
        content = encoded(scene(), "PNG", exif=exif, pnginfo=texts)

    said = said_by(copy_of(content, tmp_path))

    assert said.exif == ("Ann", "(c) Ann & Co")
    assert said.xmp == (["Ann"], "(c) Ann & Co")


def test_the_same_original_gives_the_same_bytes(tmp_path):
    original = credited(size=(600, 400))

    assert copy_of(original, tmp_path) == copy_of(original, tmp_path)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=3), WORDS)
def test_names_in_any_script_come_through(tmp_path_factory, creators, notice):
    said = Said(iptc=(creators, notice))

    copy = said_by(copy_of(credited(said), tmp_path_factory.mktemp("copy")))

    assert copy.iptc == copy.xmp == (creators, notice)
    assert copy.exif == ("; ".join(creators), notice)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_metadata_that_is_no_metadata_refuses_no_photo(tmp_path_factory, records, packet):
    block = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(records).to_bytes(4, "big") + records
    segment = b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block
    content = encoded(scene(), "JPEG", extra=segment, xmp=packet + b"<dc:creator><rdf:li>" + packet)

    copy = copy_of(content, tmp_path_factory.mktemp("copy"))

    assert facts(copy) == ("JPEG", "RGB", (60, 40))


def test_very_long_credits_are_cut_and_still_fit(tmp_path):
    names = [f"{number} {'&' * 600}" for number in range(60)]
    packet = "<dc:creator>" + "".join(f"<rdf:li>{html.escape(name)}</rdf:li>" for name in names)
    content = encoded(scene(), "WEBP", xmp=f"{packet}</dc:creator>".encode())

    said = said_by(copy_of(content, tmp_path))

    assert len(said.xmp[0]) == len(said.iptc[0]) == web_copies.MOST_CREATORS
    assert {len(name) for name in said.xmp[0]} == {web_copies.LONGEST_TEXT}


def test_a_packet_of_many_openings_is_read_in_time(tmp_path):
    content = encoded(scene(), "WEBP", xmp=b"<dc:creator>" * 100_000 + b"<rdf:li >" * 100_000)

    assert facts(copy_of(content, tmp_path)) == ("JPEG", "RGB", (60, 40))
