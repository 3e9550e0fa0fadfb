"""Programs kept alive as children: started on a leash, restarted when they die, stopped in order."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import IO

import structlog

from core.errors import Unavailable

log = structlog.get_logger()

HOST = "127.0.0.1"
LEASH = Path(__file__).with_name("leash.py")

POLL = 0.1  # seconds between two looks at the children
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds before a restart, doubled each time
HEALTHY = 60.0  # seconds after which a death counts as the first again
START_PATIENCE = timedelta(seconds=60)
STOP_PATIENCE = timedelta(seconds=10)
LOG_BYTES = 5_000_000  # a log above is put aside, as .1, at the next start


@dataclass(frozen=True)
class Program:
    """A child to keep alive. With a port, it is announced in `{name}.json` and ready when it answers."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of ours
    port: int | None = None


@dataclass(frozen=True)
class ChildStatus:
    """What /health says of one child."""

    name: str
    is_running: bool  # else it is waiting to be restarted
    pid: int | None
    restarts: int


class Children:
    """Keeps programs alive until it is left: starts them, restarts what dies, stops all."""

    def __init__(self, folder: Path, programs: Sequence[Program]) -> None:
        self._children = [_Child(folder, program) for program in programs]
        self._stopping = Event()
        # One thread starts every child and lives as long as they: the kernel's parent-death signal (leash.py)
        # follows the thread that started a child, not its process. Daemon: a forgotten stop must not hang us.
        self._thread = Thread(target=self._keep_alive, name="children", daemon=True)

    def __enter__(self) -> "Children":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, patience: timedelta = START_PATIENCE) -> None:
        """Return when every child with a port answers. Raises Unavailable, after stopping all."""
        for child in self._children:
            child.port_file.unlink(missing_ok=True)  # of a site that was killed
        self._thread.start()
        if not wait_for(lambda: all(child.is_ready() for child in self._children), patience):
            self.stop()
            raise Unavailable("Search did not start. The reason is in logs/chroma.log of the data folder.")

    def status(self) -> list[ChildStatus]:
        """Return how each child is, in the order of starting."""
        return [child.status() for child in self._children]

    def stop(self) -> None:
        """Stop every child and return when none is left; what ignores SIGTERM for ten seconds is killed."""
        self._stopping.set()
        self._thread.join()

    def _keep_alive(self) -> None:
        while not self._stopping.wait(POLL):
            for child in self._children:
                child.tend()
        deadline = monotonic() + STOP_PATIENCE.total_seconds()
        for child in reversed(self._children):  # the worker's last job may still want Chroma
            child.stop(deadline)


class _Child:
    """One program and the process that runs it, if any. Only the thread of Children changes it."""

    def __init__(self, folder: Path, program: Program) -> None:
        self.port_file = port_file(folder, program.name)
        self._log_file = folder / "logs" / f"{program.name}.log"
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = -1
        self._delay = FIRST_DELAY
        self._started_at = self._due_at = 0.0

    def tend(self) -> None:
        """Start it when that is due; see whether it died."""
        if self._process is None:
            if monotonic() >= self._due_at:
                self._start()
        elif self._process.poll() is not None:
            self._bury(f"exit code {self._process.returncode}")

    def is_ready(self) -> bool:
        """Whether it runs and, having a port, answers."""
        return self._process is not None and (self._program.port is None or answers(self._program.port))

    def status(self) -> ChildStatus:
        """Return what /health says."""
        process = self._process
        is_running = process is not None and process.returncode is None
        pid = process.pid if process is not None and is_running else None
        return ChildStatus(self._program.name, is_running, pid, max(self._restarts, 0))

    def stop(self, deadline: float) -> None:
        """Ask it to end, kill it at `deadline` (monotonic seconds), and take its announcement down."""
        if self._process is not None:
            _end(self._process, deadline)
        self._process = None
        self.port_file.unlink(missing_ok=True)

    def _start(self) -> None:
        self._restarts += 1
        self._started_at = monotonic()
        try:
            self._process = self._spawn()
        except OSError as error:  # no memory, no space for the log: later there may be
            self._bury(str(error))
            return
        log.info("child_started", child=self._program.name, pid=self._process.pid)
        if self._program.port is not None:
            _announce(self.port_file, {"port": self._program.port, "pid": self._process.pid})

    def _spawn(self) -> "subprocess.Popen[bytes]":
        leash = (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()))
        with _open_log(self._log_file) as output:
            return subprocess.Popen(
                [*leash, *self._program.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._program.environment},
                start_new_session=True,  # Ctrl-C reaches the site alone, which then stops them in order
            )

    def _bury(self, reason: str) -> None:
        if monotonic() - self._started_at >= HEALTHY:
            self._delay = FIRST_DELAY
        log.warning("child_died", child=self._program.name, reason=reason, restart_in=self._delay)
        self._process = None
        self._due_at = monotonic() + self._delay
        self._delay = min(self._delay * 2, LONGEST_DELAY)


def _end(process: "subprocess.Popen[bytes]", deadline: float) -> None:
    process.terminate()
    try:
        process.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with what it started; it leads its own session
        process.wait()


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def _announce(path: Path, content: Mapping[str, int]) -> None:
    """Write at once and for our eyes only: on a shared machine the port is the key to the vectors."""
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content))
    draft.replace(path)


def port_file(folder: Path, name: str) -> Path:
    """Return where a program's port is announced while it runs."""
    return folder / f"{name}.json"


def answers(port: int) -> bool:
    """Whether a vector server answers at this port of ours."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/api/v2/heartbeat")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool], patience: timedelta) -> bool:
    """Return True as soon as the condition holds, False when it did not in time."""
    deadline = monotonic() + patience.total_seconds()
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(0.05)
    return True
