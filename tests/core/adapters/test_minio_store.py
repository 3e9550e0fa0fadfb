"""What the S3 store does when the server does not do its part."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from core.adapters.minio_store import MinioStore
from core.errors import Unavailable

pytestmark = pytest.mark.integration


def make_store(endpoint: str) -> MinioStore:
    return MinioStore(
        endpoint,
        "key",
        "secret",
        "photos",
        "us-east-1",
        secure=False,
        create_bucket=False,
        patience=timedelta(seconds=1),
    )


class BrokenS3(BaseHTTPRequestHandler):
    """An S3 server without the bucket, that breaks off within an object and keeps what it should delete."""

    KEPT: ClassVar[bytes] = (
        b"<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    )

    def log_message(self, *args: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        self._answer(b"half", announced=8)

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.KEPT, announced=len(self.KEPT))

    def _answer(self, body: bytes, announced: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def broken_s3() -> Iterator[MinioStore]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BrokenS3) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield make_store(f"127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_server_that_is_away_is_unavailable():
    store = make_store("127.0.0.1:9")

    with pytest.raises(Unavailable, match="does not answer"):
        store.check()
    with pytest.raises(Unavailable, match="does not answer"):
        list(store.keys(""))


def test_a_bucket_we_may_not_make_is_missed(broken_s3: MinioStore):
    with pytest.raises(Unavailable, match="Create it"):
        broken_s3.check()


def test_half_an_object_is_an_error_and_not_a_short_file(broken_s3: MinioStore):
    with broken_s3.open("a/b") as stream, pytest.raises(Unavailable):
        stream.read()


def test_an_object_the_server_kept_is_an_error(broken_s3: MinioStore):
    with pytest.raises(Unavailable, match="kept 1"):
        broken_s3.delete(["a"])
