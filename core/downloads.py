"""The files that were paid for: granted once, fetched by signed addresses, counted, untouched."""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, and_, update
from sqlmodel import Session, col, select
from zipstream.ng import ZipStream

from core import activity
from core.access import Viewer
from core.backends import Backends
from core.errors import Forbidden, NotFound
from models.account import Account
from models.activity import ActivityKind
from models.event import Event
from models.order import Download, LineItem, Order, OrderStatus
from models.photo import Photo

CHUNK = 1 << 18  # bytes held in memory per download
MANIFEST = "manifest.json"
_SUFFIXES = {"image/jpeg": (".jpg", ".jpeg"), "image/png": (".png",), "image/webp": (".webp",)}
# Names that Windows gives to devices, and characters that some file system refuses.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_LONGEST_STEM = 60  # characters: 180 bytes of Thai, and file systems take 255


@dataclass(frozen=True)
class DownloadLink:
    """One paid photo and where its file is."""

    photo: Photo
    url: str  # local path
    left: int  # how often it may still be fetched; 0 once its time is over
    expires_at: datetime


@dataclass(frozen=True)
class Delivery:
    """A file on its way to who paid for it."""

    filename: str
    media_type: str
    length: int  # bytes
    sha256: str | None  # hexadecimal; None for a ZIP, whose manifest has one per file
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class _Granted:
    download: Download
    photo: Photo
    order: Order
    event: Event


class NoSuchDownload(NotFound):
    """The address was not made by us, or what it points at is gone."""

    def __init__(self) -> None:
        super().__init__("There is no such file. Open your order again and use the link there.")


class NotPaid(Forbidden):
    """Files are delivered for paid orders only."""

    def __init__(self) -> None:
        super().__init__("This order is not paid. Its files can be fetched once it is.")


class DownloadOver(Forbidden):
    """Fetched as often, or as late, as was granted."""

    def __init__(self) -> None:
        super().__init__(
            "This file can no longer be fetched: its time is over, or it was fetched too often. "
            "Write to the organiser with your order's link to get it again."
        )


def grant(backends: Backends, session: Session, items: Sequence[LineItem]) -> None:
    """Grant the files of paid line items, in the caller's transaction. Once: the ids are derived."""
    expires_at = backends.now() + backends.settings.download_ttl
    for item in items:
        granted = Download(
            id=uuid5(item.id, "download"),
            order_id=item.order_id,
            line_item_id=item.id,
            photo_id=item.photo_id,
            expires_at=expires_at,
            limit=backends.settings.download_limit,
        )
        session.add(granted)


def buyer(session: Session, order: Order) -> Viewer:
    """Return who bought, as someone of whom activity is recorded."""
    account = None if order.account_id is None else session.get(Account, order.account_id)
    return Viewer(order.visitor_key, account)


def links(backends: Backends, order: Order) -> list[DownloadLink]:
    """Return the files of a paid order, by name. Raises NotPaid."""
    return [_link(backends, granted) for granted in _of_order(backends, order)]


def _link(backends: Backends, granted: _Granted) -> DownloadLink:
    download = granted.download
    token = backends.signer.sign("download", str(download.id))
    left = download.limit - download.count if backends.now() < download.expires_at else 0
    return DownloadLink(granted.photo, f"/downloads/{token}", left, download.expires_at)


def open(backends: Backends, token: str, *, is_counted: bool = True) -> Delivery:  # noqa: A001
    """Return one file, counted unless only its headers are wanted.

    Raises NoSuchDownload, NotPaid, DownloadOver. The bytes are the original's, untouched, or those of
    its copy without GPS data.
    """
    granted = _by_token(backends, token)
    if not is_counted:
        return _delivery(granted, iter(()))
    content = backends.objects.open(
        granted.photo.delivered_key
    )  # before counting: what is lost is not counted
    try:
        _count(backends, [granted])
    except DownloadOver:
        content.close()
        raise
    return _delivery(granted, _chunks(content))


def open_zip(backends: Backends, order: Order, *, is_counted: bool = True) -> Delivery:
    """Return every file of a paid order that can still be fetched, and a manifest of their hashes.

    The caller has checked who asks. Raises NotPaid, and DownloadOver when no file is left.
    """
    granted = _of_order(backends, order)
    if is_counted:
        granted = _count(backends, granted)
    named = _named(granted)
    archive = ZipStream(sized=True)  # stored: photos do not shrink any further
    for name, one in named.items():
        archive.add(_stored(backends, one.photo), name, size=size(one.photo))
    archive.add(_manifest(order, named), MANIFEST)
    filename = f"photos-{str(order.id)[:8]}.zip"
    return Delivery(filename, "application/zip", len(archive), None, iter(archive))


def _by_token(backends: Backends, token: str) -> _Granted:
    parts = backends.signer.read("download", token)
    if parts is None:
        raise NoSuchDownload
    with backends.reading() as session:
        found = _granted(session, col(Download.id) == UUID(parts[0]))
    if not found:
        raise NoSuchDownload
    if found[0].order.status is not OrderStatus.PAID:
        raise NotPaid
    return found[0]


def _granted(session: Session, condition: ColumnElement[bool]) -> list[_Granted]:
    rows = session.exec(
        select(Download, Photo, Order, Event)
        .join(Photo, col(Photo.id) == col(Download.photo_id))
        .join(Order, col(Order.id) == col(Download.order_id))
        .join(Event, col(Event.id) == col(Photo.event_id))
        .where(condition)
        .order_by(col(Photo.filename), col(Photo.id))
    )
    return [_Granted(*row) for row in rows]


def _of_order(backends: Backends, order: Order) -> list[_Granted]:
    """Return what an order was granted. Raises NotPaid; the caller's row may be older than the database's."""
    with backends.reading() as session:
        granted = _granted(session, and_(col(Order.id) == order.id, col(Order.status) == OrderStatus.PAID))
    if not granted:
        raise NotPaid
    return granted


def _count(backends: Backends, granted: Sequence[_Granted]) -> list[_Granted]:
    """Count each file that can still be fetched and return those. Raises DownloadOver when there is none."""
    now = backends.now()
    is_open = and_(col(Download.count) < col(Download.limit), col(Download.expires_at) > now)
    ids = [one.download.id for one in granted]
    counting = update(Download).where(col(Download.id).in_(ids), is_open)
    with backends.transaction() as session:
        counted = set(
            session.execute(counting.values(count=Download.count + 1).returning(col(Download.id))).scalars()
        )
        open_ones = [one for one in granted if one.download.id in counted]
        if not open_ones:
            raise DownloadOver
        by = buyer(session, open_ones[0].order)
        for one in open_ones:
            activity.record(
                session, ActivityKind.DOWNLOAD, by=by, event_id=one.event.id, subject=one.photo.id, count=1
            )
    return open_ones


def _delivery(granted: _Granted, chunks: Iterator[bytes]) -> Delivery:
    photo = granted.photo
    return Delivery(file_name(photo), photo.media_type, size(photo), photo.delivered_sha256, chunks)


def size(photo: Photo) -> int:
    """Return the bytes of what a buyer receives."""
    return photo.byte_size if photo.delivered_size is None else photo.delivered_size


def _stored(backends: Backends, photo: Photo) -> Iterator[bytes]:
    """Open the object only when its turn has come."""
    yield from _chunks(backends.objects.open(photo.delivered_key))


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while chunk := content.read(CHUNK):
            yield chunk


def _named(granted: Sequence[_Granted]) -> dict[str, _Granted]:
    """Return each file under a name that is unique on any file system."""
    named: dict[str, _Granted] = {}
    taken = {MANIFEST}
    for one in granted:
        named[unused_name(file_name(one.photo), taken)] = one
    return named


def unused_name(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken, and take it; upper and lower case are the same."""
    path = PurePosixPath(name)
    choice, number = name, 1
    while choice.casefold() in taken:
        number += 1
        choice = f"{path.stem} ({number}){path.suffix}"
    taken.add(choice.casefold())
    return choice


def _manifest(order: Order, named: dict[str, _Granted]) -> str:
    files = {
        name: {
            "sha256": one.photo.delivered_sha256,
            "bytes": size(one.photo),
            "event": one.event.name,
            "photo": str(one.photo.id),
        }
        for name, one in named.items()
    }
    return json.dumps({"order": str(order.id), "files": files}, ensure_ascii=False, indent=2)


def file_name(photo: Photo) -> str:
    """Return the photo's name as a file that any system takes: no folders, devices or hidden directions."""
    tidy = unicodedata.normalize("NFC", photo.filename.replace("\\", "/").rpartition("/")[2])
    shown = "".join(char for char in tidy if unicodedata.category(char)[0] != "C")
    name = PurePosixPath(_REFUSED.sub("_", shown).strip(" .") or "photo")
    suffixes = _SUFFIXES.get(photo.media_type, (name.suffix,))
    is_right = name.suffix.lower() in suffixes
    stem = (name.stem if is_right else name.name)[:_LONGEST_STEM].strip(" .") or "photo"
    if _DEVICE.match(stem):
        stem = f"_{stem}"
    return stem + (name.suffix if is_right else suffixes[0])
