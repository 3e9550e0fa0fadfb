"""The smaller copy of a photo that a buyer may choose: upright, without a mark, and saying whose it is.

Pure, and run in a pixel child only. Nothing of the original's metadata is copied: who made it and whose it
is are read, and written anew. MWG guidance 2.0 names the places; IPTC-IIM 4.2, XMP part 3 and EXIF 2.32
their form.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from core import imaging

LONGEST_SIDE = 2048  # pixels: a large screen, or a print of 17 cm
QUALITY = 90  # as cameras' own "fine": nobody sees a difference at this size
LONGEST_TEXT = 500  # characters of a name or a notice that are kept
MOST_CREATORS = 20  # a segment of a JPEG holds 64 KiB

_BY_LINE, _NOTICE = (2, 80), (2, 116)  # records of IPTC
_UTF8 = b"\x1c\x01\x5a\x00\x03\x1b%G"  # says that the records are in UTF-8
_PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">{creators}{rights}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
_CREATORS = "<dc:creator><rdf:Seq>{items}</rdf:Seq></dc:creator>"
_RIGHTS = '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:rights>'


@dataclass(frozen=True)
class Credit:
    """Who made a photo, and the notice of whose it is; empty where nothing is said."""

    creators: tuple[str, ...] = ()
    notice: str = ""


@dataclass(frozen=True)
class Credits:
    """What each kind of metadata says."""

    exif: Credit
    iptc: Credit
    xmp: Credit


def make(source: Path, target: Path) -> None:
    """Write the copy of a photo as a JPEG. Raises InvalidInput."""
    says = read(source)
    image = Image.fromarray(imaging.load_upright(source, LONGEST_SIDE))
    image.save(
        target,
        "JPEG",
        quality=QUALITY,
        progressive=True,
        optimize=True,
        exif=_exif(says.exif),
        xmp=_xmp(says.xmp),
        extra=_iptc(says.iptc),
    )


def read(source: Path) -> Credits:
    """Return what a photo says; a place that is silent says what the others do. Raises InvalidInput."""
    with imaging.opened(source) as image:
        found = [_of_exif(image), _of_iptc(image), _of_xmp(image)]
    creators = next((one.creators for one in found if one.creators), ())
    notice = next((one.notice for one in found if one.notice), "")
    return Credits(*(Credit(one.creators or creators, one.notice or notice) for one in found))


# --- reading -------------------------------------------------------------------------------


def _of_exif(image: Image.Image) -> Credit:
    """Photographers are one text in EXIF, with semicolons between them."""
    names, notice = (
        imaging.exif_value(image, tag) for tag in (ExifTags.Base.Artist, ExifTags.Base.Copyright)
    )
    return _credit(_as_text(names).split(";"), _as_text(notice).partition("\x00")[0])


def _as_text(value: object) -> str:
    """Return text of EXIF: ASCII by its standard, often UTF-8, and read as Latin-1 by Pillow."""
    if not isinstance(value, str):
        return ""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _of_iptc(image: ImageFile.ImageFile) -> Credit:
    try:
        records = IptcImagePlugin.getiptcinfo(image) or {}
    except imaging.BROKEN:
        return Credit()
    return _credit(_records(records.get(_BY_LINE)), " ".join(_records(records.get(_NOTICE))))


def _records(value: bytes | list[bytes] | None) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_decoded(one) for one in values if one]


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _of_xmp(image: Image.Image) -> Credit:
    packet = image.info.get("xmp", b"")
    text = packet.decode(errors="replace") if isinstance(packet, bytes) else str(packet)
    return _credit(_values(text, "creator"), next(iter(_values(text, "rights")), ""))


def _values(packet: str, name: str) -> list[str]:
    """Return what a Dublin Core property says: a list, plain text or an attribute. No XML is parsed."""
    start = re.search(rf"<dc:{name}\b[^<>]*(?<!/)>", packet)
    if start is None:
        found = re.findall(rf"\bdc:{name}\s*=\s*\"([^\"<]*)\"", packet)[:1]
    else:
        content = packet[start.end() : packet.find(f"</dc:{name}", start.end())]
        found = re.findall(r"<rdf:li\b[^<>]*(?<!/)>([^<]*)<", content) or [content]
    return [html.unescape(value) for value in found]


def _credit(creators: Iterable[str], notice: str) -> Credit:
    names = [name for name in map(_tidy, creators) if name]
    return Credit(tuple(names[:MOST_CREATORS]), _tidy(notice))


def _tidy(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:LONGEST_TEXT]


# --- writing -------------------------------------------------------------------------------


def _exif(credit: Credit) -> bytes:
    exif = Image.Exif()
    if credit.creators:
        exif[ExifTags.Base.Artist] = "; ".join(credit.creators).encode()
    if credit.notice:
        exif[ExifTags.Base.Copyright] = credit.notice.encode()
    return exif.tobytes() if len(exif) else b""


def _xmp(credit: Credit) -> bytes:
    items = "".join(f"<rdf:li>{escape(name)}</rdf:li>" for name in credit.creators)
    packet = _PACKET.format(
        creators=_CREATORS.format(items=items) if items else "",
        rights=_RIGHTS.format(text=escape(credit.notice)) if credit.notice else "",
    )
    return packet.encode() if credit != Credit() else b""


def _iptc(credit: Credit) -> bytes:
    """Return a segment of JPEG as Photoshop writes it, for other programs look for it there."""
    if credit == Credit():
        return b""
    notices = [credit.notice] if credit.notice else []
    records = _UTF8 + b"".join(
        b"\x1c" + bytes(place) + len(text.encode()).to_bytes(2, "big") + text.encode()
        for place, texts in ((_BY_LINE, credit.creators), (_NOTICE, notices))
        for text in texts
    )
    resource = b"8BIM\x04\x04\x00\x00" + len(records).to_bytes(4, "big") + records + bytes(len(records) % 2)
    payload = b"Photoshop 3.0\x00" + resource
    return b"\xff\xed" + (len(payload) + 2).to_bytes(2, "big") + payload
