"""Events, their lists and their links on a real PostgreSQL, also where two calls come at once."""

from datetime import date, timedelta

import pytest

from core import events, paging, sharing
from core.access import Viewer
from core.errors import Conflict
from models.account import Role
from models.event import Event, EventStatus
from models.photo import Review, Stage
from tests.core.test_on_postgresql import together
from tests.makers import make_account, make_event, make_photo, make_viewer, owner_of

pytestmark = pytest.mark.integration


def test_events_are_listed_page_by_page_and_counted(platform):
    ended = platform.now() - timedelta(days=1)
    made = [make_event(platform, name=f"Hill {day}", held_on=date(2026, 1, day)) for day in (1, 2, 3)]
    make_event(platform, name="Hill over", expires_at=ended)
    make_event(platform, name="Lake")
    make_photo(platform, made[0], face_count=2)
    make_photo(platform, made[0], stage=Stage.RENDERED, review=Review.PENDING, face_count=None)

    first = events.browse(platform, paging.Asked(2), by=make_viewer(), text="hill")
    rest = events.browse(platform, paging.Asked(2, first.next_cursor), by=make_viewer(), text="hill")
    counted = events.counts(platform, made[0].id, by=owner_of(platform, made[0]))

    assert [event.id for event in (*first.items, *rest.items)] == [event.id for event in made[::-1]]
    assert rest.next_cursor is None
    assert counted == events.Counts(uploaded=2, indexed=1, pending=1, approved=1, rejected=0, faces=2)


def test_events_of_one_name_made_at_once_are_made_or_refused_in_a_sentence(platform):
    organiser = make_account(platform, Role.ORGANISER)
    details = events.Details(name="River Run", held_on=date(2026, 10, 17))

    def make(_: int) -> Event | Conflict:
        try:
            return events.create(platform, details, by=organiser)
        except Conflict as refusal:
            return refusal

    answers = together(6, make)

    made = [answer.id for answer in answers if isinstance(answer, Event)]
    assert made
    assert sorted(event.id for event in events.mine(platform, by=organiser)) == sorted(made)


def test_a_link_opened_many_times_at_once_lets_in_every_time(platform):
    event = make_event(platform, status=EventStatus.ON_SALE)
    link = sharing.create(platform, event.id, by=owner_of(platform, event))
    token, viewer = sharing.token_of(sharing.address(platform, link)), Viewer("v" * 64)

    opened = together(8, lambda _: sharing.open_link(platform, token, by=viewer).id)

    assert opened == [event.id] * 8
