"""Fetches files of weights over HTTPS, on from where a fetch before broke off."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from core.errors import Unavailable

TIMEOUT = httpx.Timeout(30, connect=10)  # seconds, of silence
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

Progress = Callable[[int, int], None]  # bytes so far, bytes in all


class DownloadFailed(Unavailable):
    """A file could not be fetched; what came is kept for the next try."""


def fetch(url: str, target: Path, most: int, progress: Progress) -> None:
    """Fetch `url` into `target`, at most `most` bytes; what an earlier call left there is gone on from.

    Raises DownloadFailed.
    """
    host = httpx.URL(url).host
    try:
        with httpx.Client(
            follow_redirects=True, timeout=TIMEOUT, event_hooks={"request": [_require_https]}
        ) as client:
            _fetch(client, url, target, most, progress)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise DownloadFailed(
            "{host} cannot be reached. Check the internet connection and try again ({reason}).",
            host=host,
            reason=error,
        ) from error
    except httpx.UnsupportedProtocol as error:
        raise DownloadFailed("{host} sent us to an address without HTTPS.", host=host) from error
    except httpx.TooManyRedirects as error:
        raise DownloadFailed("{host} sent us from address to address without end.", host=host) from error
    except httpx.HTTPStatusError as error:
        raise DownloadFailed(
            "{host} does not give {name}: it answered {status}.",
            host=error.request.url.host,
            name=target.name.removesuffix(".part"),
            status=error.response.status_code,
        ) from error
    except httpx.HTTPError as error:
        raise DownloadFailed(
            "The connection to {host} broke. Try again: it goes on from where it was.", host=host
        ) from error
    except OSError as error:
        raise DownloadFailed(
            "{path} cannot be written: {reason}.", path=target, reason=error.strerror
        ) from error


def _fetch(client: httpx.Client, url: str, target: Path, most: int, progress: Progress) -> None:
    with _answer(client, url, target) as answer:
        start = target.stat().st_size if answer.status_code == httpx.codes.PARTIAL_CONTENT else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else most
        with target.open("ab" if start else "wb") as file:
            _mark(target).write_text(answer.headers.get("ETag", ""))  # only now: it is of these bytes
            for chunk in answer.iter_bytes():  # as they come: what a chunk would hold back is lost in a break
                file.write(chunk)
                progress(file.tell(), total)
                if file.tell() > most:
                    break  # whatever it is, it is not what was asked for
            file.flush()
            os.fsync(file.fileno())
    _mark(target).unlink()


@contextmanager
def _answer(client: httpx.Client, url: str, target: Path) -> Iterator[httpx.Response]:
    """Yield the rest of the file (206) or all of it (200). Raises HTTPStatusError."""
    headers = {"Accept-Encoding": "identity"} | _rest_of(target)
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            target.unlink()
        else:
            yield answer.raise_for_status()
            return
    with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
        yield answer.raise_for_status()


def _rest_of(target: Path) -> dict[str, str]:
    """Return the headers that ask for the rest, if the file there is still the one that was begun."""
    mark = _mark(target).read_text() if _mark(target).exists() else ""
    if not mark.startswith('"') or not target.exists():  # If-Range takes strong marks only (RFC 9110)
        return {}
    return {"Range": f"bytes={target.stat().st_size}-", "If-Range": mark}


def _mark(target: Path) -> Path:
    return target.with_name(f"{target.name}.etag")


def _require_https(request: httpx.Request) -> None:
    if request.url.scheme != "https" and request.url.host not in LOOPBACK_HOSTS:
        raise httpx.UnsupportedProtocol("weights come over HTTPS only", request=request)
