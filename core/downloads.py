"""The files that were paid for: granted once, fetched by signed addresses, counted, and taken away again."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, update
from sqlmodel import Session, col, select

from core import activity, deliverables, passes
from core.access import Viewer
from core.backends import Backends
from core.deliverables import Deliverable, Delivery
from core.errors import Forbidden, NotFound
from core.ports import MediaType
from models.account import Account
from models.activity import ActivityKind
from models.cart import Size
from models.event import Event
from models.order import Download, LineItem, LineKind, Order, OrderStatus
from models.photo import Photo


@dataclass(frozen=True)
class DownloadLink:
    """One paid photo and where its file is."""

    photo: Photo
    size: Size
    filename: str
    media_type: str
    byte_size: int | None  # None: a web size, which is made when it is fetched
    sha256: str | None  # hexadecimal; None as above
    url: str  # local path; "" when it was withdrawn
    left: int  # how often it may still be fetched; 0 once its time is over, or its money went back
    expires_at: datetime
    is_withdrawn: bool


@dataclass(frozen=True)
class _Granted:
    download: Download
    photo: Photo

    def left(self, now: datetime) -> int:
        is_open = now < self.download.expires_at and self.download.withdrawn_at is None
        return self.download.limit - self.download.count if is_open else 0


class NoSuchDownload(NotFound):
    """The address was not made by us, another was made since, or what it points at is gone."""

    def __init__(self) -> None:
        super().__init__("There is no such file. Open your order again and use the link there.")


class NotPaid(Forbidden):
    """Files are delivered for paid orders only."""

    def __init__(self) -> None:
        super().__init__("This order is not paid. Its files can be fetched once it is.")


class Withdrawn(Forbidden):
    """What was paid for it went back."""

    def __init__(self) -> None:
        super().__init__("The money for this photo went back, so its file is no longer there.")


class DownloadOver(Forbidden):
    """Fetched as often, or as late, as was granted."""

    def __init__(self) -> None:
        super().__init__(
            "This file can no longer be fetched: its time is over, or it was fetched too often. "
            "Write to the organiser with your order's link to get it again."
        )


# --- granting ------------------------------------------------------------------------------


def grant(backends: Backends, session: Session, items: Sequence[LineItem]) -> None:
    """Grant the files of paid line items, in the caller's transaction. Once: the ids are derived."""
    for item in items:
        if item.kind is LineKind.PASS:
            passes.grant(backends, session, item)
        elif item.photo_id is not None:
            session.add(Download(**passes.granted(backends, item, item.photo_id, "download")))


def buyer(session: Session, order: Order) -> Viewer:
    """Return who bought, as someone of whom activity is recorded."""
    account = None if order.account_id is None else session.get(Account, order.account_id)
    return Viewer(order.visitor_key, account)


# --- taking away, and giving again ---------------------------------------------------------


def withdraw(session: Session, line_ids: Collection[UUID], at: datetime) -> None:
    """Take the files of lines away whose money goes back."""
    session.execute(update(Download).where(_still_of(line_ids)).values(withdrawn_at=at))


def withdraw_unfetched(session: Session, line_ids: Collection[UUID], at: datetime) -> bool:
    """Take the files of lines away if none of them was ever fetched; all or none. Returns whether it did."""
    withdrawing = update(Download).where(_still_of(line_ids), col(Download.fetched_at).is_(None))
    fetched = select(Download.id).where(_still_of(line_ids), col(Download.fetched_at).is_not(None))
    with session.begin_nested() as savepoint:
        session.execute(withdrawing.values(withdrawn_at=at))
        # Asked afterwards: whoever fetches now waits for us, and whoever was first is seen.
        is_unfetched = session.exec(fetched).first() is None
        if not is_unfetched:
            savepoint.rollback()
    return is_unfetched


def restore(session: Session, line_ids: Collection[UUID]) -> None:
    """Give the files of lines back whose money stayed after all."""
    session.execute(
        update(Download).where(col(Download.line_item_id).in_(line_ids)).values(withdrawn_at=None)
    )


def fetched_lines(session: Session, order: Order) -> set[UUID]:
    """Return the lines of an order of which a file was fetched at least once."""
    query = select(Download.line_item_id).where(Download.order_id == order.id)
    return set(session.exec(query.where(col(Download.fetched_at).is_not(None)).distinct()))


def reissue(backends: Backends, session: Session, order: Order) -> None:
    """End every address of a paid order and of its files, and let these be fetched as on the first day.

    What was withdrawn stays so. Raises NotPaid, Withdrawn.
    """
    paid = update(Order).where(col(Order.id) == order.id, col(Order.status) == OrderStatus.PAID)
    version = session.execute(
        paid.values(link_version=Order.link_version + 1).returning(col(Order.link_version))
    ).scalar()
    if version is None:
        raise Withdrawn if order.status is OrderStatus.REFUNDED else NotPaid
    order.link_version = version
    settings = backends.settings
    fresh = {
        "count": 0,
        "limit": settings.download_limit,
        "expires_at": backends.now() + settings.download_ttl,
    }
    mine = and_(col(Download.order_id) == order.id, col(Download.withdrawn_at).is_(None))
    session.execute(update(Download).where(mine).values(**fresh))


def _still_of(line_ids: Collection[UUID]) -> ColumnElement[bool]:
    return and_(col(Download.line_item_id).in_(line_ids), col(Download.withdrawn_at).is_(None))


def _require_paid(order: Order) -> None:
    if order.status is OrderStatus.REFUNDED:
        raise Withdrawn
    if order.status is not OrderStatus.PAID:
        raise NotPaid


# --- fetching ------------------------------------------------------------------------------


def links(backends: Backends, order: Order) -> list[DownloadLink]:
    """Return the files of a paid order, by name, with those that were withdrawn. Raises NotPaid, Withdrawn.

    A pass has all that is public now.
    """
    current, granted = _of_order(backends, order)
    return [_link(backends, current, one) for one in granted]


def _link(backends: Backends, order: Order, granted: _Granted) -> DownloadLink:
    download, photo = granted.download, granted.photo
    is_withdrawn, is_full = download.withdrawn_at is not None, download.size is Size.FULL
    token = "" if is_withdrawn else backends.signer.sign("download", str(download.id), order.link_version)
    return DownloadLink(
        photo=photo,
        size=download.size,
        filename=deliverables.file_name(photo, download.size),
        media_type=photo.media_type if is_full else MediaType.JPEG,
        byte_size=deliverables.full_length(photo) if is_full else None,
        sha256=photo.delivered_sha256 if is_full else None,
        url=f"/downloads/{token}" if token else "",
        left=granted.left(backends.now()),
        expires_at=download.expires_at,
        is_withdrawn=is_withdrawn,
    )


def open(backends: Backends, token: str, *, is_counted: bool = True) -> Delivery:  # noqa: A001
    """Return one file, counted unless only its headers are wanted.

    Raises NoSuchDownload, NotPaid, Withdrawn, DownloadOver.
    """
    order, granted = _by_token(backends, token)
    file = deliverables.of(backends, granted.photo, granted.download.size)
    if not is_counted:
        return _delivery(file, iter(()))
    content = backends.objects.open(file.key)  # before counting: what is lost is not counted
    try:
        _count(backends, order, [granted], col(Download.id) == granted.download.id)
    except Forbidden:
        content.close()
        raise
    return _delivery(file, deliverables.chunks(content))


def _delivery(file: Deliverable, chunks: Iterator[bytes]) -> Delivery:
    return Delivery(file.filename, file.media_type, file.length, file.sha256, chunks)


def open_zip(backends: Backends, order: Order, *, is_counted: bool = True) -> Delivery:
    """Return every file of a paid order that can still be fetched, and a manifest of their hashes.

    The caller has checked who asks. Raises NotPaid, Withdrawn, and DownloadOver when no file is left.
    """
    current, granted = _of_order(backends, order)
    granted = [one for one in granted if one.left(backends.now())]
    if not granted:
        raise DownloadOver
    files = {one.download.id: deliverables.of(backends, one.photo, one.download.size) for one in granted}
    if is_counted:
        granted = _count(backends, current, granted, col(Download.order_id) == current.id)
    named = _event_names(backends, {one.photo.event_id for one in granted})
    facts = [{"event": named[one.photo.event_id], "photo": str(one.photo.id)} for one in granted]
    chosen = zip((files[one.download.id] for one in granted), facts, strict=True)
    return deliverables.zipped(backends, f"photos-{str(order.id)[:8]}.zip", list(chosen), order=str(order.id))


def _event_names(backends: Backends, event_ids: Collection[int]) -> dict[int, str]:
    query = select(Event.id, Event.name).where(col(Event.id).in_(event_ids))
    with backends.reading() as session:
        return dict(session.exec(query).all())


def _by_token(backends: Backends, token: str) -> tuple[Order, _Granted]:
    parts = backends.signer.read("download", token)
    if parts is None:
        raise NoSuchDownload
    with backends.reading() as session:
        found = _granted(session, col(Download.id) == UUID(parts[0]))
        order = session.get_one(Order, found[0].download.order_id) if found else None
    if order is None or (parts[1:] or [0]) != [order.link_version]:  # those made first had no version
        raise NoSuchDownload
    _require_paid(order)
    if found[0].download.withdrawn_at is not None:
        raise Withdrawn
    return order, found[0]


def _of_order(backends: Backends, order: Order) -> tuple[Order, list[_Granted]]:
    """Return an order as it is now, and what it was granted. Raises NotPaid, Withdrawn."""
    with backends.reading() as session:
        current = session.get_one(Order, order.id)
    _require_paid(current)
    passes.top_up(backends, current.id)
    with backends.reading() as session:
        return current, _granted(session, col(Download.order_id) == current.id)


def _granted(session: Session, condition: ColumnElement[bool]) -> list[_Granted]:
    query = select(Download, Photo).join(Photo, col(Photo.id) == col(Download.photo_id))
    there = query.where(condition, col(Photo.removed_at).is_(None))
    return [_Granted(*row) for row in session.exec(there.order_by(col(Photo.filename), col(Photo.id)))]


def _count(
    backends: Backends, order: Order, granted: Sequence[_Granted], condition: ColumnElement[bool]
) -> list[_Granted]:
    """Count each file that can still be fetched and return those.

    Raises DownloadOver when there is none, and NotPaid or Withdrawn when the order changed meanwhile.
    """
    now = backends.now()
    is_open = and_(col(Download.count) < col(Download.limit), col(Download.expires_at) > now)
    counting = update(Download).where(condition, is_open, col(Download.withdrawn_at).is_(None))
    once_more = {"count": Download.count + 1, "fetched_at": func.coalesce(Download.fetched_at, now)}
    with backends.transaction() as session:
        locking = select(Order).where(Order.id == order.id).with_for_update(key_share=True)
        current = session.exec(locking).one()  # before its files, as refunds do: neither waits for the other
        _require_paid(current)
        counted = set(session.execute(counting.values(**once_more).returning(col(Download.id))).scalars())
        open_ones = [one for one in granted if one.download.id in counted]
        if not open_ones:
            raise DownloadOver
        by, kind = buyer(session, current), ActivityKind.DOWNLOAD
        for photo in (one.photo for one in open_ones):
            activity.record(session, kind, by=by, event_id=photo.event_id, subject=photo.id, count=1)
    return open_ones
