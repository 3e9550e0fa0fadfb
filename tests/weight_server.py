"""A real HTTP server on this machine that gives files as release pages do: with ranges, marks and mishaps."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Shelf:
    """What the server gives, and how it misbehaves."""

    files: dict[str, bytes]  # by path
    address: str = ""
    has_ranges: bool = True
    tells_lengths: bool = True
    cut_after: int | None = None  # bytes of a body, then the connection breaks; once
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # "path" or "path bytes=5-", in order

    def url(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.address}/{name}"


@contextmanager
def serving(**files: bytes) -> Iterator[Shelf]:
    """Serve these files until leaving."""
    shelf = Shelf({f"/{name}": content for name, content in files.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"shelf": shelf}))
    shelf.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    shelf: Shelf
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.shelf.asked.append(f"{self.path} {wanted}".strip())
        if self.path in self.shelf.redirects:
            self._head(302, 0, Location=self.shelf.redirects[self.path])
        elif self.path not in self.shelf.files:
            self._head(404, 0)
        else:
            self._give(self.shelf.files[self.path], wanted)

    def _give(self, content: bytes, wanted: str) -> None:
        mark = f'"{hash(content)}"'
        first = re.fullmatch(r"bytes=(\d+)-", wanted)
        if not first or not self.shelf.has_ranges or self.headers.get("If-Range") != mark:
            self._head(200, len(content), ETag=mark)
            self._body(content)
        elif int(first[1]) >= len(content):
            self._head(416, 0)
        else:
            rest = content[int(first[1]) :]
            place = f"bytes {first[1]}-{len(content) - 1}/{len(content)}"
            self._head(206, len(rest), **{"ETag": mark, "Content-Range": place})
            self._body(rest)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        if self.shelf.tells_lengths:
            headers["Content-Length"] = str(length)
        else:
            self.close_connection = True  # the body ends with it
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, content: bytes) -> None:
        cut, self.shelf.cut_after = self.shelf.cut_after, None
        self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
