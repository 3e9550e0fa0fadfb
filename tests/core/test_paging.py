"""Pages follow each other without a gap or a repeat, whatever comes meanwhile."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, delete, func, select

from core import paging
from core.paging import Asked, CursorUnknown, Order
from models.photo import Photo
from tests.makers import make_event, make_photo

WHEN = func.coalesce(Photo.taken_at, Photo.created_at)
UP = Order[Photo](
    "up", (WHEN, col(Photo.id)), place=lambda photo: (photo.taken_at or photo.created_at, photo.id)
)
DOWN = Order[Photo]("down", UP.columns, is_descending=True, place=UP.place)


def walk(backends, order, limit: int) -> list[UUID]:
    seen: list[UUID] = []
    asked = Asked(limit)
    while True:
        with backends.reading() as session:
            page = paging.read(backends, session, select(Photo), order, asked)
        assert len(page.items) <= limit
        seen += [photo.id for photo in page.items]
        if page.next_cursor is None:
            return seen
        asked = Asked(limit, page.next_cursor)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 3) | st.none(), max_size=9), limit=st.integers(1, 4))
def test_every_row_comes_once_and_in_order(backends, minutes, limit):
    with backends.transaction() as session:
        session.exec(delete(Photo))
    event = make_event(backends)
    photos = [
        make_photo(backends, event, taken_at=None if minute is None else at(minute)) for minute in minutes
    ]
    expected = [photo.id for photo in sorted(photos, key=UP.place)]

    assert walk(backends, UP, limit) == expected
    assert walk(backends, DOWN, limit) == expected[::-1]


def at(minute: int) -> datetime:
    return datetime(2026, 10, 17, 3, minute, tzinfo=UTC)


def test_what_comes_meanwhile_shifts_nothing(backends):
    event = make_event(backends)
    second, third = (make_photo(backends, event, taken_at=at(minute)) for minute in (2, 3))
    with backends.reading() as session:
        first_page = paging.read(backends, session, select(Photo), UP, Asked(1))
    make_photo(backends, event, taken_at=at(1))

    with backends.reading() as session:
        next_page = paging.read(backends, session, select(Photo), UP, Asked(5, first_page.next_cursor))

    assert [photo.id for photo in first_page.items] == [second.id]
    assert [photo.id for photo in next_page.items] == [third.id]


def test_a_cursor_of_another_list_or_of_nobodys_making_is_refused(backends):
    event = make_event(backends)
    for _ in range(2):
        make_photo(backends, event)
    with backends.reading() as session:
        cursor = paging.read(backends, session, select(Photo), UP, Asked(1)).next_cursor

        for order, given in ((DOWN, cursor), (UP, cursor[:-1]), (UP, "x"), (UP, "")):
            with pytest.raises(CursorUnknown):
                paging.read(backends, session, select(Photo), order, Asked(1, given))
