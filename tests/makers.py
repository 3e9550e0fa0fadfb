"""Makes what a test arranges: accounts, events, photos, pictures."""

import io
import itertools
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import bcrypt
from PIL import Image

from core.access import Viewer
from core.backends import Backends
from models.account import Account, Role
from models.event import Event, EventMember, EventStatus, Gallery, MemberRole, Visibility
from models.photo import Photo, Review, Stage
from tests.fake_pixels import DESCRIPTION

PASSWORD = "correct horse battery"
_serial = itertools.count(1)


@cache
def _hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def make_account(backends: Backends, role: Role = Role.GUEST, **fields: Any) -> Account:
    """An account with the password `PASSWORD`, unless `password` says otherwise."""
    number = next(_serial)
    password = fields.pop("password", PASSWORD)
    values = {"email": f"person{number}@example.org", "name": f"Person {number}"} | fields
    account = Account(role=role, password_hash=_hashed(password), **values)
    with backends.transaction() as session:
        session.add(account)
    return account


def make_viewer(account: Account | None = None) -> Viewer:
    """A browser, signed in or not."""
    return Viewer(visitor_key=uuid4().hex * 2, account=account)


def make_event(backends: Backends, owner: Account | None = None, **fields: Any) -> Event:
    """A listed event on sale at 120 baht, with one gallery and its owner as co-organiser."""
    owner = owner or make_account(backends, Role.ORGANISER)
    number = next(_serial)
    values: dict[str, Any] = {
        "slug": f"run-{number}",
        "name": f"Run {number}",
        "held_on": date(2026, 10, 17),
        "price_amount": 12_000,
        "status": EventStatus.ON_SALE,
        "visibility": Visibility.LISTED,
        "created_by": owner.id,
    }
    event = Event(**(values | fields))
    with backends.transaction() as session:
        session.add(event)
        session.flush()
        session.add(Gallery(event_id=event.id, name="All photos"))
        session.add(EventMember(event_id=event.id, account_id=owner.id, role=MemberRole.CO_ORGANISER))
    return event


def make_member(backends: Backends, event: Event, role: MemberRole, **fields: Any) -> Account:
    """An account with a part in the event."""
    return add_member(backends, event, make_account(backends, **fields), role)


def add_member(backends: Backends, event: Event, account: Account, role: MemberRole) -> Account:
    """The account, which now has a part in the event."""
    with backends.transaction() as session:
        session.add(EventMember(event_id=event.id, account_id=account.id, role=role))
    return account


def gallery_of(backends: Backends, event: Event) -> Gallery:
    """The event's first gallery."""
    from sqlmodel import select

    with backends.reading() as session:
        return session.exec(select(Gallery).where(Gallery.event_id == event.id).order_by(Gallery.id)).first()


def make_photo(backends: Backends, event: Event, content: bytes | None = None, **fields: Any) -> Photo:
    """A public photo: its row, its original and its renditions are stored; no faces."""
    import hashlib

    content = content or make_jpeg(seed=next(_serial))
    digest = hashlib.sha256(content).hexdigest()
    values: dict[str, Any] = {
        "event_id": event.id,
        "gallery_id": gallery_of(backends, event).id,
        "uploaded_by": event.created_by,
        "filename": f"IMG_{next(_serial):04}.jpg",
        "sha256": digest,
        "byte_size": len(content),
        "media_type": "image/jpeg",
        "width": 320,
        "height": 240,
        "taken_at": datetime(2026, 10, 17, 3, 0, tzinfo=UTC),
        "stage": Stage.INDEXED,
        "review": Review.APPROVED,
        "delivered_sha256": digest,
        "delivered_size": len(content),
        "face_count": 0,
    }
    photo = Photo(**(values | fields))
    for key in (
        photo.original_key,
        photo.delivered_key,
        *map(photo.rendition_key, ("150", "300", "800", "1600")),
    ):
        backends.objects.put(key, io.BytesIO(content), len(content), "image/jpeg")
    with backends.transaction() as session:
        session.add(photo)
    return photo


def make_jpeg(
    *people: str, size: tuple[int, int] = (320, 240), seed: int = 0, gps: bool = False, orientation: int = 1
) -> bytes:
    """A small JPEG whose EXIF names the people that the fake engine will find in it."""
    colour = (seed * 37 % 256, seed * 91 % 256, seed * 151 % 256)
    picture = Image.new("RGB", size, colour)
    picture.putpixel((0, 0), (255 - colour[0], colour[1], colour[2]))
    exif = Image.Exif()
    exif[DESCRIPTION] = ",".join(people)
    exif[0x010F], exif[0x0110], exif[0x0112] = "EncoreCam", f"Model {seed}", orientation
    exif[0x0132] = "2026:10:17 10:00:00"
    if gps:
        exif.get_ifd(0x8825).update({1: "N", 2: (13.0, 45.0, 0.0), 3: "E", 4: (100.0, 30.0, 0.0)})
    target = io.BytesIO()
    picture.save(target, "JPEG", exif=exif, quality=90)
    return target.getvalue()


def upload(
    backends: Backends, event: Event, content: bytes, *, by: Account, filename: str = "IMG_1.jpg"
) -> Photo:
    """A photo that came the real way: its first job waits."""
    from core import photos
    from core.incoming import Incoming

    with Incoming(backends, filename) as incoming:
        incoming.write(content)
        return photos.upload(backends, gallery_of(backends, event).id, incoming, by=by)


def approve(backends: Backends, *uploaded: Photo) -> None:
    """Let visitors see the photos once they are indexed."""
    with backends.transaction() as session:
        for photo in uploaded:
            session.get_one(Photo, photo.id).review = Review.APPROVED


def owner_of(backends: Backends, event: Event) -> Account:
    """Who made the event."""
    with backends.reading() as session:
        return session.get_one(Account, event.created_by)


def some_id() -> UUID:
    """An id that nothing has."""
    return uuid4()
