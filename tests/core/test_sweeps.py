"""Once a day what is old is forgotten, and the appointment for the next day stands, whatever happens."""

from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Thread

import pytest
from sqlalchemy import text
from sqlmodel import Session, SQLModel, col, select

from core import jobs, live, sweeps, troubles, worker
from core.backends import Backends
from models.account import CodePurpose, OneTimeCode, RefreshToken, Role, SignInSession
from models.idempotency import KeptAnswer
from models.job import Job, JobKind, JobStatus
from models.mail import MailKind, MailStatus, OutboxMail
from models.notice import Notice, NoticeKind
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from tests.core.test_notices import make_endpoint
from tests.core.test_notices_on_postgresql import PATIENCE, wait_until
from tests.makers import make_account, make_event

SECOND = timedelta(seconds=1)


class Clock:
    """The platform's time, moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(backends) -> Clock:
    backends.now = Clock(backends.now())
    return backends.now


def keep(backends: Backends, *rows: SQLModel) -> None:
    with backends.transaction() as session:
        session.add_all(rows)


def left(backends: Backends, table: type[SQLModel]) -> list:
    with backends.reading() as session:
        return list(session.exec(select(table)))


def appointments(backends: Backends) -> list[tuple[JobStatus, datetime]]:
    with backends.reading() as session:
        query = select(Job.status, Job.run_at).where(Job.kind == JobKind.SWEEP_OLD)
        return list(session.exec(query.order_by(col(Job.id))).all())


def sweep(backends: Backends) -> None:
    sweeps.sweep_old(backends, sweeps.SUBJECT)


# --- what is forgotten ---------------------------------------------------------------------


def test_notices_are_forgotten_after_a_week_but_for_the_newest_of_the_old(backends, clock):
    busy, quiet, gone = (make_event(backends) for _ in range(3))
    ages = [live.KEPT + SECOND, live.KEPT + SECOND, live.KEPT - SECOND]
    told = [(busy, age) for age in ages] + [(quiet, ages[2]), (gone, ages[0]), (gone, ages[0])]
    rows = [Notice(event_id=event.id, kind=NoticeKind.SEARCH_MADE, at=clock.now - age) for event, age in told]
    for row in rows:
        keep(backends, row)

    sweep(backends)

    assert [row.id for row in left(backends, Notice)] == [rows[number].id for number in (1, 2, 3, 5)]


def test_answers_are_forgotten_after_a_day(backends, clock):
    for name, age in (("old", sweeps.ANSWERS_KEPT + SECOND), ("new", sweeps.ANSWERS_KEPT - SECOND)):
        keep(backends, KeptAnswer(key_sha256=name, request_sha256="", created_at=clock.now - age))

    sweep(backends)

    assert [answer.key_sha256 for answer in left(backends, KeptAnswer)] == ["new"]


def test_deliveries_are_forgotten_after_a_month_unless_they_wait(backends, clock):
    endpoint = make_endpoint(backends, make_event(backends), removed_at=clock.now, is_active=False)
    statuses = [*DeliveryStatus, DeliveryStatus.DELIVERED]
    ages = [sweeps.DELIVERIES_KEPT + SECOND] * 3 + [sweeps.DELIVERIES_KEPT - SECOND]
    rows = [
        WebhookDelivery(
            endpoint_id=endpoint.id,
            notice_id=number,
            kind="",
            body="",
            status=status,
            created_at=clock.now - age,
        )
        for number, (status, age) in enumerate(zip(statuses, ages, strict=True))
    ]
    keep(backends, *rows)

    sweep(backends)

    kept = {delivery.id for delivery in left(backends, WebhookDelivery)}
    assert kept == {rows[statuses.index(DeliveryStatus.WAITING)].id, rows[3].id}
    assert [one.id for one in left(backends, WebhookEndpoint)] == [endpoint.id]


def test_tokens_and_codes_are_forgotten_when_they_open_nothing_any_more(backends, clock):
    account = make_account(backends)
    session = SignInSession(token_sha256="s", account_id=account.id, expires_at=clock.now + SECOND)
    keep(backends, session)
    for name, expires_at in (("old", clock.now - SECOND), ("new", clock.now + SECOND)):
        token = RefreshToken(token_sha256=name, session_sha256="s", expires_at=expires_at)
        code = OneTimeCode(code_sha256=name, purpose=CodePurpose.SIGN_IN, expires_at=expires_at)
        keep(backends, token, code)

    sweep(backends)

    assert [token.token_sha256 for token in left(backends, RefreshToken)] == ["new"]
    assert [code.code_sha256 for code in left(backends, OneTimeCode)] == ["new"]
    assert [one.token_sha256 for one in left(backends, SignInSession)] == ["s"]


def test_sessions_are_forgotten_a_month_after_their_end_with_their_tokens(backends, clock):
    account, month = make_account(backends), sweeps.SESSIONS_KEPT
    later = clock.now + timedelta(days=1)
    ends = {
        "expired": (clock.now - month - SECOND, None),
        "revoked": (later, clock.now - month - SECOND),
        "just expired": (clock.now - month + SECOND, None),
        "just revoked": (later, clock.now - month + SECOND),
        "open": (later, None),
    }
    for name, (expires_at, revoked_at) in ends.items():
        known = {"token_sha256": name, "account_id": account.id}
        keep(backends, SignInSession(**known, expires_at=expires_at, revoked_at=revoked_at))
        keep(backends, RefreshToken(token_sha256=name, session_sha256=name, expires_at=later))

    sweep(backends)

    for table in (SignInSession, RefreshToken):
        assert {row.token_sha256 for row in left(backends, table)} == {"just expired", "just revoked", "open"}


def test_jobs_that_never_stop_coming_are_forgotten_a_week_after_their_end(backends, clock):
    old, new = (clock.now - sweeps.JOBS_KEPT + by for by in (-SECOND, SECOND))
    ends = [(JobStatus.DONE, old), (JobStatus.FAILED, old), (JobStatus.DONE, new), (JobStatus.DUE, None)]
    for kind in (*sweeps.ENDLESS, JobKind.RENDER_PHOTO):
        for status, finished_at in ends:
            keep(backends, Job(kind=kind, subject=str(status), status=status, finished_at=finished_at))

    sweep(backends)

    kept = [(job.kind, job.status, job.finished_at) for job in left(backends, Job)]
    for kind in sweeps.ENDLESS:
        assert [row[1:] for row in kept if row[0] is kind] == ends[2:]
    assert len([row for row in kept if row[0] is JobKind.RENDER_PHOTO]) == len(ends)


def test_mails_that_never_stop_coming_are_forgotten_after_a_month_unless_they_wait(backends, clock):
    old, new = (clock.now - sweeps.MAILS_KEPT + by for by in (-SECOND, SECOND))
    kinds = (*sweeps.ENDLESS_MAILS, MailKind.RECEIPT)
    for kind in kinds:
        for status in MailStatus:
            for at in (old, new):
                row = OutboxMail(kind=kind, subject=f"{status} {at}", to="ada@example.org", status=status)
                row.created_at = at
                keep(backends, row)

    sweep(backends)

    kept = left(backends, OutboxMail)
    for kind in sweeps.ENDLESS_MAILS:
        ages = [(mail.status, mail.created_at) for mail in kept if mail.kind is kind]
        assert [status for status, at in ages if at == old] == [MailStatus.WAITING]
        assert len(ages) == len(MailStatus) + 1
    assert len([mail for mail in kept if mail.kind is MailKind.RECEIPT]) == 2 * len(MailStatus)


def test_what_waits_without_a_job_is_shown_as_failed(backends, clock):
    event = make_event(backends)
    endpoint = make_endpoint(backends, event)
    rows = [
        WebhookDelivery(endpoint_id=endpoint.id, notice_id=number, kind="", body="", created_at=clock.now)
        for number in range(4)
    ]
    keep(backends, *rows)
    for row, status in zip(rows, (JobStatus.DUE, JobStatus.RUNNING, JobStatus.FAILED), strict=False):
        keep(backends, Job(kind=JobKind.DELIVER_WEBHOOK, subject=str(row.id), status=status))

    sweep(backends)

    found = {row.id: (row.status, row.last_answer) for row in left(backends, WebhookDelivery)}
    waits, lost = (DeliveryStatus.WAITING, None), (DeliveryStatus.FAILED, sweeps.LOST)
    assert [found[row.id] for row in rows] == [waits, waits, lost, lost]


# --- the appointments ----------------------------------------------------------------------


def test_a_worker_that_starts_makes_one_appointment_for_the_next_day(backends, clock):
    stop = Signal()
    stop.set()

    for _ in range(2):
        worker.run(backends, stop)

    assert appointments(backends) == [(JobStatus.DUE, clock.now + sweeps.EVERY)]


def test_a_sweep_makes_the_next_appointment(backends, clock, work):
    sweeps.appoint(backends)
    clock.now += sweeps.EVERY

    work()

    next_one = (JobStatus.DUE, clock.now + sweeps.EVERY)
    assert appointments(backends) == [(JobStatus.DONE, clock.now), next_one]


def test_the_days_other_work_begins_with_the_sweep_once_a_day(backends, clock):
    for _ in range(2):  # the second is a sweep that is tried again: its next appointment stands already
        sweep(backends)

    begun = [job.kind for job in left(backends, Job) if job.kind is not JobKind.SWEEP_OLD]
    assert begun == [JobKind.SUM_UP_DAY, JobKind.RECONCILE]


def test_nothing_waits_for_an_appointment(backends, work):
    sweeps.appoint(backends)

    assert work() == 0
    assert jobs.unfinished(backends) == 0


def test_two_appointments_become_one_again(backends, clock, work):
    for _ in range(2):
        with backends.transaction() as session:
            jobs.enqueue(session, JobKind.SWEEP_OLD, sweeps.SUBJECT)
    clock.now += sweeps.EVERY

    work()

    assert [status for status, _ in appointments(backends)] == [JobStatus.DONE] * 2 + [JobStatus.DUE]


def test_a_sweep_that_fails_is_shown_and_does_not_end_the_chain(backends, clock, work, monkeypatch):
    def broken(session: Session, now: datetime) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sweeps, "FORGET", (broken,))
    sweeps.appoint(backends)
    clock.now += sweeps.EVERY

    for _ in range(jobs.MAX_ATTEMPTS):
        work()
        clock.now += timedelta(hours=1)

    failed, next_one = appointments(backends)
    assert (failed[0], next_one[0]) == (JobStatus.FAILED, JobStatus.DUE)
    (shown,) = troubles.named(backends, by=make_account(backends, Role.ADMIN))
    assert (shown[0].kind, shown[0].last_error) == (JobKind.SWEEP_OLD, "ZeroDivisionError: ")


def test_a_sweep_that_is_tried_again_by_hand_makes_no_second_chain(backends, clock, work, monkeypatch):
    test_a_sweep_that_fails_is_shown_and_does_not_end_the_chain(backends, clock, work, monkeypatch)
    monkeypatch.undo()
    failed = next(job for job in left(backends, Job) if job.status is JobStatus.FAILED)

    jobs.retry(backends, failed.id, by=make_account(backends, Role.ADMIN))
    work()

    assert [status for status, _ in appointments(backends)] == [JobStatus.DONE, JobStatus.DUE]


# --- two workers at once, on a real PostgreSQL ---------------------------------------------


def swept_while_the_first_is_slow(platform: Backends, monkeypatch) -> list[JobStatus]:
    """Two sweeps run: the first has seen that no appointment waits when the second comes to look."""
    for _ in range(2):  # as if two workers had started at once
        with platform.transaction() as session:
            jobs.enqueue(session, JobKind.SWEEP_OLD, sweeps.SUBJECT)
    has_looked, may_go_on, make_next = Signal(), Signal(), sweeps._make_next

    def slowly(*arguments) -> None:
        monkeypatch.setattr(sweeps, "_make_next", make_next)
        has_looked.set()
        assert may_go_on.wait(PATIENCE)
        make_next(*arguments)

    monkeypatch.setattr(sweeps, "_make_next", slowly)
    for job in (jobs.claim(platform), jobs.claim(platform)):  # both are at work from here on
        assert job is not None
    first, second = (Thread(target=sweep, args=(platform,)) for _ in range(2))
    first.start()
    assert has_looked.wait(PATIENCE)
    second.start()
    wait_until(lambda: is_anybody_waiting(platform) or not second.is_alive())
    may_go_on.set()
    first.join()
    second.join()
    return [status for status, _ in appointments(platform)]


def is_anybody_waiting(platform: Backends) -> bool:
    with platform.reading() as session:
        return session.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() > 0


@pytest.mark.integration
def test_two_sweeps_at_once_make_one_appointment(platform, monkeypatch):
    found = swept_while_the_first_is_slow(platform, monkeypatch)

    assert found == [JobStatus.RUNNING] * 2 + [JobStatus.DUE]


@pytest.mark.integration
def test_without_the_lock_two_sweeps_at_once_make_two(platform, monkeypatch):
    """The negative control of the test above."""
    look = sweeps._appointments
    monkeypatch.setattr(sweeps, "_appointments", lambda *given, **_: look(*given))

    found = swept_while_the_first_is_slow(platform, monkeypatch)

    assert found == [JobStatus.RUNNING] * 2 + [JobStatus.DUE] * 2
