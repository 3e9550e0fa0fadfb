"""The services on a real PostgreSQL: the same promises as on SQLite, with real concurrency."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core import audit, carts, chain, checkouts, downloads, events, galleries, jobs, payments, photos, sharing
from core.errors import NotFound
from core.gateway import PaymentState
from core.worker import HANDLERS
from models.account import Account, Role
from models.audit import AuditEntry
from models.event import EventStatus
from models.job import Job, JobStatus
from models.photo import Photo, Review, Stage
from tests.makers import make_account, make_event, make_jpeg, make_viewer, some_id, upload

pytestmark = pytest.mark.integration


@pytest.fixture
def organiser(platform) -> Account:
    return make_account(platform, Role.ORGANISER)


def together(count: int, run) -> list:
    """Run in several threads that start at the same moment."""
    gate = Barrier(count)

    def start(number: int):
        gate.wait()
        return run(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def test_the_way_of_a_photo_from_upload_to_a_paid_file(platform, organiser):
    event = make_event(platform, organiser)
    content, viewer = make_jpeg("anna", gps=True), make_viewer()
    photo = upload(platform, event, content, by=organiser)
    while jobs.run_next(platform, HANDLERS):
        pass
    photos.review(platform, [photo.id], Review.APPROVED, by=organiser)

    carts.add(platform, viewer, [photo.id])
    order = checkouts.place(platform, viewer, "runner@example.org")
    platform.payments.decide(order.checkout_id, PaymentState.PAID)
    paid = payments.refresh(platform, order.id)

    with platform.reading() as session:
        indexed = session.get_one(Photo, photo.id)
    assert (indexed.stage, indexed.face_count) == (Stage.INDEXED, 1)
    assert [link.photo.id for link in downloads.links(platform, paid)] == [photo.id]
    assert photos.public(platform, event.id, by=viewer).total == 1
    assert audit.first_break(platform) is None


def test_events_galleries_and_links_are_made_searched_and_removed(platform, organiser):
    event = events.create(
        platform, events.Details(name="Hill Run", held_on=make_event(platform).held_on), by=organiser
    )
    start = galleries.add(platform, event.id, "Start", by=organiser)
    sharing.create(platform, event.id, gallery_id=start.id, by=organiser)
    events.set_status(platform, event.id, EventStatus.ON_SALE, by=organiser)

    galleries.remove(platform, start.id, by=organiser)

    assert [found.id for found in events.mine(platform, "HILL", by=organiser)] == [event.id]
    assert events.counts(platform, event.id, by=organiser).uploaded == 0
    with pytest.raises(NotFound):
        photos.may_upload(platform, 2**31, by=organiser)


def test_many_workers_claim_each_job_once_without_waiting_for_each_other(platform):
    with platform.transaction() as session:
        made = [jobs.enqueue(session, kind, some_id()) for kind in list(HANDLERS)[:1] * 12]
    ids = {job.id for job in made}

    claimed = together(6, lambda _: [job.id for job in (jobs.claim(platform), jobs.claim(platform)) if job])

    every = [job_id for several in claimed for job_id in several]
    assert sorted(every) == sorted(ids)


def test_a_claim_skips_what_another_transaction_holds(platform):
    with platform.transaction() as session:
        first, second = (jobs.enqueue(session, next(iter(HANDLERS)), some_id()) for _ in range(2))

    with platform.transaction() as session:
        session.exec(select(Job).where(Job.id == first.id).with_for_update()).one()
        claimed = jobs.claim(platform)

    assert claimed.id == second.id
    with platform.reading() as session:
        assert session.get_one(Job, first.id).status is JobStatus.DUE


def test_the_audit_log_is_one_chain_under_many_writers(platform, organiser):
    def write(number: int) -> None:
        with platform.transaction() as session:
            audit.record(session, "event.edit", number, by=organiser)

    write(99)
    together(8, write)

    assert audit.first_break(platform) is None
    with platform.reading() as session:
        assert len(session.exec(select(AuditEntry)).all()) == 9


def test_without_the_lock_writers_of_the_audit_log_collide(platform, organiser, monkeypatch):
    """The negative control: the chain cannot fork, so a writer that does not queue is refused."""
    with platform.transaction() as session:
        audit.record(session, "event.edit", 0, by=organiser)
    gate, link = Barrier(2), chain.link

    def meet(*arguments) -> str:
        gate.wait(timeout=10)  # both have read the last entry
        return link(*arguments)

    def write(number: int) -> bool:
        try:
            with platform.transaction() as session:
                audit.record(session, "event.edit", number, by=organiser)
        except IntegrityError:
            return False
        return True

    monkeypatch.setattr(type(select(AuditEntry.id)), "with_for_update", lambda self, **_: self)
    monkeypatch.setattr(chain, "link", meet)

    assert sorted(together(2, write)) == [False, True]


def test_the_same_file_at_the_same_moment_is_one_photo(platform, organiser):
    event, content = make_event(platform, organiser), make_jpeg()

    def send(_: int) -> str:
        try:
            return str(upload(platform, event, content, by=organiser).id)
        except photos.AlreadyUploaded:
            return "known"

    verdicts = together(3, send)

    with platform.reading() as session:
        kept = session.exec(select(Photo)).one()
    assert sorted(verdicts) == sorted([str(kept.id), "known", "known"])
    assert list(platform.objects.keys("originals/")) == [kept.original_key]
