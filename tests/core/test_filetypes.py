"""Files are named by their content."""

import pytest

from core import filetypes

NAMED = [
    (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "a HEIC file"),
    (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "an AVIF file"),
    (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01", "a camera's raw file"),
    (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "a video"),
    (b"RIFF\x00\x10\x00\x00AVI LIST", "a video"),
    (b"GIF89a\x01\x00\x01\x00", "a GIF"),
    (b"%PDF-1.7\n", "a PDF"),
    (b"PK\x03\x04\x14\x00\x00\x00", "a ZIP archive"),
    (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "a TIFF or a camera's raw file"),
    (b"MM\x00*\x00\x00\x00\x08", "a TIFF or a camera's raw file"),
    (b"8BPS\x00\x01", "a Photoshop file"),
    (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript file"),
    (b"SIMPLE  =                    T", "a FITS file"),
    (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    (b"<!DOCTYPE html><title>Not found</title>", "a web page"),
    ("\ufeff<html lang='th'>".encode(), "a web page"),
    ("สวัสดี, this is me".encode(), "a text file"),
    (b"\x7fELF\x02\x01\x01\x00", "a program"),
    (b"\x00\x01\x02\x03", "not a picture"),
    (b"\x93\x94\xfe\xfd\x93", "not a picture"),
]


@pytest.mark.parametrize(("head", "kind"), NAMED)
def test_a_file_is_named_by_the_bytes_it_begins_with(head, kind):
    assert (filetypes.is_supported(head), filetypes.kind(head)) == (False, kind)


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    ],
)
def test_the_three_formats_are_supported(head):
    assert filetypes.is_supported(head)
