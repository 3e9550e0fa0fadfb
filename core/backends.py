"""The object that carries everything outside of the process, and the only place that commits."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, create_engine, event
from sqlmodel import Session

from core import notices
from core.gateway import PaymentGateway
from core.ports import HookSender, Limiter, Mailer, ObjectStore, PixelSandbox, VectorStore
from core.settings import Settings
from core.signing import Signer
from models.fields import utc_now


@dataclass
class Backends:
    """The platform's outside: chosen in `core.wiring`, faked in tests."""

    settings: Settings
    engine: Engine
    objects: ObjectStore
    vectors: VectorStore
    pixels: PixelSandbox
    payments: PaymentGateway
    limiter: Limiter
    mailer: Mailer
    hooks: HookSender
    signer: Signer
    now: Callable[[], datetime] = field(default=utc_now)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit on leaving, roll back on any error. Nothing else ever commits."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
            notices.write(session)  # last: from here to the end they hold a lock of their event

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads: on SQLite it does not queue behind writers."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def glance(self, query: Select[Any], values: Mapping[str, Any]) -> RowMapping | None:
        """Return the first row of a question that was put together beforehand: no session, no objects."""
        with self._reader.connect() as connection:
            return connection.execute(query, values).mappings().first()

    @cached_property
    def _reader(self) -> Engine:
        return self.engine.execution_options(reading=True)


def open_database(url: str) -> Engine:
    """Return an engine; SQLite is set up for several processes on one file."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transactions are switched off: it would begin them too late and not as writers.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=15000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail on a busy file: writers queue at the start.
    if connection.get_execution_options().get("reading"):
        connection.connection.execute("BEGIN")  # by the driver itself: it waits for nobody, and is quicker
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
