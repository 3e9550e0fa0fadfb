"""Where a photo was taken, cut out of its metadata in place.

Pure. Every edit keeps the length of the file and the place of all else: pixels, other tags and maker notes
stay byte for byte. Malformed metadata is left alone, never an error.

Layouts: EXIF 2.32 / TIFF 6.0 directories, XMP part 3, PNG 3rd edition, RIFF of WebP.
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Edit = tuple[int, bytes]  # offset in the file, the bytes that replace as many
Span = tuple[int, int]  # start and end in bytes

_GPS_POINTER = 0x8825
_SUB_DIRECTORIES = (0x8769, 0xA005)  # Exif and interoperability
_MAX_DIRECTORIES = 16  # a camera writes two; a chain that is longer is a loop
_HEADER: Span = (0, 8)
_MAX_INFLATED = 8 * 1024 * 1024  # bytes; Pillow reads no longer text from a PNG either
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def has_gps(source: Path | bytes) -> bool:
    """Tell whether EXIF or XMP of a JPEG, PNG or WebP says where it was taken."""
    return any(True for _ in _edits(_content(source)))


def without_gps(source: Path, target: Path) -> None:
    """Write a copy of the file without GPS metadata; of a file that has none, an exact copy."""
    original = source.read_bytes()
    content = bytearray(original)
    for offset, replacement in _edits(original):
        content[offset : offset + len(replacement)] = replacement
    target.write_bytes(content)


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _edits(content: bytes) -> Iterator[Edit]:
    if content.startswith(b"\xff\xd8"):
        return _jpeg_edits(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_edits(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _webp_edits(content)
    return iter(())


# --- containers ----------------------------------------------------------------------------

# Entropy-coded data never holds FF E1, so this finds the picture's own segments and those of the
# pictures inside it: MPO views behind it, and the thumbnail's.
_APP1 = re.compile(
    rb"\xff\xe1(?P<length>..)"
    rb"(?:(?P<exif>Exif\x00.)|http://ns\.adobe\.com/(?:xap/1\.0/\x00|xmp/extension/\x00.{40}))",
    re.DOTALL,
)


def _jpeg_edits(content: bytes) -> Iterator[Edit]:
    for segment in _APP1.finditer(content):
        end = segment.start() + 2 + int.from_bytes(segment["length"], "big")
        payload = content[segment.end() : end]
        cleaned = _exif_without_gps(payload) if segment["exif"] else _xmp_without_gps(payload)
        if cleaned != payload:
            yield segment.end(), cleaned


def _png_edits(content: bytes) -> Iterator[Edit]:
    offset = 8
    while offset + 12 <= len(content):
        length = int.from_bytes(content[offset : offset + 4], "big")
        kind, payload = content[offset + 4 : offset + 8], content[offset + 8 : offset + 8 + length]
        cleaned = _png_chunk_without_gps(kind, payload)
        if cleaned != kind + payload and len(payload) == length:
            yield offset + 4, cleaned + zlib.crc32(cleaned).to_bytes(4, "big")
        offset += 12 + length


def _webp_edits(content: bytes) -> Iterator[Edit]:
    offset = 12
    while offset + 8 <= len(content):
        kind, length = (
            content[offset : offset + 4],
            int.from_bytes(content[offset + 4 : offset + 8], "little"),
        )
        payload = content[offset + 8 : offset + 8 + length]
        cleaned = payload
        if kind == b"EXIF":
            cleaned = _exif_without_gps(payload)
        elif kind == b"XMP ":
            cleaned = _xmp_without_gps(payload)
        if cleaned != payload:
            yield offset + 8, cleaned
        offset += 8 + length + length % 2


def _png_chunk_without_gps(kind: bytes, payload: bytes) -> bytes:
    """Return type and payload of a chunk, as long as before."""
    if kind == b"eXIf":
        return kind + _exif_without_gps(payload)
    keyword = payload[:80].split(b"\x00")[0]
    if kind == b"iTXt" and keyword == b"XML:com.adobe.xmp":
        return kind + _international_text_without_gps(payload)
    if kind in (b"tEXt", b"zTXt") and keyword.startswith(b"Raw profile type"):
        return _raw_profile_without_gps(kind, payload, keyword)
    return kind + payload


def _international_text_without_gps(payload: bytes) -> bytes:
    """Blank positions in XMP; a compressed packet that has any is blanked whole, for its length is fixed."""
    head = re.match(rb"[^\x00]*\x00(..)[^\x00]*\x00[^\x00]*\x00", payload, re.DOTALL)
    if head is None:
        return payload
    packet = payload[head.end() :]
    if head[1][:1] == b"\x00":
        return head[0] + _xmp_without_gps(packet)
    inflated = _inflated(packet)
    if _xmp_without_gps(inflated) == inflated:
        return payload
    flags = head.start(1)
    return head[0][:flags] + b"\x00\x00" + head[0][flags + 2 :] + b" " * len(packet)


def _raw_profile_without_gps(kind: bytes, payload: bytes, keyword: bytes) -> bytes:
    """Blank a profile written as hexadecimal text, as older tools do, when it has a position."""
    text = payload[len(keyword) + 1 :]
    lines = (_inflated(text[1:]) if kind == b"zTXt" else text).split(b"\n")
    try:
        profile = bytes.fromhex(b"".join(lines[3:]).decode("ascii"))
    except ValueError:
        return kind + payload
    if _exif_without_gps(profile) == profile == _xmp_without_gps(profile):
        return kind + payload
    return b"tEXt" + keyword + b"\x00" + b" " * len(text)


def _inflated(compressed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(compressed, _MAX_INFLATED)
    except zlib.error:
        return b""


# --- XMP -----------------------------------------------------------------------------------

_POSITION = (
    rb"[\w.-]+:(?:gps\w*|lat|latitude|lon|long|lng|longitude|longtitude)"  # one drone maker's spelling
)
_ATTRIBUTE = re.compile(rb"(?<![\w.:-])" + _POSITION + rb"\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')", re.IGNORECASE)
_ELEMENT = re.compile(
    rb"<(" + _POSITION + rb")(?:\s[^<>]*)?(?<!/)>(.{0,2000}?)</\1\s*>", re.IGNORECASE | re.DOTALL
)


def _xmp_without_gps(packet: bytes) -> bytes:
    """Return an XMP packet of the same length with positions turned into spaces."""
    cleaned = bytearray(packet)
    for pattern, groups in ((_ATTRIBUTE, (1, 2)), (_ELEMENT, (2,))):
        for found in pattern.finditer(packet):
            for group in groups:
                start, end = found.span(group)
                cleaned[start:end] = b" " * (end - start)
    return bytes(cleaned)


# --- EXIF ----------------------------------------------------------------------------------


def _exif_without_gps(block: bytes) -> bytes:
    """Return an EXIF block of the same length without the GPS directory and the pointers to it."""
    start = 6 if block[:5] == b"Exif\x00" else 0
    order = block[start : start + 4]
    if order not in (b"II*\x00", b"MM\x00*"):
        return block
    return block[:start] + _Tiff(block[start:], "little" if order[:2] == b"II" else "big").without_gps()


class _Tiff:
    """The directories of one EXIF block; an offset that leaves it reads as nothing."""

    def __init__(self, block: bytes, order: Literal["little", "big"]) -> None:
        self.block = block
        self.order = order

    def without_gps(self) -> bytes:
        chain = self._chain()
        pointers = [at for start in chain for at in self._entries(start) if self._tag(at) == _GPS_POINTER]
        if not pointers:
            return self.block
        cleaned = bytearray(self.block)
        gps = list(dict.fromkeys(self._value(at) for at in pointers))[:_MAX_DIRECTORIES]
        for start, end in _merged(self._spans(gps)):
            cleaned[start:end] = bytes(end - start)
        for start, end in _merged(
            [_HEADER, *self._spans(self._kept(chain))]
        ):  # what another tag shares is its
            cleaned[start:end] = self.block[start:end]
        for start in chain:
            self._drop_pointers(cleaned, start)
        return bytes(cleaned)

    def _chain(self) -> list[int]:
        """Return the offsets of IFD0 and of those that follow it."""
        chain: list[int] = []
        offset = self._number(4, 4)
        while 8 <= offset < len(self.block) - 1 and offset not in chain and len(chain) < _MAX_DIRECTORIES:
            chain.append(offset)
            offset = self._number(offset + 2 + 12 * self._number(offset, 2), 4)
        return chain

    def _kept(self, chain: list[int]) -> list[int]:
        """Return the offsets of all directories that stay."""
        kept = list(chain)
        for directory in kept:
            if len(kept) < _MAX_DIRECTORIES:
                kept += [
                    self._value(at) for at in self._entries(directory) if self._tag(at) in _SUB_DIRECTORIES
                ]
        return kept[:_MAX_DIRECTORIES]

    def _spans(self, directories: list[int]) -> list[Span]:
        """Return where directories lie, and those of their values that do not fit into an entry.

        Without the pointer to a next directory: some writers leave it out behind a sub-directory.
        """
        spans = []
        for directory in directories:
            entries = self._entries(directory)
            end = len(self.block)
            spans.append((min(directory, end), min(entries.stop, end)))
            spans += [span for at in entries if (span := self._value_span(at))]
        return spans

    def _value_span(self, entry: int) -> Span | None:
        length = _TYPE_BYTES.get(self._number(entry + 2, 2), 0) * self._number(entry + 4, 4)
        start = self._value(entry)
        if length <= 4 or start + length > len(self.block):
            return None
        return start, start + length

    def _drop_pointers(self, cleaned: bytearray, directory: int) -> None:
        """Close the gap of each GPS entry, count it out, and zero the bytes that this frees."""
        entries = self._entries(directory)
        end = min(entries.stop + 4, len(cleaned))  # the pointer to the next directory moves up too
        dropped = [at for at in entries if self._tag(at) == _GPS_POINTER]
        for at in reversed(dropped):
            cleaned[at:end] = cleaned[at + 12 : end] + bytes(12)
        cleaned[directory : directory + 2] = (len(entries) - len(dropped)).to_bytes(2, self.order)

    def _entries(self, directory: int) -> range:
        """Return the offsets of the entries that lie within the block."""
        fitting = max(0, (len(self.block) - directory - 2) // 12)
        count = min(self._number(directory, 2), fitting)
        return range(directory + 2, directory + 2 + 12 * count, 12)

    def _tag(self, entry: int) -> int:
        return self._number(entry, 2)

    def _value(self, entry: int) -> int:
        return self._number(entry + 8, 4)

    def _number(self, offset: int, length: int) -> int:
        return int.from_bytes(self.block[offset : offset + length], self.order)


def _merged(spans: list[Span]) -> list[Span]:
    """Return spans that do not overlap, so that a crafted block cannot ask for the same copy often."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
