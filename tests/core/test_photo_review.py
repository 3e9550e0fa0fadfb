"""Photos judged and removed by those who may."""

import pytest
from sqlmodel import select

from core import carts, checkouts, photos
from core.errors import Conflict
from core.photos import NoSuchPhoto
from models.account import Role
from models.audit import AuditEntry
from models.event import MemberRole
from models.job import Job, JobKind
from models.notice import Notice
from models.photo import Review, Stage
from tests.core.test_on_postgresql import together
from tests.core.test_photos import rows
from tests.makers import (
    make_account,
    make_event,
    make_member,
    make_photo,
    make_viewer,
    owner_of,
)


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


def test_a_verdict_is_given_to_many_and_can_be_undone(backends, event, owner):
    first = make_photo(backends, event, review=Review.PENDING)
    second = make_photo(backends, event, review=Review.REJECTED)

    before = photos.review(backends, [first.id, second.id], Review.APPROVED, by=owner)

    assert before == {first.id: Review.PENDING, second.id: Review.REJECTED}
    assert {(photo.review, photo.reviewed_by) for photo in rows(backends)} == {(Review.APPROVED, owner.id)}


def test_the_photos_that_wait_for_a_verdict_are_counted_where_one_may_give_it(backends, event, owner):
    make_photo(backends, event, review=Review.PENDING)
    make_photo(backends, make_event(backends), review=Review.PENDING)
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    admin = make_account(backends, Role.ADMIN)

    counted = [photos.pending_count(backends, by=who) for who in (owner, photographer, admin)]

    assert counted == [1, 0, 2]


def test_photos_for_review_are_chosen_by_verdict(backends, event, owner):
    waiting = make_photo(backends, event, review=Review.PENDING, stage=Stage.RENDERED)
    make_photo(backends, event, review=Review.PENDING, stage=Stage.UPLOADED)
    make_photo(backends, event, review=Review.REJECTED)

    totals = [photos.for_review(backends, event.id, review, by=owner).total for review in (*Review, None)]

    assert totals == [1, 0, 1, 2]
    assert photos.for_review(backends, event.id, by=owner).photos == [waiting]


def test_a_deleted_photo_is_hidden_at_once_and_a_job_will_take_it_apart(backends, event, owner):
    photo = make_photo(backends, event)

    photos.delete(backends, [photo.id], by=owner)

    with backends.reading() as session:
        job = session.exec(select(Job)).one()
    assert (job.kind, job.subject) == (JobKind.DELETE_PHOTO, str(photo.id))
    assert photos.public(backends, event.id, by=make_viewer()).total == 0
    assert photos.for_review(backends, event.id, None, by=owner).total == 0


def traces(backends) -> list[int]:
    """How many entries, notices and jobs there are."""
    with backends.reading() as session:
        return [len(session.exec(select(table)).all()) for table in (AuditEntry, Notice, Job)]


def test_a_deleted_photo_is_neither_judged_nor_deleted_again(backends, event, owner):
    photo, other = make_photo(backends, event), make_photo(backends, event)
    photos.delete(backends, [photo.id], by=owner)
    before, removed_at = traces(backends), rows(backends)[0].removed_at

    for photo_ids in ([photo.id], [photo.id, other.id]):
        with pytest.raises(NoSuchPhoto):
            photos.review(backends, photo_ids, Review.REJECTED, by=owner)
        with pytest.raises(NoSuchPhoto):
            photos.delete(backends, photo_ids, by=owner)

    assert traces(backends) == before
    assert {row.review for row in rows(backends)} == {Review.APPROVED}
    assert [row.removed_at for row in rows(backends)] == [removed_at, None]


@pytest.mark.integration
def test_of_two_who_delete_a_photo_at_once_one_does(platform):
    event = make_event(platform)
    owner, photo_ids = owner_of(platform, event), [make_photo(platform, event).id for _ in range(4)]
    before = traces(platform)

    def delete(number: int) -> bool:
        try:
            photos.delete(platform, photo_ids[:: -1 if number % 2 else 1], by=owner)
        except NoSuchPhoto:
            return False
        return True

    verdicts = together(6, delete)

    assert sorted(verdicts) == [False] * 5 + [True]
    assert traces(platform) == [before[0] + 1, before[1] + 1, before[2] + 4]


def test_a_sold_photo_stays(backends, event, owner):
    photo, viewer = make_photo(backends, event), make_viewer()
    carts.add(backends, viewer, [photo.id])
    checkouts.place(backends, viewer, "runner@example.org")

    with pytest.raises(Conflict, match="orders"):
        photos.delete(backends, [photo.id], by=owner)

    assert rows(backends)[0].removed_at is None
