"""Pictures for tests, encoded in this and that way."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image


def encoded(image: Image.Image, file_type: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_type, **options)
    return buffer.getvalue()


def scene(width: int = 60, height: int = 40) -> Image.Image:
    """A picture with something everywhere: two ramps and a pattern."""
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([across * 255 // width, down * 255 // height, (across * down * 7) % 256], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


def exif_of(ifd0: dict[int, object], original: str | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif.update(ifd0)
    if original:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = original
    return exif


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def with_chunk(content: bytes, chunk: bytes) -> bytes:
    """Put a chunk behind the header of a PNG."""
    return content[:33] + chunk + content[33:]
