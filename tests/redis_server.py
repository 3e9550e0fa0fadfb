"""A real Redis server of our own for a while: its binary is looked up, never downloaded."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.requirements import require_binary

STARTS = timedelta(seconds=20)
POLL = 0.02  # seconds


@contextmanager
def server(port: int | None = None) -> Iterator[str]:
    """Yield the URL of an empty server on a loopback port, a free one unless told, and end it afterwards."""
    binary, port = require_binary("redis-server"), port or _free_port()
    with tempfile.TemporaryDirectory(prefix="encore-redis-") as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", ""]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen([binary, *options], cwd=folder, stdout=log, stderr=log)
        try:
            url = f"redis://127.0.0.1:{port}/0"
            _wait_for(url, process)
            yield url
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = monotonic() + STARTS.total_seconds()
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        while not _answers(client):
            assert process.poll() is None, "redis-server ended"
            assert monotonic() < deadline, "redis-server does not answer"
            sleep(POLL)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
