"""The queue: claimed once, leased, fenced, tried again, given up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from sqlmodel import select

from core import jobs, troubles
from core.errors import Forbidden, InvalidInput, Unavailable
from models.account import Role
from models.event import MemberRole
from models.job import Job, JobKind, JobStatus
from tests.makers import make_account, make_event, make_member, some_id

KIND = JobKind.RENDER_PHOTO


@pytest.fixture
def clock(backends):
    """A clock that the test moves."""
    return Clock(backends)


class Clock:
    def __init__(self, backends) -> None:
        self._now = backends.now()
        backends.now = lambda: self._now

    def move(self, by: timedelta) -> None:
        self._now += by


def make_job(backends, **fields) -> Job:
    with backends.transaction() as session:
        job = jobs.enqueue(session, KIND, some_id(), event_id=fields.pop("event_id", None))
        job.run_at = backends.now()
        job.sqlmodel_update(fields)
    return job


def seen(backends, job: Job) -> Job:
    with backends.reading() as session:
        return session.get_one(Job, job.id)


def refusing(error: Exception):
    def handler(*_: object) -> None:
        raise error

    return {KIND: handler}


def doing(*_: object) -> None:
    """A handler that has nothing to do."""


def race(backends, count: int, claim) -> list[int | None]:
    """Claim from several threads that start together."""
    gate = threading.Barrier(count)

    def run(_: int) -> int | None:
        gate.wait()
        job = claim(backends)
        return job.id if job else None

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_job_exists_if_and_only_if_its_transaction_commits(backends):
    with suppress(InvalidInput), backends.transaction() as session:
        jobs.enqueue(session, KIND, some_id())
        raise InvalidInput("no")

    assert jobs.claim(backends) is None


def test_jobs_are_claimed_oldest_first_and_not_before_their_time(backends, clock):
    later = make_job(backends, run_at=backends.now() + timedelta(seconds=10))
    first, second = make_job(backends), make_job(backends)

    claimed = [jobs.claim(backends), jobs.claim(backends), jobs.claim(backends)]
    clock.move(timedelta(seconds=10))

    assert [job and job.id for job in claimed] == [first.id, second.id, None]
    assert jobs.claim(backends).id == later.id


def test_one_of_many_workers_gets_a_job(backends):
    job = make_job(backends)

    assert sorted(race(backends, 6, jobs.claim), key=str) == [job.id, *[None] * 5]
    assert seen(backends, job).attempts == 1


def test_without_the_atomic_claim_two_workers_get_the_same_job(backends):
    """The negative control: the race above can be lost."""
    make_job(backends)
    both_have_looked = threading.Barrier(2)

    def look_then_take(backends) -> Job | None:
        with backends.reading() as session:
            job = session.exec(select(Job).where(Job.status == JobStatus.DUE)).first()
        both_have_looked.wait()
        with backends.transaction() as session:
            session.get_one(Job, job.id).status = JobStatus.RUNNING
        return job

    claimed = race(backends, 2, look_then_take)

    assert claimed[0] == claimed[1] is not None


def test_a_dead_workers_job_is_taken_over_when_its_lease_ends(backends, clock):
    job = make_job(backends)
    first = jobs.claim(backends)

    clock.move(backends.settings.job_lease - timedelta(seconds=1))
    early = jobs.claim(backends)
    clock.move(timedelta(seconds=2))
    second = jobs.claim(backends)

    assert early is None
    assert (second.id, second.attempts) == (job.id, 2)
    assert second.fence != first.fence


@pytest.mark.parametrize(
    "ending", [doing, refusing(InvalidInput("bad"))[KIND], refusing(Unavailable("away"))[KIND]]
)
def test_a_worker_that_was_thought_dead_changes_nothing(backends, clock, ending):
    job = make_job(backends)

    def slow(backends, subject: str) -> None:
        clock.move(backends.settings.job_lease + timedelta(seconds=1))
        assert jobs.claim(backends).id == job.id  # another worker takes over
        ending(backends, subject)

    jobs.run_next(backends, {KIND: slow})

    after = seen(backends, job)
    assert (after.status, after.attempts, after.last_error) == (JobStatus.RUNNING, 2, None)
    assert after.fence is not None


def test_a_long_jobs_lease_is_renewed_while_it_runs(backends):
    backends.settings.job_lease = timedelta(milliseconds=60)
    job = make_job(backends)
    leases = []

    def long(backends, _: str) -> None:
        leases.append(seen(backends, job).lease_until)
        while seen(backends, job).lease_until == leases[0]:
            threading.Event().wait(0.005)
        leases.append(seen(backends, job).lease_until)

    jobs.run_next(backends, {KIND: long})

    assert leases[1] > leases[0]
    assert seen(backends, job).status is JobStatus.DONE


def test_a_lease_is_renewed_at_the_next_try_when_the_database_was_away(backends, monkeypatch):
    backends.settings.job_lease = timedelta(milliseconds=60)
    job, real, failures = make_job(backends), backends.transaction, []

    @contextmanager
    def away_at_first():
        with real() as session:
            if threading.current_thread().name.startswith("lease-") and not failures:
                failures.append("away")
                session.connection().exec_driver_sql("SELECT * FROM a_table_that_is_away")
            yield session

    leases = []

    def long(backends, _: str) -> None:
        first = seen(backends, job).lease_until
        for _ in range(400):  # two seconds
            threading.Event().wait(0.005)
            leases.append(seen(backends, job).lease_until - first)
            if leases[-1]:
                return

    monkeypatch.setattr(backends, "transaction", away_at_first)
    jobs.run_next(backends, {KIND: long})

    assert failures == ["away"]
    assert leases[-1] > timedelta(0)
    assert seen(backends, job).status is JobStatus.DONE


def test_a_done_job_is_not_run_again(backends):
    job = make_job(backends)

    ran = [jobs.run_next(backends, {KIND: doing}), jobs.run_next(backends, {KIND: doing})]

    after = seen(backends, job)
    assert ran == [True, False]
    assert (after.status, after.fence, after.lease_until, after.last_error) == (
        JobStatus.DONE,
        None,
        None,
        None,
    )


def test_what_is_unavailable_is_tried_again_after_longer_and_longer_waits(backends, clock):
    job = make_job(backends)
    waits = []

    for _ in range(jobs.MAX_ATTEMPTS - 1):
        assert jobs.run_next(backends, refusing(Unavailable("The store is away.")))
        waits.append((seen(backends, job).run_at - backends.now()).total_seconds())
        assert not jobs.run_next(backends, refusing(Unavailable("too early")))
        clock.move(timedelta(seconds=waits[-1]))

    assert waits == [5, 10, 20, 40, 80, 160, 320]
    assert seen(backends, job).status is JobStatus.DUE


def test_a_job_gives_up_after_its_last_attempt_and_says_why(backends):
    job = make_job(backends, attempts=jobs.MAX_ATTEMPTS - 1)

    jobs.run_next(backends, refusing(Unavailable("The store is away.")))

    after = seen(backends, job)
    assert (after.status, after.last_error) == (JobStatus.FAILED, "The store is away.")
    assert after.finished_at is not None
    assert jobs.claim(backends) is None


def test_a_refusal_is_final_at_once(backends):
    job = make_job(backends)

    jobs.run_next(backends, refusing(InvalidInput("This is no picture.")))

    after = seen(backends, job)
    assert (after.status, after.attempts, after.last_error) == (JobStatus.FAILED, 1, "This is no picture.")


def test_a_bug_is_written_down_and_tried_again(backends):
    job = make_job(backends)

    jobs.run_next(backends, refusing(ZeroDivisionError("oh")))

    after = seen(backends, job)
    assert (after.status, after.last_error) == (JobStatus.DUE, "ZeroDivisionError: oh")


def test_a_job_that_kills_its_worker_each_time_gives_up_too(backends, clock):
    job = make_job(backends)
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(backends) is not None  # and then the worker dies
        clock.move(backends.settings.job_lease + timedelta(seconds=1))

    jobs.run_next(backends, refusing(AssertionError("it must not run again")))

    after = seen(backends, job)
    assert (after.status, after.last_error) == (JobStatus.FAILED, "The worker died in each attempt.")


def test_a_job_that_gave_up_is_retried_with_all_its_attempts(backends):
    event = make_event(backends)
    photographer = make_member(backends, event, MemberRole.PHOTOGRAPHER)
    job = make_job(backends, event_id=event.id, attempts=7)
    jobs.run_next(backends, refusing(Unavailable("away")))

    jobs.retry(backends, job.id, by=photographer)

    after = seen(backends, job)
    assert (after.status, after.attempts, after.finished_at) == (JobStatus.DUE, 0, None)
    assert jobs.claim(backends).id == job.id


def test_a_running_job_is_not_disturbed_by_a_retry(backends):
    job = make_job(backends)
    jobs.claim(backends)
    before = seen(backends, job)

    jobs.retry(backends, job.id, by=make_account(backends, Role.ADMIN))

    assert seen(backends, job) == before


def test_only_admins_see_the_trouble_of_all_events_and_retry_what_has_none(backends):
    job = make_job(backends)
    jobs.run_next(backends, refusing(InvalidInput("bad")))
    admin, organiser = make_account(backends, Role.ADMIN), make_account(backends, Role.ORGANISER)

    assert [(found.id, name) for found, name in troubles.named(backends, by=admin)] == [(job.id, "")]
    with pytest.raises(Forbidden):
        troubles.named(backends, by=organiser)
    for job_id, account in ((job.id, organiser), (job.id, None), (990_001, admin)):
        with pytest.raises(jobs.NoSuchJob):
            jobs.retry(backends, job_id, by=account)


def test_a_delivery_is_retried_by_who_has_webhooks_in_its_event(backends):
    event = make_event(backends)
    job = make_job(backends, kind=jobs.DELIVER, event_id=event.id, status=JobStatus.FAILED)

    with pytest.raises(Forbidden):
        jobs.retry(backends, job.id, by=make_member(backends, event, MemberRole.PHOTOGRAPHER))
    jobs.retry(backends, job.id, by=make_member(backends, event, MemberRole.CO_ORGANISER))

    assert seen(backends, job).status is JobStatus.DUE


def test_counts_and_what_is_left_to_do(backends):
    make_job(backends)
    make_job(backends)
    for kind in (JobKind.EXPIRE_ORDER, JobKind.SWEEP_UPLOAD):  # appointments
        make_job(backends, kind=kind)
    jobs.run_next(backends, {KIND: doing})

    assert jobs.counts(backends) == {JobStatus.DONE: 1, JobStatus.DUE: 1}
    assert jobs.unfinished(backends) == 1
