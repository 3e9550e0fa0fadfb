"""The loop: several jobs at once, until it is told to stop, whatever the database does meanwhile."""

import threading
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col, select

from core import jobs, worker
from core.__main__ import main
from models.job import Job, JobKind, JobStatus
from tests.core.test_incoming import make_temporary
from tests.core.test_jobs import KIND, doing, make_job, seen


def test_the_worker_finishes_what_it_has_and_stops(backends, monkeypatch):
    ids = [make_job(backends).id for _ in range(5)]
    stop = threading.Event()

    def last_one_stops(backends, _: str) -> None:
        if jobs.counts(backends).get(JobStatus.DUE, 0) == 0:
            stop.set()

    monkeypatch.setitem(worker.HANDLERS, KIND, last_one_stops)
    worker.run(backends, stop)

    with backends.reading() as session:
        done = session.exec(select(Job.id).where(Job.status == JobStatus.DONE).order_by(col(Job.id))).all()
    assert done == ids


def test_a_worker_sweeps_what_killed_processes_left_before_it_starts(backends):
    old = make_temporary(backends, "upload-old", timedelta(days=2))
    stop = threading.Event()
    stop.set()

    worker.run(backends, stop)

    assert not old.exists()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_worker(backends, monkeypatch):
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.001)
    job = make_job(backends)
    answers = iter([True])
    real = jobs.claim

    def sometimes(backends) -> Job | None:
        if next(answers, False):
            with backends.transaction() as session:
                session.execute(update(Job).values(attempts=0))
                session.connection().exec_driver_sql("SELECT * FROM a_table_that_is_away")
        return real(backends)

    monkeypatch.setattr(jobs, "claim", sometimes)
    monkeypatch.setitem(worker.HANDLERS, KIND, doing)
    worker.drain(backends)

    assert seen(backends, job).status is JobStatus.DONE


def test_draining_tells_how_many_jobs_are_left(backends, monkeypatch):
    for _ in range(3):
        make_job(backends)
    monkeypatch.setitem(worker.HANDLERS, KIND, doing)
    told: list[int] = []

    worker.drain(backends, told.append)

    assert told == sorted(told, reverse=True)
    assert told[-1] == 0


def test_every_kind_of_job_has_a_handler():
    assert set(worker.HANDLERS) == set(JobKind)


def test_a_bugs_traceback_in_the_log_shows_no_local_values(backends, capsys):
    def buggy(*_: object) -> None:
        somebodys_face = [0.123456789]
        raise ZeroDivisionError(len(somebodys_face))

    main(["audit"])  # any command sets the log up
    make_job(backends)
    jobs.run_next(backends, {KIND: buggy})

    logged = capsys.readouterr().err
    assert "ZeroDivisionError" in logged
    assert "in buggy" in logged
    assert "0.123456789" not in logged.replace("somebodys_face = [0.123456789]", "")
