"""The two ways to the double: inside the process, and over a socket of this machine."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import stripe

if TYPE_CHECKING:
    from tests.stripe_double.double import StripeDouble


class InProcess(stripe.HTTPClient):
    """A transport of the SDK without a socket."""

    name = "double"

    def __init__(self, double: "StripeDouble") -> None:
        super().__init__()
        self._double = double

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Carry out one request. Raises APIConnectionError when its answer is lost."""
        address = urlsplit(url)
        status, said, body = self._double.answer(
            method, address.path, post_data or address.query, headers or {}
        )
        if self._double.loses_answer():
            raise stripe.APIConnectionError("The connection broke.", should_retry=True)
        return body, status, said

    def close(self) -> None:
        """Nothing is open."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0


@contextmanager
def serving(double: "StripeDouble") -> Iterator[str]:
    """Serve the double on a free port until leaving; gives its address."""
    handler = type("Handler", (_Handler,), {"double": double})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    double: "StripeDouble"
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def do_GET(self) -> None:
        self._answer("get", urlsplit(self.path).query)

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer("post", form)

    def _answer(self, method: str, form: str) -> None:
        status, said, body = self.double.answer(
            method, urlsplit(self.path).path, form, dict(self.headers.items())
        )
        if self.double.loses_answer():
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in said.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""
