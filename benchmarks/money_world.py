"""A platform of its own for histories of money: a fast database, a clock moved by hand, a double of Stripe.

It is the real thing but for what costs time: rows on a folder in memory, pictures of one byte pattern.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy import Connection, event
from sqlmodel import SQLModel

import models  # noqa: F401  (registers every table)
from core import jobs
from core.adapters.bucket_limiter import BucketLimiter
from core.backends import Backends, open_database
from core.gateway import PaymentGateway
from core.settings import Settings
from core.signing import Signer
from core.worker import HANDLERS
from models.account import Account, Role
from models.job import Job, JobKind
from tests.fake_pixels import FakePixels
from tests.fakes import MemoryHooks, MemoryMailer, MemoryStore, MemoryVectors
from tests.stripe_double import StripeDouble, gateway

SECRET = "a secret that only the histories know, of enough length"  # noqa: S105
IN_MEMORY = Path("/dev/shm")  # noqa: S108
MOST_JOBS = 400  # of one history at once: more than that never ends


class WorkerDied(BaseException):
    """The process is gone: nothing after this line was done, and nobody writes down why."""


@dataclass
class Clock:
    """The time, which passes only when it is told to."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by

    def seconds(self) -> float:
        """Return the time as the double counts it."""
        return self.now.timestamp()


class Wire:
    """The way to the gateway, on which things go wrong: programs die, and others act meanwhile."""

    has_intents = True

    def __init__(self, inner: PaymentGateway) -> None:
        self.name, self._inner = inner.name, inner
        self.calls = 0
        self.dies_at = 0  # the number of the call after whose answer the program dies
        self.meanwhile: Callable[[], None] | None = None  # happens while the next answer is on its way

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._inner, name)
        return act if name == "read_event" else lambda *args: self._call(act, *args)

    def _call(self, act: Callable[..., Any], *args: Any) -> Any:
        answer = act(*args)
        answer = list(answer) if isinstance(answer, Iterator) else answer
        self.calls += 1
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        if self.calls == self.dies_at:
            raise WorkerDied
        return answer


class World:
    """Everything that histories share. `renew` empties it; engines and what they have compiled stay."""

    def __init__(self, folder: Path, has_mail: bool = False) -> None:
        self.folder, self.clock = folder, Clock()
        self.handlers = HANDLERS if has_mail else HANDLERS | {JobKind.SEND_MAIL: lambda *_: None}
        url = f"sqlite:///{folder / 'encore.db'}"
        self._empty = folder / "empty.db"
        self.backends = Backends(
            settings=Settings(
                _env_file=None,  # type: ignore[call-arg]
                data=folder,
                public_url="http://localhost:8501",
                secret=SecretStr(SECRET),
                database_url=url,
            ),
            engine=open_database(url),
            objects=MemoryStore(),
            vectors=MemoryVectors(),
            pixels=FakePixels(),
            payments=None,  # type: ignore[arg-type]
            limiter=BucketLimiter(),
            mailer=MemoryMailer(),
            hooks=MemoryHooks(),
            signer=Signer(SECRET),
            now=self.clock,
        )
        event.listen(self.backends.engine, "connect", _hurry)
        event.listen(Job, "before_insert", self._by_our_clock)
        SQLModel.metadata.create_all(self.backends.engine)
        self.backends.engine.dispose()
        shutil.copy(folder / "encore.db", self._empty)
        self.renew()

    def renew(self) -> None:
        """Begin again with an empty database and nobody but an admin."""
        self.backends.engine.dispose()
        for path in self.folder.glob("encore.db*"):
            path.unlink()
        shutil.copy(self._empty, self.folder / "encore.db")
        self.backends.objects, self.backends.mailer = MemoryStore(), MemoryMailer()
        self.admin = Account(email="admin@example.org", name="Admin", password_hash="", role=Role.ADMIN)
        with self.backends.transaction() as session:
            session.add(self.admin)

    def open_account(self) -> StripeDouble:
        """Return a fresh account at Stripe, through which payments go from now on."""
        double = StripeDouble(clock=self.clock.seconds)
        self.wire = Wire(gateway(double))
        self.backends.payments = self.wire  # type: ignore[assignment]
        return double

    def work(self) -> bool:
        """Run jobs until none is due. Returns whether it came to an end."""
        for _ in range(MOST_JOBS):
            try:
                if not jobs.run_next(self.backends, self.handlers):
                    return True
            except WorkerDied:
                continue
        return False

    def close(self) -> None:
        """Let go of the database."""
        event.remove(Job, "before_insert", self._by_our_clock)
        self.backends.engine.dispose()

    def _by_our_clock(self, _mapper: object, connection: Connection, job: Job) -> None:
        """Rows of jobs are dated by the real clock: move them to ours, keeping their delay."""
        if connection.engine is not self.backends.engine:
            return
        delay = timedelta(seconds=round((job.run_at - job.created_at).total_seconds()))
        job.run_at, job.created_at = self.clock() + delay, self.clock()


def _hurry(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def quiet() -> None:
    """Say nothing in the log: thousands of histories go wrong on purpose."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_nothing])


def _nothing(*_: object) -> Any:
    raise structlog.DropEvent


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder in memory, where there is one, and take it away afterwards."""
    parent = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="encore-money-", dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)
