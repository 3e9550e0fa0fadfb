"""What makes the services quick to test where slowness is not what is tested."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core import schema, worker
from core.backends import Backends, open_database
from tests import postgres, redis_server


@pytest.fixture
def quick_worker(monkeypatch):
    """Look at the queue again at once."""
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.002)
    monkeypatch.setattr(worker, "DRAIN_LOOK_SECONDS", 0.002)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server for all tests; each makes a database of its own."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """A Redis server for all tests; each takes keys of its own."""
    with redis_server.server() as url:
        yield url


@pytest.fixture
def platform(backends, postgresql) -> Iterator[Backends]:
    """The platform in memory, with its rows on PostgreSQL."""
    backends.settings.database_url = postgres.fresh_database(postgresql)
    made = replace(backends, engine=open_database(backends.settings.sqlalchemy_url()))
    schema.upgrade(made.engine)
    yield made
    made.engine.dispose()
