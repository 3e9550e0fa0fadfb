"""Settings: nothing has to be set, secrets are made, nonsense is refused at the start."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from core.settings import ROOT, Settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("ENCORE_") or name == "PORT"]:
        monkeypatch.delenv(name)


def make(**fields) -> Settings:
    return Settings(_env_file=None, **fields)


def test_nothing_has_to_be_set():
    settings = make()

    assert settings.public_url == "http://localhost:8501"
    assert settings.sqlalchemy_url() == f"sqlite:///{ROOT / 'data' / 'local' / 'encore.db'}"
    assert (settings.is_loopback, settings.is_https, settings.may_use_camera) == (True, False, True)


@pytest.mark.parametrize("name", ["ENCORE_PORT", "PORT"])
def test_the_address_follows_the_port(monkeypatch, name):
    monkeypatch.setenv(name, "9000")

    assert make().public_url == "http://localhost:9000"


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("ENCORE_JOB_LEASE", "PT5S")
    monkeypatch.setenv("ENCORE_S3_ENDPOINT", "localhost:9000")
    monkeypatch.setenv("ENCORE_DATABASE_URL", "postgresql+psycopg://db/encore")

    settings = make()

    assert settings.job_lease == timedelta(seconds=5)
    assert (settings.s3_endpoint, settings.sqlalchemy_url()) == (
        "localhost:9000",
        "postgresql+psycopg://db/encore",
    )


@pytest.mark.parametrize(
    ("url", "loopback", "https", "camera"),
    [
        ("https://encore.example/", False, True, True),
        ("http://encore.example", False, False, False),
        ("http://127.0.0.1:80", True, False, True),
        ("http://[::1]:8501", True, False, True),
        ("http://localhost.evil.example", False, False, False),
    ],
)
def test_what_the_address_allows(url, loopback, https, camera):
    settings = make(public_url=url)

    assert (settings.is_loopback, settings.is_https, settings.may_use_camera) == (loopback, https, camera)
    assert settings.url("/gallery") == url.rstrip("/") + "/gallery"


@pytest.mark.parametrize(
    "fields", [{"pixel_children": 0}, {"worker_threads": 0}, {"max_upload_mib": 0}, {"port": "x"}]
)
def test_nonsense_is_refused_at_the_start(fields):
    with pytest.raises(ValidationError):
        make(**fields)


def test_a_secret_is_made_once_for_our_eyes_only(tmp_path):
    settings = make(data=tmp_path / "data")

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: settings.signing_secret(), range(8)))

    assert len(made) == 1
    assert len(made.pop()) >= 32
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="32 characters"):
        make(secret=SecretStr("short")).signing_secret()


def test_secrets_are_not_shown():
    settings = make(secret=SecretStr("x" * 40), s3_secret_key=SecretStr("y" * 40))

    assert "x" * 40 not in repr(settings)
    assert "y" * 40 not in str(settings.model_dump())
