"""Webhooks by HTTPS: to public addresses only, looked up once, without following anyone elsewhere."""

import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from typing import Any

import httpcore
import httpx

from core.errors import InvalidInput, Unavailable

PATIENCE = timedelta(seconds=10)  # from the name to the end of the answer
MOST_READ = 64 * 1024  # bytes of an answer
MOST_TRIED = 4  # addresses of one name
PORTS = {"https": 443, "http": 80}
# Any other would let people knock at strangers' doors from our address, and learn which are open.
OPEN_PORTS = frozenset({443, 8443})
INTERNET = ip_network("2000::/3")  # all of IPv6 that is given out; mapped and translated IPv4 lies elsewhere
CARRIERS = (ip_network("2002::/16"), ip_network("192.88.99.0/24"))  # 6to4: an IPv4 address of anybody inside
# The protocols of one's own provider, and examples in books: Python 3.11 calls some of them global.
NOBODYS = (ip_network("192.0.0.0/24"), ip_network("3fff::/20"))
NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
# One sentence for a closed-off address and for none: which names a private network knows is its own affair.
NOT_THERE = "There is no server called {host} in the public internet. Check the address."
BROKEN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)

Address = IPv4Address | IPv6Address


class HttpHooks:
    """Posts to other people's servers. `may_be_private`: also to this machine's own, without HTTPS."""

    def __init__(self, *, may_be_private: bool, trust: ssl.SSLContext | None = None) -> None:
        self._may_be_private = may_be_private
        self._given_trust = trust

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return self._given_trust or httpcore.default_ssl_context()

    def check(self, url: str) -> None:
        """Raises InvalidInput for an address that nothing is sent to."""
        target = self._read(url)
        try:
            self._look_up(target, _Deadline())
        except Unavailable as error:
            raise InvalidInput(NOT_THERE, host=target.host) from error

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer. Raises InvalidInput, Unavailable."""
        target, deadline = self._read(url), _Deadline()
        addresses = self._look_up(target, deadline)
        wire = _Pinned(addresses, deadline)
        named = {"Host": target.host_header, "Connection": "close", **headers}
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._trust, network_backend=wire) as pool,
                pool.stream("POST", target.address, headers=_encoded(named), content=body) as answer,
            ):
                _listen(answer)
                return int(answer.status)
        except BROKEN as error:
            raise Unavailable("{host} does not answer.", host=target.host) from error

    def _read(self, url: str) -> "_Target":
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            parsed = httpx.URL()
        host = parsed.raw_host.decode()
        if parsed.scheme not in PORTS or (parsed.scheme == "http" and not self._may_be_private):
            raise InvalidInput("A webhook's address begins with https://.")
        if not (NAME.fullmatch(host) or _is_ipv6(host)):
            raise InvalidInput("This is no address of a server. Write it as in https://example.org/hooks.")
        if parsed.userinfo:
            raise InvalidInput("Leave name and password out of the address: messages are signed instead.")
        port = PORTS[parsed.scheme] if parsed.port is None else parsed.port
        if port not in OPEN_PORTS and not self._may_be_private:
            raise InvalidInput("Webhooks go to the ports 443 and 8443 only. Choose another address.")
        return _Target(parsed.scheme, host, port, parsed.raw_path, parsed.netloc.decode())

    def _look_up(self, target: "_Target", deadline: "_Deadline") -> list[str]:
        """Return the checked addresses of the server. Raises InvalidInput, Unavailable."""
        found = _resolved(target.host, target.port, deadline)
        if not found or not all(self._may_reach(address) for address in found):
            raise InvalidInput(NOT_THERE, host=target.host)
        return [str(address) for address in found[:MOST_TRIED]]

    def _may_reach(self, address: Address) -> bool:
        return is_public(address) or (self._may_be_private and address.is_loopback)


@dataclass(frozen=True)
class _Target:
    """A webhook's address in its parts."""

    scheme: str
    host: str  # a name in ASCII, or an IP address without brackets
    port: int
    path: bytes  # with its query
    host_header: str

    @property
    def address(self) -> httpcore.URL:
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=self.path)


def is_public(address: Address) -> bool:
    """Everybody on the internet reaches one and the same machine by it."""
    if any(address in network for network in (*CARRIERS, *NOBODYS)) or address.is_multicast:
        return False
    if isinstance(address, IPv6Address) and address not in INTERNET:
        return False
    return address.is_global and not address.is_reserved


def _is_ipv6(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv6Address) and "%" not in host
    except ValueError:
        return False


def _resolved(host: str, port: int, deadline: "_Deadline") -> list[Address]:
    """Return every address of a name. Raises Unavailable."""
    answer: Future[list[Address]] = Future()
    Thread(target=_resolve, args=(host, port, answer), name=f"look-up {host}", daemon=True).start()
    try:
        return answer.result(deadline.left())
    except (OSError, ValueError, OverflowError, TookTooLong) as error:
        raise Unavailable(NOT_THERE, host=host) from error


def _resolve(host: str, port: int, answer: "Future[list[Address]]") -> None:
    """Ask the system, which cannot be hurried, in a thread that nobody needs to wait for."""
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result([ip_address(str(place[0])) for *_, place in rows])
    except (OSError, ValueError, OverflowError) as error:
        answer.set_exception(error)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _listen(answer: httpcore.Response) -> None:
    """Read what is said besides the status, that the server may end politely, but not for long."""
    size = 0
    with suppress(*BROKEN):
        for chunk in answer.iter_stream():
            size += len(chunk)
            if size >= MOST_READ:
                return


class _Deadline:
    """The moment by which a whole delivery is over, however slowly its parts go on."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + PATIENCE.total_seconds()

    def left(self) -> float:
        """Return the seconds that are left. Raises ReadTimeout."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds


class _Pinned(httpcore.NetworkBackend):
    """Connects to the addresses that were checked, whatever the name means meanwhile."""

    def __init__(self, addresses: list[str], deadline: _Deadline) -> None:
        self._addresses, self._deadline = addresses, deadline
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 (the name)
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (of this step alone)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = self._addresses
        for position, address in enumerate(others):
            share = self._deadline.left() / (len(self._addresses) - position)
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                wire = self._real.connect_tcp(address, port, share, local_address, socket_options)
                return _Timed(wire, self._deadline)
        wire = self._real.connect_tcp(last, port, self._deadline.left(), local_address, socket_options)
        return _Timed(wire, self._deadline)


class _Timed(httpcore.NetworkStream):
    """A connection whose every step ends at the deadline."""

    def __init__(self, wire: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._wire, self._deadline = wire, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._wire.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._wire.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._wire.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        wire = self._wire.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _Timed(wire, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._wire.get_extra_info(info)
