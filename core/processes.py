"""What one machine runs: one site per data folder, with Chroma and the worker as its children.

Takes folders and commands; knows no settings, services or vendors' clients.
"""

import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from core.children import HOST, Children, Program, answers, port_file, wait_for
from core.errors import Conflict, Unavailable

ROOT = Path(__file__).parents[1]
WORKER = (sys.executable, "-m", "core", "worker")
# What the `chroma` script runs, less its import of the client: ready in 0.1 s, not 1 to 4; 38 MB, not 112.
CHROMA = (sys.executable, "-I", "-c", "import sys, chromadb_rust_bindings as chroma; chroma.cli(sys.argv)")
QUIET = {"ANONYMIZED_TELEMETRY": "False"}

ATTACH_PATIENCE = timedelta(seconds=15)

Address = tuple[str, int]  # host, port


class AlreadyRunning(Conflict):
    """Another site, or a command, holds the data folder."""


class DataLock:
    """The exclusive right to a data folder. The kernel keeps it, so that it ends with its process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Not per thread: a site may start in one thread and stop in another.
        self._lock = FileLock(folder / "encore.lock", timeout=0, thread_local=False, fallback_to_soft=False)

    def __enter__(self) -> "DataLock":
        """Take the folder. Raises AlreadyRunning."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise AlreadyRunning(
                "Another Encore is using this data folder ({folder}). "
                "Stop it, or set ENCORE_DATA to another folder.",
                folder=self._folder,
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def chroma(folder: Path) -> Program:
    """Return the vector server of a data folder, on a port of its own."""
    port = free_port()
    arguments = ("run", "--path", str(folder / "vectors"), "--host", HOST, "--port", str(port))
    return Program("chroma", (*CHROMA, *arguments), QUIET, port)


def worker(command: Sequence[str] = WORKER) -> Program:
    """Return the worker, which finds our code wherever the site was started."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return Program("worker", command, {"PYTHONPATH": os.pathsep.join(filter(None, paths))})


def free_port() -> int:
    """Return a port nobody listens on, below those the system lends to outgoing connections.

    One of these could be taken while Chroma restarts, even by a client knocking for it.
    """
    while True:
        port = secrets.choice(range(20_000, 32_000))
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) != 0:
                return port


def chroma_address(folder: Path) -> Address:
    """Return where the vector server of a data folder listens. Raises Unavailable."""
    try:
        return HOST, int(json.loads(port_file(folder, "chroma").read_text())["port"])
    except FileNotFoundError as error:
        raise Unavailable("Search is restarting. Try again in a few seconds.") from error


@contextmanager
def run_site(folder: Path, command: Sequence[str] = WORKER) -> Iterator[Children]:
    """Hold the folder and keep Chroma and the worker alive. Raises AlreadyRunning, Unavailable."""
    with DataLock(folder), site_children(folder, command) as children:
        yield children


def site_children(folder: Path, command: Sequence[str] = WORKER) -> Children:
    """Return Chroma and the worker, to be entered by the holder of the folder."""
    return Children(folder, [chroma(folder), worker(command)])


@contextmanager
def attach_or_start(folder: Path) -> Iterator[Address]:
    """Yield the running site's vector server, or our own for the while. Raises Unavailable."""
    with ExitStack() as stack:
        try:
            stack.enter_context(DataLock(folder))
        except AlreadyRunning:
            if not wait_for(lambda: _is_site_ready(folder), ATTACH_PATIENCE):
                raise Unavailable("Encore is starting or stopping. Try again in a few seconds.") from None
        else:
            stack.enter_context(Children(folder, [chroma(folder)]))
        yield chroma_address(folder)


def _is_site_ready(folder: Path) -> bool:
    try:
        return answers(chroma_address(folder)[1])
    except Unavailable:
        return False
