"""The whole platform in memory, and `work()` that runs its jobs."""

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import hypothesis
import pytest
import structlog
from pydantic import SecretStr
from sqlmodel import SQLModel

import models  # noqa: F401  (registers every table)
from core import jobs, passwords, wiring
from core.adapters.bucket_limiter import BucketLimiter
from core.adapters.demo_gateway import DemoGateway
from core.backends import Backends, open_database
from core.settings import Settings
from core.signing import Signer
from core.worker import HANDLERS
from tests.fake_pixels import FakePixels
from tests.fakes import MemoryHooks, MemoryMailer, MemoryStore, MemoryVectors

# A busy machine is slow now and then: time limits are pytest's.
hypothesis.settings.register_profile("encore", deadline=None)
hypothesis.settings.load_profile("encore")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported: it would look through it again and again."""
    gc.collect()
    gc.freeze()


SECRET = "a secret that only the tests know, of enough length"


@pytest.fixture(autouse=True)
def _fresh_log() -> Iterator[None]:
    """The log as it is by itself, less the slow pretty tracebacks, whatever a command set up before."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.reset_defaults()
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    yield
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that read no environment and write to a temporary folder."""
    return settings_in(tmp_path, monkeypatch)


def settings_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that read no environment and write to a folder."""
    for name in ("PORT", *(f"ENCORE_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)
    return Settings(
        _env_file=None,
        data=folder / "data",
        public_url="http://localhost:8501",
        secret=SecretStr(SECRET),
        database_url=f"sqlite:///{folder / 'encore.db'}",
    )


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and no row, to be copied: much quicker than making the tables again."""
    path = tmp_path_factory.mktemp("empty") / "encore.db"
    engine = open_database(f"sqlite:///{path}")
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
def backends(settings: Settings, empty_database: Path) -> Iterator[Backends]:
    """Every backend a fake that behaves, but for the database, which is a real SQLite file."""
    made = backends_with(settings, empty_database)
    wiring.use(made)
    yield made
    wiring.use(None)
    made.engine.dispose()


def backends_with(settings: Settings, database: Path) -> Backends:
    """Fakes, beside a copy of a database."""
    settings.data.mkdir(parents=True, exist_ok=True)
    shutil.copy(database, settings.sqlalchemy_url().removeprefix("sqlite:///"))
    return Backends(
        settings=settings,
        engine=open_database(settings.sqlalchemy_url()),
        objects=MemoryStore(),
        vectors=MemoryVectors(),
        pixels=FakePixels(),
        payments=DemoGateway(settings.data / "demo-payments", SECRET, settings.public_url),
        limiter=BucketLimiter(),
        mailer=MemoryMailer(),
        hooks=MemoryHooks(),
        signer=Signer(SECRET),
    )


@pytest.fixture
def work(backends: Backends) -> Callable[[], int]:
    """Run jobs until none is due; returns how many ran."""

    def run() -> int:
        count = 0
        while jobs.run_next(backends, HANDLERS):
            count += 1
        return count

    return run


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash passwords with the fewest rounds, those that no password fits, too."""
    real = bcrypt.gensalt
    monkeypatch.setattr(bcrypt, "gensalt", lambda *_: real(4))
    passwords.decoy.cache_clear()
    yield
    passwords.decoy.cache_clear()
