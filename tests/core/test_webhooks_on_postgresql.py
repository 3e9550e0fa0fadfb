"""Webhooks on a real PostgreSQL, beside all who work on the same event at the same moment."""

from threading import Event as Signal
from threading import Thread, current_thread

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from core import audit, events, jobs, notices, photos, sharing, webhooks
from core.errors import Conflict
from core.webhooks import BeingSent
from models.account import Account
from models.event import Event
from models.job import Job, JobKind, JobStatus
from models.notice import NoticeKind
from models.photo import Review
from models.webhook import DeliveryStatus, WebhookDelivery
from tests.core.test_notices_on_postgresql import PATIENCE, wait_until
from tests.core.test_on_postgresql import together
from tests.core.test_sweeps import is_anybody_waiting
from tests.makers import make_event, make_photo, owner_of

pytestmark = pytest.mark.integration

URL = "https://hooks.example/encore"


@pytest.fixture
def event(platform) -> Event:
    return make_event(platform)


@pytest.fixture
def owner(platform, event) -> Account:
    found = owner_of(platform, event)
    with platform.transaction() as session:
        audit.record(session, "event.create", event.id, by=found)  # without an entry there is no lock
    return found


def failures_of_a_review_beside_a_creation(platform, event, owner, monkeypatch) -> list[str]:
    """The webhook's transaction holds the event's row when the review comes to hold the audit log."""
    photo, record, failed = make_photo(platform, event), audit.record, []
    has_event, has_log = Signal(), Signal()

    def in_turns(*arguments, **options):
        if current_thread().name == "webhook":
            has_event.set()
            assert has_log.wait(PATIENCE)
        entry = record(*arguments, **options)
        has_log.set()
        return entry

    def run(act) -> None:
        try:
            act()
        except OperationalError:
            failed.append(current_thread().name)

    monkeypatch.setattr(audit, "record", in_turns)
    creation = Thread(target=run, name="webhook", args=(create_one(platform, event, owner),))
    creation.start()
    assert has_event.wait(PATIENCE)
    run(lambda: photos.review(platform, [photo.id], Review.REJECTED, by=owner))
    creation.join()
    return failed


def create_one(platform, event, owner):
    return lambda: webhooks.create(platform, event.id, URL, [], by=owner)


def test_a_review_beside_the_creation_of_a_webhook(platform, event, owner, monkeypatch):
    assert failures_of_a_review_beside_a_creation(platform, event, owner, monkeypatch) == []


def test_with_a_full_lock_of_the_event_they_wait_for_each_other(platform, event, owner, monkeypatch):
    """The negative control of the test above."""

    def lock(session: Session, event_id: int) -> None:
        session.get(Event, event_id, with_for_update=True)

    monkeypatch.setattr(webhooks, "_refuse_too_many", lock)

    assert len(failures_of_a_review_beside_a_creation(platform, event, owner, monkeypatch)) == 1


def test_many_who_work_on_one_event_at_once_wait_for_nobody_for_ever(platform, event, owner):
    photo_ids = [make_photo(platform, event).id for _ in range(6)]
    acts = [
        lambda: photos.review(platform, photo_ids, Review.APPROVED, by=owner),
        lambda: photos.review(platform, photo_ids[::-1], Review.REJECTED, by=owner),
        lambda: events.change(platform, event.id, {"name": "Another"}, by=owner),
        lambda: sharing.create(platform, event.id, by=owner),
        create_one(platform, event, owner),
        create_one(platform, event, owner),
    ]

    def run(number: int) -> None:
        for turn in range(4):
            acts[(number + turn) % len(acts)]()

    together(len(acts), run)

    assert len(webhooks.of_event(platform, event.id, by=owner)) == 8


def test_no_event_gets_more_webhooks_than_it_may_have(platform, event, owner):
    def create(_: int) -> bool:
        try:
            create_one(platform, event, owner)()
        except Conflict:
            return False
        return True

    made = [one for _ in range(3) for one in together(5, create)]

    assert made.count(True) == webhooks.MOST


def test_a_worker_does_not_take_what_is_just_asked_for_again(platform, event, owner, monkeypatch):
    create_one(platform, event, owner)()
    with platform.transaction() as session:
        notices.note(session, NoticeKind.SEARCH_MADE, event.id, sure=1)
    with platform.reading() as session:
        delivery = session.exec(select(WebhookDelivery)).one()
    claimed, record = [], audit.record

    def meanwhile(*arguments, **options):
        claimed.append(jobs.claim(platform))
        return record(*arguments, **options)

    monkeypatch.setattr(audit, "record", meanwhile)
    webhooks.resend(platform, delivery.id, by=owner)

    assert claimed == [None]
    assert jobs.claim(platform).subject == str(delivery.id)


def test_what_a_worker_has_just_taken_is_not_asked_for_again(platform, event, owner):
    create_one(platform, event, owner)()
    with platform.transaction() as session:
        notices.note(session, NoticeKind.SEARCH_MADE, event.id, sure=1)
    with platform.reading() as session:
        delivery = session.exec(select(WebhookDelivery)).one()
    refused: list[BeingSent] = []

    def ask() -> None:
        try:
            webhooks.resend(platform, delivery.id, by=owner)
        except BeingSent as refusal:
            refused.append(refusal)

    asking = Thread(target=ask)
    with platform.transaction() as session:
        job = session.exec(select(Job).where(Job.kind == JobKind.DELIVER_WEBHOOK)).one()
        job.status = JobStatus.RUNNING
        session.flush()
        asking.start()
        wait_until(lambda: is_anybody_waiting(platform) or not asking.is_alive())
    asking.join()

    assert len(refused) == 1
    with platform.reading() as session:
        assert session.get_one(WebhookDelivery, delivery.id).status is DeliveryStatus.WAITING
