"""What upright pixels a picture has, and what is made of them."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from core import imaging
from tests.pictures import encoded, exif_of, scene

FILE_TYPES = ["JPEG", "PNG", "WEBP"]
TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT = (0, 0), (0, -1), (-1, 0), (-1, -1)


@pytest.mark.parametrize("file_type", FILE_TYPES)
@pytest.mark.parametrize(
    ("orientation", "first", "last_of_first_row"),  # EXIF 2.32, 4.6.4: where they are seen
    [
        (1, TOP_LEFT, TOP_RIGHT),
        (2, TOP_RIGHT, TOP_LEFT),
        (3, BOTTOM_RIGHT, BOTTOM_LEFT),
        (4, BOTTOM_LEFT, BOTTOM_RIGHT),
        (5, TOP_LEFT, BOTTOM_LEFT),
        (6, TOP_RIGHT, BOTTOM_RIGHT),
        (7, BOTTOM_RIGHT, TOP_RIGHT),
        (8, BOTTOM_LEFT, TOP_LEFT),
    ],
)
def test_every_orientation_is_turned_upright(file_type, orientation, first, last_of_first_row):
    stored = Image.new("RGB", (64, 32), "black")
    stored.paste("red", (0, 0, 16, 16))
    stored.paste("blue", (48, 0, 64, 16))
    content = encoded(stored, file_type, exif=exif_of({ExifTags.Base.Orientation: orientation}))

    pixels, facts = imaging.load_upright(content, None), imaging.inspect(content)

    assert pixels.shape == (facts.height, facts.width, 3) == ((32, 64, 3) if orientation < 5 else (64, 32, 3))
    assert (pixels[first].argmax(), pixels[last_of_first_row].argmax()) == (0, 2)
    assert min(pixels[first].max(), pixels[last_of_first_row].max()) > 200


@pytest.mark.parametrize(
    ("longest_side", "shape"), [(None, (1000, 1500, 3)), (300, (200, 300, 3)), (9000, (1000, 1500, 3))]
)
@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_a_picture_is_shrunk_and_never_enlarged(file_type, longest_side, shape):
    content = encoded(Image.new("RGB", (1500, 1000), (200, 100, 50)), file_type)

    pixels = imaging.load_upright(content, longest_side)

    assert (pixels.shape, pixels.dtype) == (shape, np.uint8)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 3


@pytest.mark.parametrize(
    ("shorter_side", "shape"),
    [(0, (100, 1000, 3)), (80, (100, 1000, 3)), (150, (150, 1500, 3)), (999, (300, 3000, 3))],
)
def test_a_panorama_is_shrunk_no_further_than_its_shorter_side_lets_it(shorter_side, shape):
    content = encoded(Image.new("RGB", (3000, 300)), "JPEG")

    assert imaging.load_upright(content, 1000, shorter_side).shape == shape


SIXTEEN_BIT = Image.fromarray(np.full((8, 8), 200 * 257, np.uint16))


@pytest.mark.parametrize(
    ("image", "file_type", "seen"),
    [
        (Image.new("L", (8, 8), 90), "JPEG", (90, 90, 90)),
        (Image.new("1", (8, 8), 1), "PNG", (255, 255, 255)),
        (Image.new("P", (8, 8), 0), "PNG", (0, 0, 0)),
        (SIXTEEN_BIT, "PNG", (200, 200, 200)),
        (Image.new("LA", (8, 8), (0, 128)), "PNG", (127, 127, 127)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 255)), "WEBP", (255, 0, 0)),
        (Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", (255, 0, 0)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(image, file_type, seen):
    pixels = imaging.load_upright(encoded(image, file_type), None)

    assert pixels.shape == (8, 8, 3)
    assert np.abs(pixels.astype(int) - seen).max() <= 3


P3_TO_XYZ = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
SRGB_TO_XYZ = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])


def p3_profile() -> bytes:
    """Return a version 2 ICC profile of Display P3's primaries at D50, with a gamma of 2.2."""

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + bytes(79),
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{name: xyz(P3_TO_XYZ[:, at]) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **{name: b"curv\0\0\0\0" + struct.pack(">IHH", 1, 563, 0) for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    table, body, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(value))
        body += value
    head = struct.pack(">I4xI4s4s4s12x4s", offset + len(body), 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return head.ljust(68, b"\0") + xyz((0.9642, 1.0, 0.8249))[8:] + bytes(48) + table + body


@pytest.mark.parametrize("colour", [(200, 120, 60), (90, 160, 90), (128, 128, 128), (20, 40, 70)])
def test_a_wide_colour_profile_is_converted_to_srgb(colour):
    content = encoded(Image.new("RGB", (8, 8), colour), "PNG", icc_profile=p3_profile())
    linear = np.linalg.solve(SRGB_TO_XYZ, P3_TO_XYZ @ (np.array(colour) / 255) ** 2.2).clip(0, 1)
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)

    pixels = imaging.load_upright(content, None)

    assert np.abs(pixels[0, 0] - expected).max() <= 2


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        p3_profile()[:200],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_a_profile_that_is_broken_or_srgb_changes_nothing(profile):
    content = encoded(Image.new("RGB", (8, 8), (200, 120, 60)), "PNG", icc_profile=profile)

    assert imaging.load_upright(content, None)[0, 0].tolist() == [200, 120, 60]


# --- renditions ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1600, 1067), (900, 1600), (400, 120), (20, 10)])
def test_each_rendition_fits_its_size_and_is_never_enlarged(shape):
    renditions = imaging.render(np.asarray(scene(*shape)), "Night Run")

    sizes = {name: Image.open(BytesIO(content)).size for name, content in renditions.items()}
    shrink = {name: min(1, side / max(shape)) for name, side in imaging.RENDITIONS.items()}
    assert sizes == {name: (round(shape[0] * by), round(shape[1] * by)) for name, by in shrink.items()}


def test_a_rendition_is_a_progressive_jpeg_without_metadata():
    source = encoded(scene(), "JPEG", exif=exif_of({ExifTags.Base.Make: "Canon"}), icc_profile=p3_profile())

    renditions = imaging.render(imaging.load_upright(source, 1600), "Night Run")

    for content in renditions.values():
        with Image.open(BytesIO(content)) as rendition:
            assert rendition.format == "JPEG"
            assert set(rendition.info) <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "progressive",
                "progression",
            }


def test_every_rendition_is_marked_everywhere():
    pixels = np.full((1067, 1600, 3), 128, np.uint8)

    renditions = imaging.render(pixels, "Night Run 2026")

    for content in renditions.values():
        seen = np.asarray(Image.open(BytesIO(content)).convert("L"), float)
        ninths = [part for band in np.array_split(seen, 3) for part in np.array_split(band, 3, axis=1)]
        assert min(part.std() for part in ninths) > 5
