"""All background work on one screen, and the loop that does it."""

import threading
from collections.abc import Callable
from contextlib import suppress

import structlog
from sqlalchemy.exc import OperationalError

from core import (
    attempts,
    correspondence,
    deliveries,
    incoming,
    indexes,
    ingest,
    jobs,
    payments,
    reconciliation,
    summaries,
    sweeps,
)
from core.backends import Backends
from models.job import JobKind

log = structlog.get_logger()

HANDLERS: dict[JobKind, jobs.Handler] = {
    JobKind.RENDER_PHOTO: ingest.render_photo,
    JobKind.INDEX_FACES: ingest.index_faces,
    JobKind.REINDEX_PHOTO: ingest.reindex_photo,
    JobKind.DROP_INDEX: indexes.drop,
    JobKind.DELETE_PHOTO: ingest.delete_photo,
    JobKind.SWEEP_UPLOAD: ingest.sweep_upload,
    JobKind.SETTLE_ORDER: payments.settle,
    JobKind.EXPIRE_ORDER: attempts.expire,
    JobKind.TRACE_EVENT: payments.trace,
    JobKind.GIVE_BACK: payments.give_back,
    JobKind.RECONCILE: reconciliation.run,
    JobKind.DELIVER_WEBHOOK: deliveries.send,
    JobKind.SWEEP_OLD: sweeps.sweep_old,
    JobKind.SEND_MAIL: correspondence.send,
    JobKind.SUM_UP_DAY: summaries.sum_up,
}

IDLE_SECONDS = 0.5  # between two looks at an empty queue
DRAIN_LOOK_SECONDS = 0.1


def run(backends: Backends, stop: threading.Event) -> None:
    """Work on jobs, several at once, until `stop` is set; the jobs at hand are finished first."""
    incoming.sweep(backends)
    with suppress(OperationalError):  # away at the very start: an appointment is made once and goes on
        sweeps.appoint(backends)
    threads = _start(backends, stop)
    log.info("worker ready", threads=len(threads))
    for thread in threads:
        thread.join()


def drain(backends: Backends, on_left: Callable[[int], None] = lambda _: None) -> None:
    """Work until the queue has nothing left to do now, telling how many jobs are left. For commands."""
    stop = threading.Event()
    threads = _start(backends, stop)
    try:
        while left := jobs.unfinished(backends):
            on_left(left)
            stop.wait(DRAIN_LOOK_SECONDS)
        on_left(0)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _start(backends: Backends, stop: threading.Event) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=_loop, args=(backends, stop), name=f"worker-{number}")
        for number in range(backends.settings.worker_threads)
    ]
    for thread in threads:
        thread.start()
    return threads


def _loop(backends: Backends, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            is_idle = not jobs.run_next(backends, HANDLERS)
        except OperationalError:  # the database is away or busy: a claimed job comes back with its lease
            log.exception("database away")
            is_idle = True
        if is_idle:
            stop.wait(IDLE_SECONDS)
