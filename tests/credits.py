"""JPEGs that say in every place whose they are, written byte by byte; and what a file says, read apart."""

import struct
from dataclasses import dataclass, field
from io import BytesIO
from xml.etree import ElementTree

from PIL import ExifTags, Image, IptcImagePlugin

from tests.pictures import encoded, scene

DC, RDF = "{http://purl.org/dc/elements/1.1/}", "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    exif:GPSLatitude="13,45.2N" xmp:CreatorTool="Darkroom 7">
   <dc:creator><rdf:Seq>{creators}</rdf:Seq></dc:creator>
   <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{rights}</rdf:li></rdf:Alt></dc:rights>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True)
class Said:
    """What the three places of a file say: creators and notice."""

    exif: tuple[str, str] = ("", "")  # creators as one text
    iptc: tuple[list[str], str] = field(default_factory=lambda: ([], ""))
    xmp: tuple[list[str], str] = field(default_factory=lambda: ([], ""))


EVERYWHERE = Said(
    exif=("Somchai Jaidee; Ben Miller", "(c) 2026 Somchai Jaidee"),
    iptc=(["สมชาย ใจดี", "Ben Miller"], "© 2026 สมชาย ใจดี"),
    xmp=(["Somchai Jaidee", "Ben & Sons"], "© 2026 Somchai <all rights reserved>"),
)


def credited(
    said: Said = EVERYWHERE, *, gps: bool = True, size: tuple[int, int] = (60, 40), orientation: int = 1
) -> bytes:
    """A JPEG that says so, with a camera, a tool and perhaps a position beside it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "EncoreCam", orientation
    artist, copyright_notice = said.exif
    if artist:
        exif[ExifTags.Base.Artist] = artist
    if copyright_notice:
        exif[ExifTags.Base.Copyright] = copyright_notice
    if gps:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (13.0, 45.0, 12.0)})
    segments = {"extra": _photoshop(*said.iptc)} if said.iptc != ([], "") else {}
    if said.xmp != ([], ""):
        segments["xmp"] = _packet(*said.xmp, gps=gps)
    return encoded(scene(*size), "JPEG", exif=exif.tobytes(), quality=90, **segments)


def _packet(creators: list[str], rights: str, *, gps: bool) -> bytes:
    items = "".join(f"<rdf:li>{_escaped(name)}</rdf:li>" for name in creators)
    packet = PACKET.format(creators=items, rights=_escaped(rights))
    return (packet if gps else packet.replace('exif:GPSLatitude="13,45.2N" ', "")).encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&#62;")


def _photoshop(by_lines: list[str], notice: str) -> bytes:
    records = b"\x1c\x01Z\x00\x03\x1b%G" + b"\x1c\x02\x69\x00\x08Headline"
    for dataset, texts in ((80, by_lines), (116, [notice])):
        for text in texts:
            records += struct.pack(">BBBH", 0x1C, 2, dataset, len(text.encode())) + text.encode()
    records += b"\0" * (len(records) % 2)
    payload = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    return b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload


def said_by(content: bytes) -> Said:
    """Return what a file says."""
    with Image.open(BytesIO(content)) as image:
        exif = image.getexif()
        texts = tuple(
            str(exif.get(tag, "")).encode("latin-1").decode() for tag in (ExifTags.Base.Artist, 0x8298)
        )
        records = IptcImagePlugin.getiptcinfo(image) or {}
        packet = image.info.get("xmp")
    by_lines = records.get((2, 80), [])
    names = by_lines if isinstance(by_lines, list) else [by_lines]
    iptc = [name.decode() for name in names], records.get((2, 116), b"").decode()
    return Said(texts, iptc, _dublin_core(packet) if packet else ([], ""))


def _dublin_core(packet: bytes) -> tuple[list[str], str]:
    tree = ElementTree.fromstring(packet.decode().strip().rstrip("\0"))  # noqa: S314  our own file
    creators = [item.text or "" for item in tree.iterfind(f".//{DC}creator//{RDF}li")]
    rights = tree.find(f".//{DC}rights//{RDF}li")
    return creators, "" if rights is None else rights.text or ""
