"""Rules that live on rows, and what the database itself refuses."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, select

from models.event import Event, EventStatus, Gallery
from models.job import Job, JobKind
from models.photo import Photo, Review, Stage
from models.sharing import ShareLink
from tests.makers import gallery_of, make_event, make_photo

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("review", Review)
@pytest.mark.parametrize("removed_at", [None, NOW])
def test_public_is_indexed_and_approved_and_not_removed(stage, review, removed_at):
    photo = Photo(stage=stage, review=review, removed_at=removed_at)

    assert photo.is_public == ((stage, review, removed_at) == (Stage.INDEXED, Review.APPROVED, None))


@pytest.mark.parametrize(
    ("status", "is_open", "is_on_sale"),
    [
        (EventStatus.DRAFT, False, False),
        (EventStatus.SHOOTING, True, False),
        (EventStatus.UPLOADED, True, False),
        (EventStatus.ON_SALE, True, True),
        (EventStatus.CLOSED, False, False),
    ],
)
def test_an_event_is_open_and_on_sale_by_its_status(status, is_open, is_on_sale):
    event = Event(status=status)

    assert (event.is_open_to_visitors(NOW), event.is_on_sale(NOW)) == (is_open, is_on_sale)


@pytest.mark.parametrize(
    ("expires_at", "is_open"), [(None, True), (LATER, True), (NOW, False), (EARLIER, False)]
)
def test_what_expires_is_open_until_that_moment(expires_at, is_open):
    event = Event(status=EventStatus.ON_SALE, expires_at=expires_at)

    assert (event.is_open_to_visitors(NOW), event.is_on_sale(NOW)) == (is_open, is_open)
    assert ShareLink(expires_at=expires_at).is_open(NOW) is is_open
    assert not ShareLink(expires_at=expires_at, revoked_at=EARLIER).is_open(NOW)


def test_a_photo_without_gps_is_delivered_as_it_came():
    plain, tagged = Photo(has_gps=False), Photo(has_gps=True)

    assert plain.delivered_key == plain.original_key
    assert tagged.delivered_key not in (tagged.original_key, plain.delivered_key)
    assert tagged.rendition_key("300") == f"renditions/{tagged.id}/300"


def test_times_come_back_aware_and_in_utc(backends):
    bangkok = timezone(timedelta(hours=7))
    event = make_event(backends, expires_at=datetime(2026, 12, 1, 7, 0, tzinfo=bangkok))

    with backends.reading() as session:
        read = session.get_one(Event, event.id).expires_at

    assert (read, read.tzinfo) == (datetime(2026, 12, 1, tzinfo=UTC), UTC)


def test_a_time_without_a_zone_is_refused(backends):
    with pytest.raises(StatementError, match="without a zone"):
        make_event(backends, expires_at=datetime(2026, 12, 1))


@pytest.mark.parametrize("fields", [{"price_amount": -1}, {"status": "party"}, {"slug": None}])
def test_the_database_refuses_what_cannot_be(backends, fields):
    with pytest.raises((IntegrityError, StatementError, LookupError)):
        make_event(backends, **fields)


def test_unique_means_unique(backends):
    event = make_event(backends)
    photo = make_photo(backends, event)

    with pytest.raises(IntegrityError):
        make_event(backends, slug=event.slug)
    with pytest.raises(IntegrityError):
        make_photo(backends, event, sha256=photo.sha256)
    with pytest.raises(IntegrityError), backends.transaction() as session:
        session.add(Gallery(event_id=event.id, name=gallery_of(backends, event).name))


def test_rows_point_at_rows(backends):
    with pytest.raises(IntegrityError), backends.transaction() as session:
        session.add(Job(kind=JobKind.RENDER_PHOTO, subject="x", event_id=990_001))
    with pytest.raises(IntegrityError), backends.transaction() as session:
        session.add(Event(slug="x", name="x", held_on=date(2026, 1, 1), created_by=990_001))

    with backends.reading() as session:
        assert session.exec(select(Job)).all() == []


def test_every_constraint_has_a_name_to_drop_it_by():
    nameless = [
        f"{table.name}: {constraint!r}"
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if not constraint.name
    ]

    assert nameless == []
