"""The main job, start to end, over the services that pages use: photos, a selfie, a paid download."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

from core import (
    accounts,
    carts,
    checkouts,
    consent,
    deliverables,
    downloads,
    events,
    galleries,
    orders,
    photos,
    played,
    search,
    sharing,
    troubles,
    worker,
)
from core.access import Viewer
from core.backends import Backends
from core.errors import PlatformError
from core.gateway import PaymentState
from core.incoming import Incoming
from models.account import Account, Role
from models.consent import Purpose
from models.event import Event, EventStatus
from models.order import Order
from models.photo import Review

PRICE = 12_000  # satang a photo

Progress = Callable[[str, int, int], None]  # step, done, of how many


@dataclass
class Report:
    """What the journey did, step by step."""

    photos: int = 0
    refused: int = 0
    refusals: dict[str, str] = field(default_factory=dict)  # file name → why
    faces: int = 0
    matches: dict[str, list[str]] = field(default_factory=lambda: {"sure": [], "maybe": []})  # file names
    order: dict[str, str | int] | None = None  # status, amount in minor units, currency
    downloaded: dict[str, str] = field(default_factory=dict)  # file name → SHA-256
    stopped: str = ""  # why the guest could not go on, if so
    seconds: dict[str, float] = field(default_factory=dict)  # per step

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how long a step took."""
        began = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - began, 3)


@dataclass(frozen=True)
class Stage:
    """An event on sale, ready for guests."""

    event: Event
    owner: Account
    share_token: str


def walk(backends: Backends, folder: Path, selfie: Path, progress: Progress) -> Report:
    """Walk the whole way for one guest; a selfie that will not do ends it there, with the reason.

    Raises Unavailable when the face engine is not installed.
    """
    backends.pixels.identity(backends.settings.face_engine)  # before anything is uploaded
    report = Report()
    stage = prepare(backends, folder, report, progress)
    try:
        buy(backends, stage, selfie.read_bytes(), report)
    except PlatformError as refusal:
        report.stopped = str(refusal)
    return report


def prepare(backends: Backends, folder: Path, report: Report, progress: Progress) -> Stage:
    """An organiser's half: event, upload, pipeline, approval, share link."""
    with report.timed("event"):
        owner = _organiser(backends)
        event = events.create(backends, _details(folder), by=owner)
    with report.timed("upload"):
        uploaded = _upload(backends, event, folder, owner, report, progress)
    with report.timed("pipeline"):
        worker.drain(backends, lambda left: progress("pipeline", len(uploaded) - left, len(uploaded)))
        _note_failures(backends, event, owner, report)
    with report.timed("approval"):
        if uploaded:
            photos.review(backends, uploaded, Review.APPROVED, by=owner)
        events.set_status(backends, event.id, EventStatus.ON_SALE, by=owner)
        link = sharing.create(backends, event.id, by=owner)
    report.faces = events.counts(backends, event.id, by=owner).faces
    return Stage(event, owner, sharing.address(backends, link).split("share=")[1])


def buy(backends: Backends, stage: Stage, selfie: bytes, report: Report) -> None:
    """A guest's half: link, consent, search, cart, order, demo payment, download."""
    guest = Viewer(visitor_key=secrets.token_hex(32))
    event_id = sharing.open_link(backends, stage.share_token, by=guest).id
    with report.timed("search"):
        receipt = consent.give(backends, event_id, Purpose.SEARCH, by=guest)
        found = search.by_selfies(backends, event_id, [selfie], receipt_id=receipt.id, by=guest)
    report.matches = {
        "sure": [hit.photo.filename for hit in found.sure],
        "maybe": [hit.photo.filename for hit in found.maybe],
    }
    wanted = [hit.photo.id for hit in found.sure or found.maybe][: carts.LIMIT]
    if not wanted:
        return
    with report.timed("order"):
        order = _order(backends, guest, wanted)
    report.order = {"status": order.status, "amount": order.total_amount, "currency": order.currency}
    with report.timed("download"):
        report.downloaded = dict(_download(backends, order))


def _organiser(backends: Backends) -> Account:
    email, password = f"organiser-{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(24)
    account = accounts.register(backends, email, "Organiser", password)
    with backends.transaction() as session:
        session.get_one(Account, account.id).role = Role.ORGANISER
    account.role = Role.ORGANISER
    return account


def _details(folder: Path) -> events.Details:
    return events.Details(name=folder.resolve().name.title()[:120], held_on=date.today(), price_amount=PRICE)


def _upload(
    backends: Backends, event: Event, folder: Path, owner: Account, report: Report, progress: Progress
) -> Sequence[UUID]:
    gallery = galleries.listing(backends, event.id, by=owner)[0]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = []
    for number, path in enumerate(files, start=1):
        try:
            kept.append(upload_file(backends, gallery.id, path, by=owner))
        except PlatformError as refusal:
            report.refusals[path.relative_to(folder).as_posix()] = str(refusal)
        progress("upload", number, len(files))
    report.photos, report.refused = len(kept), len(report.refusals)
    return kept


def upload_file(backends: Backends, gallery_id: int, path: Path, *, by: Account) -> UUID:
    """Upload one file from this machine, streaming it as a browser would, and return the photo's id."""
    with Incoming(backends, path.name) as incoming, path.open("rb") as content:
        while chunk := content.read(1 << 20):
            incoming.write(chunk)
        return photos.upload(backends, gallery_id, incoming, by=by).id


def _note_failures(backends: Backends, event: Event, owner: Account, report: Report) -> None:
    failed = troubles.given_up(backends, event.id, by=owner)
    names = photos.names(backends, event.id, [job.subject for job in failed], by=owner)
    report.refusals |= {names[job.subject]: job.last_error or "" for job in failed}


def _order(backends: Backends, guest: Viewer, wanted: Sequence[UUID]) -> Order:
    carts.add(backends, guest, wanted)
    order = checkouts.place(backends, guest, "guest@example.org")
    played.play(backends, order.checkout_id or "", PaymentState.PAID)
    worker.drain(backends)
    return orders.find(backends, order.id)


def _download(backends: Backends, order: Order) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    for link in downloads.links(backends, order):
        delivery = downloads.open(backends, link.url.rsplit("/", 1)[1])
        digest = hashlib.sha256()
        for chunk in delivery.chunks:
            digest.update(chunk)
        yield deliverables.unused_name(delivery.filename, taken), digest.hexdigest()
