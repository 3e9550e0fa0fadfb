"""Every setting, typed. Nothing needs to be set on one machine; secrets have no default."""

import os
import secrets
import tempfile
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(BaseSettings):
    """Read from the environment (prefix `ENCORE_`) and from `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="ENCORE_",
        env_file=ROOT / ".env",
        extra="ignore",
        env_ignore_empty=True,
        populate_by_name=True,
    )

    data: Path = Field(default=ROOT / "data" / "local", description="Everything one machine writes.")
    port: int = Field(
        default=8501,
        validation_alias=AliasChoices("ENCORE_PORT", "PORT"),
        description="The port in addresses while no public one is set; the site puts its own here.",
    )
    public_url: str = Field(
        default="",
        description="The address visitors use, for QR codes, payment returns and Secure cookies; "
        "default: localhost and the port.",
    )
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in `data`.")
    secret: SecretStr | None = Field(
        default=None,
        description="Signs links and cookies, 32 characters or more; default: made once in `data`.",
    )

    s3_endpoint: str | None = Field(default=None, description="host:port of an S3 server; default: a folder.")
    s3_access_key: SecretStr | None = Field(default=None, description="Access key of the S3 server.")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key of the S3 server.")
    s3_bucket: str = Field(default="encore", description="Bucket for originals and renditions.")
    s3_region: str = Field(default="us-east-1", description="Region the bucket is in.")
    s3_secure: bool = Field(default=True, description="Speak HTTPS to the S3 server.")

    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis, where several sites count their limits together; default: each in memory.",
    )
    proxies: int = Field(
        default=0, ge=0, le=10, description="Proxies in front that write X-Forwarded-For; 0: none is heard."
    )
    cors_origins: str = Field(
        default="", description="Other sites whose scripts may use the API, with commas between; * is every."
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Opens /metrics to those who send it; default: only this machine may look."
    )
    access_token_ttl: timedelta = Field(
        default=timedelta(minutes=10), description="How long a program's access token lasts."
    )

    smtp_host: str | None = Field(
        default=None, description="Mail server; default: mails are files in `data`."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the mail server is spoken to."
    )
    smtp_user: str | None = Field(default=None, description="Account at the mail server, when it wants one.")
    smtp_password: SecretStr | None = Field(default=None, description="Its password.")
    mail_from: str = Field(default="", description="Sender of mails; default: encore@ and the public host.")

    stripe_secret_key: SecretStr | None = Field(
        default=None, description="Stripe's secret key; default: payments are only played, no money moves."
    )
    stripe_publishable_key: str = Field(default="", description="Its publishable key, handed to programs.")
    stripe_webhook_secret: SecretStr | None = Field(
        default=None, description="Signing secret of the webhook endpoint at Stripe."
    )
    stripe_api_url: str | None = Field(default=None, description="Another address of Stripe, for tests.")
    stripe_methods: str = Field(
        default="card,promptpay", description="Ways to pay, with commas between; empty: as set at Stripe."
    )
    platform_percent: int = Field(
        default=10, ge=0, le=100, description="The platform's share of a sale, in percent after tax."
    )
    seller: str = Field(
        default="", description="Name, address and tax number on receipts, with | between the lines."
    )

    pixel_children: int = Field(default=2, ge=1, le=64, description="Processes that decode pictures.")
    pixel_memory_mib: int = Field(
        default=3072, ge=512, description="Memory limit of one of them; a heavy face engine is given more."
    )
    pixel_time_limit: timedelta = Field(
        default=timedelta(seconds=60), description="Time limit of one picture."
    )
    face_engine: str = Field(
        default="bundled",
        description="Engine that new events are indexed with; `python -m core faces list` shows them.",
    )
    weights: Path | None = Field(
        default=None, description="Folder of downloaded weight files; default: `weights` in `data`."
    )
    worker_threads: int = Field(default=2, ge=1, le=32, description="Jobs the worker runs at once.")
    job_lease: timedelta = Field(
        default=timedelta(minutes=1), description="After this a job of a dead worker is taken over."
    )

    max_upload_mib: int = Field(default=100, ge=1, le=100, description="Largest photo file.")
    max_selfie_mib: int = Field(default=20, ge=1, le=25, description="Largest selfie file.")
    session_ttl: timedelta = Field(default=timedelta(days=14), description="How long a sign-in lasts.")
    order_ttl: timedelta = Field(default=timedelta(minutes=30), description="How long a checkout stays open.")
    download_ttl: timedelta = Field(
        default=timedelta(days=30), description="How long paid files can be fetched."
    )
    download_limit: int = Field(default=20, ge=1, description="How often one paid file can be fetched.")
    demo: bool = Field(default=True, description="Load the demo event into an empty database at `make run`.")

    @model_validator(mode="after")
    def _default_public_url(self) -> Self:
        self.public_url = self.public_url.rstrip("/") or f"http://localhost:{self.port}"
        return self

    @cached_property
    def is_loopback(self) -> bool:
        """Only this machine can reach the site."""
        return urlsplit(self.public_url).hostname in LOOPBACK_HOSTS

    @property
    def is_https(self) -> bool:
        """Visitors speak HTTPS to the site: cookies are Secure."""
        return self.public_url.startswith("https://")

    @property
    def may_use_camera(self) -> bool:
        """Browsers open the camera only on HTTPS or on this machine."""
        return self.is_https or self.is_loopback

    def url(self, path: str) -> str:
        """Return the full public URL of a local path."""
        return self.public_url + path

    @property
    def mail_sender(self) -> str:
        """The address that mails come from."""
        return self.mail_from or f"encore@{urlsplit(self.public_url).hostname}"

    @property
    def cors(self) -> list[str]:
        """The other sites whose scripts may use the API."""
        return [origin.strip().rstrip("/") for origin in self.cors_origins.split(",") if origin.strip()]

    def sqlalchemy_url(self) -> str:
        """Return the database to use."""
        return self.database_url or f"sqlite:///{self.data / 'encore.db'}"

    @property
    def weights_folder(self) -> Path:
        """Where downloaded weight files lie."""
        return self.weights or self.data / "weights"

    def signing_secret(self) -> str:
        """Return the secret, made once into the data folder (mode 600) when none is set."""
        if self.secret is not None:
            return _long_enough(self.secret.get_secret_value())
        return _long_enough(_made_once(self.data / "secret"))


def _made_once(path: Path) -> str:
    """Return the secret in the file, writing one first: whole and private, or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:  # mode 600
            file.write(secrets.token_urlsafe(48))
            file.flush()
            with suppress(FileExistsError):  # another process was first
                os.link(file.name, path)
    return path.read_text()


def _long_enough(secret: str) -> str:
    if len(secret) < 32:
        raise ValueError("ENCORE_SECRET must be 32 characters or more")
    return secret
