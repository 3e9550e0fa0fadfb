"""A real HTTP server on this machine that takes webhooks, and answers as it is told."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Message:
    """What came with one POST."""

    path: str
    body: bytes
    headers: dict[str, str]  # by lower-case name

    def opened(self, secret: str) -> Any:
        """Return what is told. Raises WebhookVerificationError unless the secret signed it just now."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Somebody's program. Change `status` to see it refuse, `moved_to` to see it send us elsewhere."""

    port: int
    status: int = 200
    moved_to: str = ""
    answer: bytes = b"thank you"
    got: list[Message] = field(default_factory=list)

    def url(self, path: str = "/hook", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        """Return an address of it."""
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def receiving(port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Take messages until leaving; port 0 is any that is free."""
    server = _Server(("127.0.0.1", port), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    receiver: Receiver

    def handle_error(self, *_: object) -> None:
        """Say nothing: a caller that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.got.append(Message(self.path, body, headers))
        self.send_response(receiver.status)
        if receiver.moved_to:
            self.send_header("Location", receiver.moved_to)
        self.send_header("Content-Length", str(len(receiver.answer)))
        self.end_headers()
        self.wfile.write(receiver.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
