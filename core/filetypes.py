"""What a file is, told by the bytes it begins with and never by its name."""

_MAGIC = [
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"II*\x00", "a TIFF or a camera's raw file"),
    (b"MM\x00*", "a TIFF or a camera's raw file"),
    (b"IIU\x00", "a camera's raw file"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"BM", "a BMP"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"SIMPLE  =", "a FITS file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
]
_BRANDS = {  # of the ISO media container, bytes 8 to 12
    b"heic": "a HEIC file",
    b"heix": "a HEIC file",
    b"heim": "a HEIC file",
    b"hevc": "a HEIC file",
    b"mif1": "a HEIC file",
    b"msf1": "a HEIC file",
    b"avif": "an AVIF file",
    b"avis": "an AVIF file",
    b"crx ": "a camera's raw file",
}


def is_supported(head: bytes) -> bool:
    """Tell whether this begins as a JPEG, a PNG or a WebP does."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or is_webp


def kind(head: bytes) -> str:
    """Name any other file for its sender, by its first half kilobyte or less."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "a video")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "a video"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return _kind_of_text(head) if b"\x00" not in head else "not a picture"


def _kind_of_text(head: bytes) -> str:
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith("<svg") or (text.startswith("<?xml") and "<svg" in text):
        return "an SVG drawing"
    if text.startswith(("<!doctype html", "<html")):
        return "a web page"
    return "not a picture" if text.count("\ufffd") > 1 else "a text file"
