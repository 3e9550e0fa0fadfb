"""Originals: uploaded once, listed by who may see them, judged, removed."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from core import galleries, ingest, photos, sharing
from core.errors import Forbidden, InvalidInput, NotFound, Unavailable
from core.incoming import Incoming
from models.activity import Activity, ActivityKind
from models.event import EventStatus, Gallery, Visibility
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Review, Stage
from tests.makers import (
    gallery_of,
    make_event,
    make_jpeg,
    make_photo,
    make_viewer,
    owner_of,
    some_id,
    upload,
)


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


def rows(backends) -> list[Photo]:
    with backends.reading() as session:
        return list(session.exec(select(Photo)))


def nothing_is_left(backends, *appointments: JobKind) -> bool:
    """No row, no object, no temporary file, and no job but the appointments named."""
    with backends.reading() as session:
        kinds = session.exec(select(Job.kind)).all()
    files = list((backends.settings.data / "tmp").glob("*"))
    return tuple(kinds) == appointments and not (rows(backends) or list(backends.objects.keys("")) or files)


def test_an_upload_leaves_its_bytes_its_row_and_its_first_job(backends, event, owner):
    content = make_jpeg(seed=3, gps=True)

    photo = upload(backends, event, content, by=owner, filename="../IMG_7.jpg")

    stored = rows(backends)[0]
    assert backends.objects.open(photo.original_key).read() == content
    assert stored == photo
    assert stored.model_dump(exclude={"id", "created_at", "gallery_id"}) == {
        "event_id": event.id,
        "uploaded_by": owner.id,
        "filename": "IMG_7.jpg",
        "sha256": hashlib.sha256(content).hexdigest(),
        "byte_size": len(content),
        "media_type": "image/jpeg",
        "width": 320,
        "height": 240,
        "taken_at": datetime(2026, 10, 17, 3, 0, tzinfo=UTC),  # ten o'clock in Bangkok
        "camera": "EncoreCam Model 3",
        "has_gps": True,
        "stage": Stage.UPLOADED,
        "review": Review.PENDING,
        "reviewed_by": None,
        "reviewed_at": None,
        "delivered_sha256": None,
        "delivered_size": None,
        "price_amount": None,
        "face_count": None,
        "removed_at": None,
    }
    with backends.reading() as session:
        job = session.exec(select(Job)).one()
    assert (job.kind, job.subject, job.event_id) == (JobKind.RENDER_PHOTO, str(photo.id), event.id)
    assert list((backends.settings.data / "tmp").iterdir()) == []


def test_the_same_file_twice_is_one_photo(backends, event, owner):
    content = make_jpeg()
    first = upload(backends, event, content, by=owner)

    with pytest.raises(photos.AlreadyUploaded):
        upload(backends, event, content, by=owner, filename="another name.jpg")

    assert [photo.id for photo in rows(backends)] == [first.id]
    assert list(backends.objects.keys("")) == [first.original_key]


def test_the_file_of_a_photo_that_is_being_deleted_is_welcome_again_a_moment_later(
    backends, event, owner, work
):
    content = make_jpeg()
    photos.delete(backends, [upload(backends, event, content, by=owner).id], by=owner)

    with pytest.raises(Unavailable, match="being deleted"):
        upload(backends, event, content, by=owner)
    work()
    again = upload(backends, event, content, by=owner)

    assert [photo.id for photo in rows(backends)] == [again.id]


def test_the_same_file_at_the_same_moment_is_one_photo(backends, event, owner, monkeypatch):
    content, gate = make_jpeg(), threading.Barrier(2)
    inspect = backends.pixels.inspect

    def inspect_together(path):
        gate.wait()  # both have looked for a duplicate and found none
        return inspect(path)

    def send(_: int) -> str:
        try:
            return str(upload(backends, event, content, by=owner).id)
        except photos.AlreadyUploaded:
            return "known"

    monkeypatch.setattr(backends.pixels, "inspect", inspect_together)
    with ThreadPoolExecutor(2) as pool:
        verdicts = set(pool.map(send, range(2)))

    kept = rows(backends)
    assert verdicts == {"known", *(str(photo.id) for photo in kept)}
    assert list(backends.objects.keys("")) == [kept[0].original_key]


def test_the_same_file_may_be_in_two_events(backends, event, owner):
    content, other = make_jpeg(), make_event(backends)

    both = [
        upload(backends, event, content, by=owner),
        upload(backends, other, content, by=owner_of(backends, other)),
    ]

    assert {photo.event_id for photo in rows(backends)} == {event.id, other.id}
    assert len({photo.original_key for photo in both}) == 2


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", make_jpeg()[:200], b"GIF89a" + bytes(50), b"%PDF-1.7"]
)
def test_a_refused_file_leaves_nothing(backends, event, owner, content):
    with pytest.raises(InvalidInput):
        upload(backends, event, content, by=owner)

    assert nothing_is_left(backends)


def test_a_store_that_is_away_leaves_no_row(backends, event, owner):
    backends.objects.is_down = True

    with pytest.raises(Unavailable):
        upload(backends, event, make_jpeg(), by=owner)

    backends.objects.is_down = False
    assert nothing_is_left(backends, JobKind.SWEEP_UPLOAD)


class StoreThatDies:
    """An object store whose process dies as soon as it has the bytes; what is in it stays."""

    def __init__(self, inner) -> None:
        self.inner = inner

    def put(self, key: str, content, length: int, media_type: str) -> None:
        self.inner.put(key, content, length, media_type)
        raise KeyboardInterrupt


def test_bytes_whose_row_was_never_written_are_swept_after_a_while(backends, event, owner, work, monkeypatch):
    store = backends.objects
    monkeypatch.setattr(backends, "objects", StoreThatDies(store))
    with pytest.raises(KeyboardInterrupt):
        upload(backends, event, make_jpeg(), by=owner)
    monkeypatch.setattr(backends, "objects", store)
    orphans, ran_early = len(list(store.keys("originals/"))), work()

    later = backends.now() + photos.SWEEP_AFTER + timedelta(seconds=5)
    monkeypatch.setattr(backends, "now", lambda: later)
    ran = work()

    assert (orphans, ran_early, ran) == (1, 0, 1)
    assert list(store.keys("")) == rows(backends) == []


def test_the_sweep_is_written_down_before_the_first_byte_is_stored(backends, event, owner, monkeypatch):
    known = []
    put = backends.objects.put

    def look_then_put(key: str, *arguments) -> None:
        with backends.reading() as session:
            known.extend((job.kind, f"originals/{job.subject}" == key) for job in session.exec(select(Job)))
        put(key, *arguments)

    monkeypatch.setattr(backends.objects, "put", look_then_put)
    upload(backends, event, make_jpeg(), by=owner)

    assert known == [(JobKind.SWEEP_UPLOAD, True)]


def test_an_upload_that_outlasts_its_sweep_is_refused(backends, event, owner, monkeypatch):
    put = backends.objects.put

    def put_and_be_swept(key: str, *arguments) -> None:
        put(key, *arguments)
        with backends.transaction() as session:
            session.exec(select(Job)).one().status = JobStatus.DONE

    monkeypatch.setattr(backends.objects, "put", put_and_be_swept)
    with pytest.raises(Unavailable, match="too long"):
        upload(backends, event, make_jpeg(), by=owner)

    assert (rows(backends), list(backends.objects.keys(""))) == ([], [])


def test_an_upload_that_has_its_row_is_never_swept(backends, event, owner, monkeypatch):
    photo = upload(backends, event, make_jpeg(), by=owner)

    ingest.sweep_upload(backends, str(photo.id))

    assert list(backends.objects.keys("")) == [photo.original_key]


def test_a_closed_event_takes_no_photos(backends):
    closed = make_event(backends, status=EventStatus.CLOSED)

    with pytest.raises(Forbidden, match="closed"):
        upload(backends, closed, make_jpeg(), by=owner_of(backends, closed))

    assert nothing_is_left(backends)


@pytest.mark.parametrize("number", [0, -1, 990_001, 2**31, 10**30])
def test_a_gallery_that_is_not_there_takes_nothing(backends, owner, number):
    with pytest.raises(NotFound), Incoming(backends, "a.jpg") as incoming:
        photos.upload(backends, number, incoming, by=owner)


def test_a_gallery_of_another_event_takes_nothing_from_me(backends, owner):
    other = make_event(backends)

    with pytest.raises(NotFound):
        upload(backends, other, make_jpeg(), by=owner)

    assert nothing_is_left(backends)


# --- listing -------------------------------------------------------------------------------

HIDDEN = [
    {"stage": Stage.UPLOADED},
    {"stage": Stage.RENDERED},
    {"review": Review.PENDING},
    {"review": Review.REJECTED},
    {"removed_at": datetime(2026, 10, 18, tzinfo=UTC)},
]


@pytest.mark.parametrize("fields", [{}, *HIDDEN])
def test_the_sql_of_public_says_the_same_as_the_row(backends, event, fields):
    photo = make_photo(backends, event, **fields)

    page = photos.public(backends, event.id, by=make_viewer())

    assert page.photos == ([photo] if photo.is_public else [])
    assert (page.total, photo.is_public) == (int(fields == {}), fields == {})


def test_photos_come_in_the_order_they_were_taken_page_by_page(backends, event):
    start = datetime(2026, 10, 17, 3, tzinfo=UTC)
    made = [make_photo(backends, event, taken_at=start - timedelta(minutes=n)) for n in range(5)]
    viewer = make_viewer()

    pages = [photos.public(backends, event.id, by=viewer, offset=at, limit=2) for at in (0, 2, 4, 6)]

    shown = [photo.id for page in pages for photo in page.photos]
    assert shown == [photo.id for photo in reversed(made)]
    assert {page.total for page in pages} == {5}


def test_a_look_is_counted(backends, event):
    make_photo(backends, event)
    viewer = make_viewer()

    photos.count_view(backends, event.id, 1, by=viewer)

    with backends.reading() as session:
        seen = session.exec(select(Activity)).one()
    assert (seen.kind, seen.visitor_key, seen.numbers) == (
        ActivityKind.VIEW,
        viewer.visitor_key,
        {"photos": 1},
    )


def test_a_photo_that_is_no_longer_public_is_dropped_from_a_list(backends, event):
    shown, gone, other = make_photo(backends, event), make_photo(backends, event, **HIDDEN[3]), some_id()

    left = photos.still_public(backends, event.id, [gone.id, other, shown.id], by=make_viewer())

    assert [photo.id for photo in left] == [shown.id]


def test_a_gallery_is_shown_alone_when_asked(backends, event):
    with backends.transaction() as session:
        finish = Gallery(event_id=event.id, name="Finish")
        session.add(finish)
    make_photo(backends, event)
    late = make_photo(backends, event, gallery_id=finish.id)

    page = photos.public(backends, event.id, by=make_viewer(), gallery_id=finish.id)

    assert [photo.id for photo in page.photos] == [late.id]


def test_who_opened_the_links_of_two_galleries_sees_the_photos_of_both_and_of_no_third(backends, owner):
    hidden = make_event(backends, owner, visibility=Visibility.BY_LINK)
    opened, viewer, shown = [gallery_of(backends, hidden)], make_viewer(), []
    opened.append(galleries.add(backends, hidden.id, "Finish", by=owner))
    third = galleries.add(backends, hidden.id, "Party", by=owner)
    for gallery in opened:
        link = sharing.create(backends, hidden.id, gallery_id=gallery.id, by=owner)
        sharing.open_link(backends, sharing.address(backends, link).split("share=")[1], by=viewer)
        shown.append(make_photo(backends, hidden, gallery_id=gallery.id).id)
    make_photo(backends, hidden, gallery_id=third.id)

    page = photos.public(backends, hidden.id, by=viewer)

    assert sorted(photo.id for photo in page.photos) == sorted(shown)
    assert page.total == 2
    assert photos.public(backends, hidden.id, by=viewer, gallery_id=third.id).total == 0


def test_an_unlisted_events_photos_are_not_there_for_passers_by(backends):
    hidden = make_event(backends, visibility=Visibility.BY_LINK)
    photo = make_photo(backends, hidden)

    for ask in (
        lambda: photos.public(backends, hidden.id, by=make_viewer()),
        lambda: photos.still_public(backends, hidden.id, [photo.id], by=make_viewer()),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_photo_is_named_for_messages_to_its_members(backends, event, owner):
    photo = make_photo(backends, event, filename="IMG_9.jpg")
    elsewhere = make_photo(backends, make_event(backends), filename="IMG_8.jpg")
    ids = [str(photo.id), str(elsewhere.id), str(some_id())]

    assert photos.names(backends, event.id, ids, by=owner) == {
        ids[0]: "IMG_9.jpg",
        ids[1]: ids[1],
        ids[2]: ids[2],
    }
    with pytest.raises(NotFound):
        photos.names(backends, event.id, ids, by=owner_of(backends, make_event(backends)))


def test_a_gallery_removed_meanwhile_is_no_duplicate(backends, event, owner, monkeypatch):
    doomed = gallery_of(backends, event)
    inspect = backends.pixels.inspect

    def remove_then_inspect(path):
        with backends.transaction() as session:
            session.delete(session.get_one(Gallery, doomed.id))
        return inspect(path)

    monkeypatch.setattr(backends.pixels, "inspect", remove_then_inspect)
    with pytest.raises(NotFound):
        upload(backends, event, make_jpeg(), by=owner)

    assert nothing_is_left(backends, JobKind.SWEEP_UPLOAD)
