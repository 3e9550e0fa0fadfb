"""Lists of photos that come page by page, the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core import photo_lists
from core.backends import Backends
from core.paging import Asked
from core.photo_lists import PhotoSort, Span, Wanted
from models.photo import Photo, Review
from tests.makers import make_event, make_photo, make_viewer, owner_of

NOON = datetime(2026, 10, 17, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def site(request) -> Backends:
    """The platform on each of its databases."""
    name = "backends" if request.param == "sqlite" else "platform"
    found: Backends = request.getfixturevalue(name)
    return found


def listed(site: Backends, event, *, limit: int, **others) -> list[list[UUID]]:
    """Every page of an event's public photos."""
    pages, cursor = [], None
    while True:
        asked = Asked(limit, cursor)
        found = photo_lists.public(site, event.id, asked, by=make_viewer(), **others).photos
        pages.append([photo.id for photo in found.items])
        if (cursor := found.next_cursor) is None:
            return pages


def in_order(photos: list[Photo]) -> list[UUID]:
    return [one.id for one in sorted(photos, key=lambda one: (one.taken_at or one.created_at, one.id))]


def test_pages_join_without_a_gap_or_a_double(site):
    event = make_event(site)
    photos = [make_photo(site, event, taken_at=NOON + timedelta(hours=number // 3)) for number in range(7)]
    photos.append(make_photo(site, event, taken_at=None, created_at=NOON + timedelta(minutes=30)))

    forwards = listed(site, event, limit=3)
    backwards = listed(site, event, limit=3, sort=PhotoSort.NEWEST)

    assert [len(page) for page in forwards] == [3, 3, 2]
    assert [photo_id for page in forwards for photo_id in page] == in_order(photos)
    assert [photo_id for page in backwards for photo_id in page] == in_order(photos)[::-1]


def test_a_photo_that_comes_meanwhile_moves_no_other(site):
    event = make_event(site)
    photos = [make_photo(site, event, taken_at=NOON + timedelta(hours=number)) for number in range(4)]
    first = photo_lists.public(site, event.id, Asked(2), by=make_viewer()).photos

    make_photo(site, event, taken_at=NOON - timedelta(hours=1))
    rest = photo_lists.public(site, event.id, Asked(2, first.next_cursor), by=make_viewer()).photos

    assert [photo.id for photo in (*first.items, *rest.items)] == in_order(photos)


def test_a_span_has_its_ends_within_and_no_photo_without_a_time(site):
    event = make_event(site)
    photos = [make_photo(site, event, taken_at=NOON + timedelta(hours=number)) for number in range(4)]
    make_photo(site, event, taken_at=None, created_at=NOON + timedelta(hours=1))

    span = Span(NOON + timedelta(hours=1), NOON + timedelta(hours=2))

    assert listed(site, event, limit=9, span=span) == [in_order(photos[1:3])]


def test_uploads_come_the_latest_first(site):
    event = make_event(site)
    photos = [
        make_photo(site, event, created_at=NOON + timedelta(hours=number // 2), review=Review.PENDING)
        for number in range(4)
    ]
    owner, wanted = owner_of(site, event), Wanted(review=Review.PENDING)

    first = photo_lists.uploads(site, event.id, Asked(3), wanted, by=owner).photos
    rest = photo_lists.uploads(site, event.id, Asked(3, first.next_cursor), wanted, by=owner).photos

    latest = sorted(photos, key=lambda one: (one.created_at, one.id), reverse=True)
    assert [photo.id for photo in (*first.items, *rest.items)] == [photo.id for photo in latest]
    assert rest.next_cursor is None
