"""What a buyer receives: the file of a photo in the size that was bought, its name, and several as a ZIP."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from uuid import UUID

from zipstream.ng import ZipStream

from core.backends import Backends
from core.errors import NotFound
from core.incoming import temporary
from core.ports import MediaType
from models.cart import Size
from models.photo import Photo

CHUNK = 1 << 18  # bytes held in memory per download
MANIFEST = "manifest.json"
_SUFFIXES = {"image/jpeg": (".jpg", ".jpeg"), "image/png": (".png",), "image/webp": (".webp",)}
# Names that Windows gives to devices, and characters that some file system refuses.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_LONGEST_STEM = 60  # characters: 180 bytes of Thai, and file systems take 255


@dataclass(frozen=True)
class Deliverable:
    """One file as it lies in the store."""

    key: str
    filename: str
    media_type: str
    length: int  # bytes
    sha256: str  # hexadecimal


@dataclass(frozen=True)
class Delivery:
    """A file on its way to who paid for it."""

    filename: str
    media_type: str
    length: int  # bytes
    sha256: str | None  # hexadecimal; None for a ZIP, whose manifest has one per file
    chunks: Iterator[bytes]


def of(backends: Backends, photo: Photo, size: Size) -> Deliverable:
    """Return the file of a photo in a size; the smaller copy is made when it is wanted first.

    In full size these are the original's bytes, untouched, or those of its copy without GPS data.
    Raises NotFound when there is none, Unavailable while it cannot be made.
    """
    name = file_name(photo, size)
    if size is Size.FULL:
        sha256 = photo.delivered_sha256 or photo.sha256
        return Deliverable(photo.delivered_key, name, photo.media_type, full_length(photo), sha256)
    key = web_key(photo.id)
    try:
        length = backends.objects.size(key)
    except NotFound:
        _make_web_copy(backends, photo)
        length = backends.objects.size(key)
    return Deliverable(key, name, MediaType.JPEG, length, _sha256(backends, key))


def full_length(photo: Photo) -> int:
    """Return the bytes of what a buyer of the full size receives."""
    return photo.byte_size if photo.delivered_size is None else photo.delivered_size


def web_key(photo_id: UUID) -> str:
    """Return where the copy in web size lies."""
    return f"web/{photo_id}"


def _make_web_copy(backends: Backends, photo: Photo) -> None:
    """Make the copy. The same original gives the same bytes: two that make it at once agree."""
    with temporary(backends) as original, temporary(backends) as made:
        for chunk in chunks(backends.objects.open(photo.original_key)):
            original.write(chunk)
        original.flush()
        target = Path(made.name)
        backends.pixels.web_copy(Path(original.name), target)
        with target.open("rb") as content:
            backends.objects.put(web_key(photo.id), content, target.stat().st_size, MediaType.JPEG)
    with backends.reading() as session:
        current = session.get(Photo, photo.id)
    if current is None or current.removed_at is not None:  # deleted meanwhile: nobody else would remove it
        backends.objects.delete([web_key(photo.id)])
        raise NotFound("This photo was deleted.")


def _sha256(backends: Backends, key: str) -> str:
    digest = hashlib.sha256()
    for chunk in chunks(backends.objects.open(key)):
        digest.update(chunk)
    return digest.hexdigest()


def chunks(content: BinaryIO) -> Iterator[bytes]:
    """Yield what a stream has, and close it."""
    with content:
        while chunk := content.read(CHUNK):
            yield chunk


# --- several as one ------------------------------------------------------------------------


def zipped(
    backends: Backends, filename: str, files: Sequence[tuple[Deliverable, Mapping[str, Any]]], **about: str
) -> Delivery:
    """Return files as a ZIP with a manifest of what is known of each, one read at a time."""
    archive = ZipStream(sized=True)  # stored: photos do not shrink any further
    manifest = {}
    taken = {MANIFEST}
    for file, facts in files:
        name = unused_name(file.filename, taken)
        archive.add(_stored(backends, file.key), name, size=file.length)
        manifest[name] = {"sha256": file.sha256, "bytes": file.length, **facts}
    archive.add(json.dumps({**about, "files": manifest}, ensure_ascii=False, indent=2), MANIFEST)
    return Delivery(filename, "application/zip", len(archive), None, iter(archive))


def _stored(backends: Backends, key: str) -> Iterator[bytes]:
    """Open the object only when its turn has come."""
    yield from chunks(backends.objects.open(key))


# --- names ---------------------------------------------------------------------------------


def unused_name(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken, and take it; upper and lower case are the same."""
    path = PurePosixPath(name)
    choice, number = name, 1
    while choice.casefold() in taken:
        number += 1
        choice = f"{path.stem} ({number}){path.suffix}"
    taken.add(choice.casefold())
    return choice


def file_name(photo: Photo, size: Size = Size.FULL) -> str:
    """Return the photo's name as a file that any system takes: no folders, devices or hidden directions."""
    tidy = unicodedata.normalize("NFC", photo.filename.replace("\\", "/").rpartition("/")[2])
    shown = "".join(char for char in tidy if unicodedata.category(char)[0] != "C")
    name = PurePosixPath(_REFUSED.sub("_", shown).strip(" .") or "photo")
    known = _SUFFIXES.get(photo.media_type, (name.suffix,))
    is_right = name.suffix.lower() in known
    stem = (name.stem if is_right else name.name)[:_LONGEST_STEM].strip(" .") or "photo"
    if _DEVICE.match(stem):
        stem = f"_{stem}"
    wanted = known if size is Size.FULL else _SUFFIXES[MediaType.JPEG]
    return stem + (name.suffix if is_right and name.suffix.lower() in wanted else wanted[0])
