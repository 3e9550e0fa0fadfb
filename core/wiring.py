"""Chooses the real backends for the settings. Only entry points, pages' site.py and api's deps.py ask."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import processes, weights
from core.adapters.bucket_limiter import BucketLimiter
from core.adapters.chroma_vectors import ChromaVectors
from core.adapters.demo_gateway import DemoGateway
from core.adapters.folder_mailer import FolderMailer
from core.adapters.folder_store import FolderStore
from core.adapters.hook_sender import HttpHooks
from core.adapters.minio_store import MinioStore
from core.adapters.process_sandbox import ProcessSandbox
from core.adapters.smtp_mailer import SmtpMailer
from core.adapters.stripe_gateway import StripeGateway
from core.adapters.weight_downloads import fetch
from core.backends import Backends, open_database
from core.engines import EngineSpec
from core.gateway import PaymentGateway
from core.ports import Mailer, ObjectStore, VectorStore
from core.settings import Settings
from core.signing import Signer

_current: Backends | None = None
_making = threading.Lock()


def build(settings: Settings, vectors: VectorStore | None = None) -> Backends:
    """Return the backends that the settings ask for. Nothing is connected or started yet."""
    settings.data.mkdir(parents=True, exist_ok=True)
    secret = settings.signing_secret()
    return Backends(
        settings=settings,
        engine=open_database(settings.sqlalchemy_url()),
        objects=_objects(settings),
        vectors=vectors or ChromaVectors(lambda: processes.chroma_address(settings.data)),
        pixels=ProcessSandbox(
            size=settings.pixel_children,
            weights=settings.weights_folder,
            memory_limit=settings.pixel_memory_mib * 2**20,
            time_limit=settings.pixel_time_limit,
        ),
        payments=_payments(settings, secret),
        limiter=BucketLimiter(settings.redis_url.get_secret_value() if settings.redis_url else None),
        mailer=_mailer(settings),
        hooks=HttpHooks(may_be_private=settings.is_loopback),
        signer=Signer(secret),
    )


def _payments(settings: Settings, secret: str) -> PaymentGateway:
    if settings.stripe_secret_key is None:
        return DemoGateway(settings.data / "demo-payments", secret, settings.public_url)
    if settings.stripe_webhook_secret is None:
        raise ValueError("ENCORE_STRIPE_SECRET_KEY needs ENCORE_STRIPE_WEBHOOK_SECRET")
    methods = [method.strip() for method in settings.stripe_methods.split(",") if method.strip()]
    return StripeGateway(
        settings.stripe_secret_key.get_secret_value(),
        settings.stripe_webhook_secret.get_secret_value(),
        publishable_key=settings.stripe_publishable_key,
        methods=methods,
        api_url=settings.stripe_api_url,
    )


def _mailer(settings: Settings) -> Mailer:
    if settings.smtp_host is None:
        return FolderMailer(settings.data / "mail", settings.mail_sender)
    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        sender=settings.mail_sender,
    )


def _objects(settings: Settings) -> ObjectStore:
    if settings.s3_endpoint is None:
        return FolderStore(settings.data / "objects")
    if settings.s3_access_key is None or settings.s3_secret_key is None:
        raise ValueError("ENCORE_S3_ENDPOINT needs ENCORE_S3_ACCESS_KEY and ENCORE_S3_SECRET_KEY")
    return MinioStore(
        endpoint=settings.s3_endpoint,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        secure=settings.s3_secure,
    )


def install_engine(spec: EngineSpec, settings: Settings, progress: weights.Progress) -> list[str]:
    """Download what an engine lacks and return the names of the files that came. Raises Unavailable."""
    return weights.install(spec, settings.weights_folder, fetch, progress)


def backends() -> Backends:
    """Return this process's backends, built on first use."""
    global _current
    with _making:
        if _current is None:
            _current = build(Settings())
        return _current


def use(backends: Backends | None) -> None:
    """Make these the process's backends; None builds new ones on the next use. For tests and commands."""
    global _current
    _current = backends


@contextmanager
def command_backends(settings: Settings) -> Iterator[Backends]:
    """Backends for a command: beside a running site its Chroma is used, else one is started and stopped."""
    with processes.attach_or_start(Path(settings.data)):
        made = build(settings)
        try:
            yield made
        finally:
            made.pixels.close()
            made.engine.dispose()
