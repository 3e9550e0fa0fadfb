"""Positions leave a photo's metadata, and nothing else does."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from core import geotags
from tests.pictures import encoded, png_chunk, scene, with_chunk

GPS = ExifTags.IFD.GPSInfo
FILE_TYPES = ["JPEG", "PNG", "WEBP"]
LATITUDE = (13, 1, 45, 1, 2219, 100)  # degrees, minutes, seconds: numerator and denominator each
THUMBNAIL = b"\xff\xd8\xff\xdb a small picture \xff\xd9"


def exif_block(order: str, with_gps: bool = True) -> bytes:
    """Return a TIFF block of IFD0, Exif and GPS directories and an IFD1 with a thumbnail.

    `order`: "<" or ">", as struct says it.
    """

    def entry(tag, kind, count, value):
        return struct.pack(f"{order}HHI", tag, kind, count) + value

    def number(value):
        return struct.pack(f"{order}I", value)

    def directory(entries, following=0):
        return struct.pack(f"{order}H", len(entries)) + b"".join(entries) + number(following)

    pointer = [entry(GPS, 4, 1, number(130))] if with_gps else []
    ifd0 = directory(
        [
            entry(0x010F, 2, 6, number(200)),  # Make
            entry(0x0112, 3, 1, struct.pack(f"{order}HH", 6, 0)),  # Orientation
            entry(0x8769, 4, 1, number(100)),  # Exif
            *pointer,
            entry(0xC4A5, 7, 4, b"last"),
        ],
        following=290,
    )
    exif = directory([entry(0x9003, 2, 20, number(210))])  # DateTimeOriginal
    gps = directory([entry(1, 2, 2, b"N\0\0\0"), entry(2, 5, 3, number(240))]) if with_gps else b""
    latitude = struct.pack(f"{order}6I", *LATITUDE) if with_gps else b""
    values = b"Canon\0".ljust(10) + b"2026:10:17 19:49:41\0"
    ifd1 = directory(
        [entry(0x0201, 4, 1, number(330)), entry(0x0202, 4, 1, number(len(THUMBNAIL)))]  # where, how long
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + number(8)
    block = bytearray(400)
    for offset, part in ((0, head), (8, ifd0), (100, exif), (130, gps), (200, values), (240, latitude)):
        block[offset : offset + len(part)] = part
    block[290 : 290 + len(ifd1)] = ifd1
    block[330 : 330 + len(THUMBNAIL)] = THUMBNAIL
    return bytes(block)


def picture(file_type: str, block: bytes) -> bytes:
    prefix = b"" if file_type == "PNG" else b"Exif\0\0"
    return encoded(scene(), file_type, exif=prefix + block)


def cleaned(content: bytes, folder) -> bytes:
    (folder / "original").write_bytes(content)
    geotags.without_gps(folder / "original", folder / "delivered")
    assert (folder / "original").read_bytes() == content
    return (folder / "delivered").read_bytes()


def tags(content: bytes) -> dict[str, object]:
    """Return what Pillow reads of a file's EXIF."""
    with Image.open(BytesIO(content)) as image:
        exif = image.getexif()
        directories = {name: dict(exif.get_ifd(name)) for name in (ExifTags.IFD.Exif, ExifTags.IFD.IFD1, GPS)}
        return {"first": {tag: value for tag, value in exif.items() if tag != GPS}} | directories


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_the_gps_directory_goes_and_every_other_tag_stays(file_type, order, tmp_path):
    content = picture(file_type, exif_block(order))

    delivered = cleaned(content, tmp_path)

    assert (geotags.has_gps(content), geotags.has_gps(delivered)) == (True, False)
    assert tags(content)[GPS] == {1: "N", 2: (13.0, 45.0, 22.19)}
    assert tags(delivered) == tags(content) | {GPS: {}}
    assert tags(delivered)["first"] == {0x010F: "Canon", 0x0112: 6, 0x8769: 100, 0xC4A5: b"last"}


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_block_becomes_that_of_a_camera_without_gps_but_for_a_gap(order, tmp_path):
    content = picture("JPEG", exif_block(order))

    delivered = cleaned(content, tmp_path)

    assert delivered == content.replace(exif_block(order), exif_block(order, with_gps=False))
    assert delivered != content


@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_a_file_without_gps_is_copied_byte_for_byte(file_type, tmp_path):
    content = picture(file_type, exif_block("<", with_gps=False))

    assert not geotags.has_gps(content)
    assert cleaned(content, tmp_path) == content


def test_the_checksum_of_a_png_chunk_is_right_again(tmp_path):
    delivered = cleaned(picture("PNG", exif_block(">")), tmp_path)

    at = delivered.index(b"eXIf")
    assert delivered[at + 404 : at + 408] == zlib.crc32(delivered[at : at + 404]).to_bytes(4, "big")
    with Image.open(BytesIO(delivered)) as image:
        image.verify()


def test_the_views_behind_the_first_lose_theirs_too(tmp_path):
    content = picture("JPEG", exif_block("<")) + picture("JPEG", exif_block(">"))

    delivered = cleaned(content, tmp_path)

    assert delivered == content.replace(exif_block("<"), exif_block("<", with_gps=False)).replace(
        exif_block(">"), exif_block(">", with_gps=False)
    )


def test_a_value_shared_with_another_tag_is_that_tags(tmp_path):
    block = bytearray(exif_block("<"))
    block[130 + 2 + 12 + 8 : 130 + 2 + 24] = struct.pack("<I", 200)  # the latitude lies upon the maker's name
    content = picture("JPEG", bytes(block))

    delivered = cleaned(content, tmp_path)

    assert tags(delivered) == tags(content) | {GPS: {}}


# --- XMP -----------------------------------------------------------------------------------

PACKETS = [
    (b'<d exif:GPSLatitude="13,45N" dc:title="x"/>', b'<d exif:GPSLatitude="      " dc:title="x"/>'),
    (b"<d exif:GPSLongitude = '100,30E'/>", b"<d exif:GPSLongitude = '       '/>"),
    (b'<d drone-dji:GpsLongtitude="+100.5"/>', b'<d drone-dji:GpsLongtitude="      "/>'),
    (b"<exif:GPSLatitude>13,45N</exif:GPSLatitude>", b"<exif:GPSLatitude>      </exif:GPSLatitude>"),
    (b"<geo:lat>13.7</geo:lat><geo:long>100</geo:long>", b"<geo:lat>    </geo:lat><geo:long>   </geo:long>"),
    (
        b"<exif:GPSAltitude><rdf:value>12/1</rdf:value></exif:GPSAltitude>",
        b"<exif:GPSAltitude>" + b" " * 27 + b"</exif:GPSAltitude>",
    ),
]
HARMLESS = [
    b'<d photoshop:City="Bangkok" tiff:Orientation="1" xmp:Rating="5"/>',
    b"<dc:description>exif:GPSLatitude is not here</dc:description>",
    b"<exif:GPSLatitude/><dc:title>a title</dc:title>",
    b'<d exif:GPSLatitude="',
    b"<exif:GPSLatitude>13,45N",
]
NAMESPACE = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8)


def with_segment(jpeg: bytes, payload: bytes) -> bytes:
    """Put an APP1 segment at the front of a JPEG."""
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


def packets_in(packet: bytes) -> list[bytes]:
    """Return pictures that carry an XMP packet, in each way that there is."""
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + packet
    return [
        with_segment(encoded(scene(), "JPEG"), NAMESPACE + packet),
        with_segment(encoded(scene(), "JPEG"), EXTENSION + packet),
        with_chunk(encoded(scene(), "PNG"), png_chunk(b"iTXt", text)),
        encoded(scene(), "WEBP", xmp=packet),
    ]


@pytest.mark.parametrize(("before", "after"), PACKETS)
def test_positions_in_xmp_become_spaces(before, after, tmp_path):
    for content, expected in zip(packets_in(before), packets_in(after), strict=True):
        assert geotags.has_gps(content)
        assert cleaned(content, tmp_path) == expected
        assert not geotags.has_gps(expected)


@pytest.mark.parametrize("packet", HARMLESS)
def test_xmp_without_a_position_is_left_alone(packet):
    assert [geotags.has_gps(content) for content in packets_in(packet)] == [False] * 4


def test_a_compressed_packet_with_a_position_is_blanked_whole(tmp_path):
    packet = zlib.compress(PACKETS[0][0] * 3)
    keyword = b"XML:com.adobe.xmp\0"
    content = with_chunk(encoded(scene()), png_chunk(b"iTXt", keyword + b"\1\0\0\0" + packet))

    delivered = cleaned(content, tmp_path)

    blank = png_chunk(b"iTXt", keyword + b"\0\0\0\0" + b" " * len(packet))
    assert delivered == with_chunk(encoded(scene()), blank)


@pytest.mark.parametrize(
    ("kind", "pack"), [(b"tEXt", bytes), (b"zTXt", lambda text: b"\0" + zlib.compress(text))]
)
def test_a_profile_in_hexadecimal_with_a_position_is_blanked(kind, pack, tmp_path):
    text = b"\nexif\n     406\n" + (b"Exif\0\0" + exif_block("<")).hex().encode() + b"\n"
    content = with_chunk(encoded(scene()), png_chunk(kind, b"Raw profile type exif\0" + pack(text)))

    delivered = cleaned(content, tmp_path)

    assert tags(content)[GPS]
    assert (len(delivered), tags(delivered)["first"], tags(delivered)[GPS]) == (len(content), {}, {})
    assert not geotags.has_gps(delivered)


# --- what is malformed ---------------------------------------------------------------------


@settings(deadline=None)
@given(st.data(), st.sampled_from(FILE_TYPES), st.sampled_from("<>"))
def test_no_damage_raises_or_changes_the_length(tmp_path_factory, data, file_type, order):
    block = bytearray(exif_block(order))
    for _ in range(data.draw(st.integers(1, 12))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(
            st.sampled_from([0, 1, 8, 100, 130, 255])
        )
    content = picture(file_type, bytes(block))
    content = content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]

    delivered = cleaned(content, tmp_path_factory.getbasetemp())

    assert len(delivered) == len(content)
    assert (delivered == content) is not geotags.has_gps(content)
    assert not geotags.has_gps(delivered)


@settings(deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"\xff\xd8\xff\xe1\0\xffExif\0\0II*\0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"]),
)
def test_random_bytes_never_raise(garbage, start):
    assert geotags.has_gps(start + garbage) in (True, False)


def test_directories_that_point_in_circles_end(tmp_path):
    block = bytearray(exif_block("<"))
    block[8 + 2 + 60 : 8 + 2 + 64] = struct.pack("<I", 8)  # IFD0 is followed by itself
    block[100 + 10 : 100 + 14] = struct.pack("<I", 100)
    content = picture("JPEG", bytes(block))

    assert not geotags.has_gps(cleaned(content, tmp_path))


@pytest.mark.parametrize("content", [b"", b"\xff", b"GIF89a", b"\xff\xd8", b"RIFF"])
def test_what_is_no_picture_has_no_gps(content):
    assert not geotags.has_gps(content)
