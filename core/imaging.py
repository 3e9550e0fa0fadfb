"""Pictures: what an upload is, its upright pixels, and the marked renditions made of them.

Pure, and run in a pixel child only: everything here reads strangers' bytes. Everything but a plain still
JPEG, PNG or WebP within the limits is refused, by name where it has one.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile

from core import filetypes, geotags, watermark
from core.errors import InvalidInput
from core.ports import MediaType, PhotoFacts, Pixels

MAX_BYTES = 100 * 1024 * 1024
FIRST_PHOTOGRAPH, LAST_YEAR = 1826, 2200
MAX_PIXELS = 100_000_000  # a 100-megapixel back is the largest camera in use
MAX_SIDE = 20_000  # pixels
RENDITIONS = {"150": 150, "300": 300, "800": 800, "1600": 1600}  # name: longest side in pixels
JPEG_QUALITY = 82

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own guard then agrees with ours

_HEAD_BYTES = 512
_MEDIA_TYPES = {
    "JPEG": MediaType.JPEG,
    "MPO": MediaType.JPEG,  # a JPEG that carries a second view or a gain map; only the first is read
    "PNG": MediaType.PNG,
    "WEBP": MediaType.WEBP,
}
_UPRIGHT = {  # EXIF orientation: what turns the stored pixels upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = (5, 6, 7, 8)
_SRGB_NAMES = (b"sRGB IEC61966", "sRGB".encode("utf-16-be"))  # in profiles of version 2 and 4
# What Pillow is known to raise on bytes that are not what they say.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, zlib.error)


class EmptyFile(InvalidInput):
    """There is not one byte."""


class FileTooLarge(InvalidInput):
    """More bytes than a photo needs."""


class UnsupportedType(InvalidInput):
    """By its content it is no JPEG, PNG or WebP."""


class TooManyPixels(InvalidInput):
    """It would decode to more pixels than we hold in memory."""


class TooHeavy(InvalidInput):
    """Reading it took more memory than a pixel child may have."""


class AnimatedPicture(InvalidInput):
    """It moves."""


class BrokenPicture(InvalidInput):
    """It begins like a picture, but cannot be decoded to its end."""


def inspect(source: Path | bytes) -> PhotoFacts:
    """Return what a picture is, having decoded all of it once. Raises InvalidInput."""
    with opened(source) as image:
        image.verify()  # the checksums of a PNG, which decoding does not look at; nothing for the others
    with opened(source) as image:
        media_type = _MEDIA_TYPES[image.format or ""]
        width, height = image.size
        # Reads every byte of a JPEG, and makes 1/64 of its pixels.
        image.draft("RGB", (max(1, width // 8), max(1, height // 8)))
        image.load()
        if _orientation(image) in _QUARTER_TURNS:
            width, height = height, width
        taken_at, camera = _taken_at(image), _camera(image)
    return PhotoFacts(media_type, width, height, taken_at, camera, geotags.has_gps(source))


def load_upright(source: Path | bytes, longest_side: int | None, shorter_side: int = 0) -> Pixels:
    """Return the picture as a person would see it: upright, sRGB, transparency on white.

    It is shrunk to `longest_side` pixels, but not below `shorter_side`, and never enlarged; None keeps every
    pixel. Raises InvalidInput.
    """
    with opened(source) as image:
        target = _fitting(image.size, longest_side or max(image.size), shorter_side)
        image.draft("RGB", target)  # a JPEG is decoded at a half, a quarter or an eighth if that is enough
        image.load()
        orientation = _orientation(image)
        plain = _shrunk(_on_white(_plain(image)), target)
        upright = _srgb(plain, image.info.get("icc_profile"))
        if orientation in _UPRIGHT:
            upright = upright.transpose(_UPRIGHT[orientation])
        return np.asarray(upright)


def render(pixels: Pixels, mark: str) -> dict[str, bytes]:
    """Return a JPEG per rendition name, each covered with `mark`, without any metadata."""
    image = Image.fromarray(pixels)
    renditions = {}
    for name, longest_side in sorted(RENDITIONS.items(), key=lambda item: -item[1]):
        size = _fitting(image.size, longest_side)
        if size != image.size:
            image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
        renditions[name] = _jpeg(watermark.marked(image, mark))
    return renditions


# --- opening -------------------------------------------------------------------------------


@contextmanager
def opened(source: Path | bytes) -> Iterator[ImageFile.ImageFile]:
    """Yield the picture with its header read and its pixels not; a break inside is a refusal."""
    with _stream(source) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        _require_supported(stream)
        try:
            with Image.open(stream, formats=["JPEG", "PNG", "WEBP"]) as image:
                _require_size(image)
                yield image
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_many_pixels() from error
        except BROKEN as error:
            raise BrokenPicture(
                "This picture is damaged or incomplete. Copy it from the camera again and send that."
            ) from error


def _stream(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _require_supported(stream: BinaryIO) -> None:
    length = stream.seek(0, 2)
    if length == 0:
        raise EmptyFile("This file is empty. Copy it from the camera again and send that.")
    if length > MAX_BYTES:
        raise FileTooLarge(
            "This file is larger than {megabytes} MB. Export it as JPEG and send that.",
            megabytes=MAX_BYTES // 1024**2,
        )
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    if not filetypes.is_supported(head):
        raise UnsupportedType(
            "This is {kind}, and Encore takes JPEG, PNG and WebP. Export it as JPEG and send that.",
            kind=filetypes.kind(head),
        )


def _require_size(image: Image.Image) -> None:
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise AnimatedPicture("This is an animation, and Encore takes still photos. Send a single picture.")


def _too_many_pixels() -> TooManyPixels:
    return TooManyPixels(
        "This picture has over {megapixels} megapixels or a side over {side} pixels. Send a smaller one.",
        megapixels=MAX_PIXELS // 1_000_000,
        side=MAX_SIDE,
    )


# --- EXIF ----------------------------------------------------------------------------------


def exif_value(image: Image.Image, tag: int, directory: int | None = None) -> object:
    """Return one EXIF value, None when it is not there or not readable: EXIF never refuses a photo."""
    try:
        exif = image.getexif()
        return (exif.get_ifd(directory) if directory else exif).get(tag)
    except BROKEN:
        return None


def _orientation(image: Image.Image) -> int:
    orientation = exif_value(image, ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else 1


def _taken_at(image: Image.Image) -> datetime | None:
    original = exif_value(image, ExifTags.Base.DateTimeOriginal, ExifTags.IFD.Exif)
    for value in (original, exif_value(image, ExifTags.Base.DateTime)):
        try:
            taken_at = datetime.strptime(_text(value)[:19], "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        if FIRST_PHOTOGRAPH <= taken_at.year <= LAST_YEAR:  # a clock that was never set says year 1
            return taken_at
    return None


def _camera(image: Image.Image) -> str | None:
    """Return the maker and the model, the maker once: many models begin with it."""
    make = _text(exif_value(image, ExifTags.Base.Make))
    model = _text(exif_value(image, ExifTags.Base.Model))
    if model and make and model.split()[0].lower() == make.split()[0].lower():
        make = ""
    return f"{make} {model}".strip()[:100] or None


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in value.split("\x00")[0])
    return " ".join(printable.split())


# --- pixels --------------------------------------------------------------------------------


def _fitting(size: tuple[int, int], longest_side: int, shorter_side: int = 0) -> tuple[int, int]:
    """Return `size` shrunk to a longest side, or as far as a shorter one lets it; what fits stays."""
    scale = max(longest_side / max(size), shorter_side / min(size))
    if scale >= 1:
        return size
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture at a smaller size in a third of the time that Pillow's own resize takes."""
    whole = max(image.size) // max(size)
    if whole > 1:
        image = image.reduce(whole)
    if image.size == size:
        return image
    # below a factor of two, two pixels each way are enough once the finest detail is blurred away; by this
    # much it is as close to Lanczos as Pillow's HAMMING
    sigma = 0.3 * ((max(image.size) / max(size)) ** 2 - 1) ** 0.5
    blurred = cv2.GaussianBlur(np.asarray(image), (3, 3), sigma)
    return Image.fromarray(cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR), image.mode)


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, RGBA, L or CMYK, of 8 bits."""
    if image.mode.startswith("I"):  # 16-bit greyscale, which Pillow's convert would clip at 255
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    return image.convert("L" if image.mode in ("1", "LA") else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return RGB by the embedded colour profile; one that does not work is ignored."""
    if not profile or any(name in profile for name in _SRGB_NAMES):
        return image.convert("RGB")
    srgb = ImageCms.createProfile("sRGB")
    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, embedded, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        converted = None
    return converted or image.convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, progressive=True, optimize=True)
    return buffer.getvalue()
