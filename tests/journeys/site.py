"""A real site in a child process, on a data folder of its own, and what of it still runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from sqlmodel import select

from core import processes, sessions, wiring
from core.backends import Backends
from core.children import wait_for
from core.settings import ROOT, Settings
from models.account import Account
from models.event import Event, EventStatus

STARTS = timedelta(seconds=60)
STOPS = timedelta(seconds=30)
DIES = timedelta(seconds=10)

Process = tuple[int, str]  # process id, and when it started: ids are used again


class Site:
    """`streamlit run app.py` on a folder. Whoever starts it stops it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.port = folder, processes.free_port()
        self.address = f"http://localhost:{self.port}"
        self.log = folder.with_name(f"{folder.name}-{self.port}.log")
        self._environment = environment_of(folder, PORT=str(self.port), **environment)
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> "subprocess.Popen[bytes]":
        """Start it and return its process at once."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal of its own, so to speak
            )
        return self.process

    def start(self) -> "Site":
        """Return once every part works."""
        started = self.run()
        wait_for(lambda: self.is_well() or started.poll() is not None, STARTS)
        if not self.is_well():
            self.kill()
            raise AssertionError(f"The site did not start:\n{self.log.read_text()}")
        return self

    def is_well(self) -> bool:
        """Every part works."""
        try:
            return self.health()[0] == 200
        except (OSError, HTTPException):
            return False

    def health(self) -> tuple[int, dict]:
        """The status and the body of /health."""
        try:
            with urlopen(f"{self.address}/health", timeout=20) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def family(self) -> set[Process]:
        """The site's process and all that it started."""
        assert self.process is not None
        return descendants(self.process.pid)

    def interrupt(self) -> list[str]:
        """Press Ctrl-C, and return the commands of its processes that are left."""
        family = self.family()
        os.killpg(self.process.pid, signal.SIGINT)  # as a terminal does: all in the foreground hear it
        self.process.wait(STOPS.total_seconds())
        return left(family)

    def kill(self) -> list[str]:
        """End it with SIGKILL, and return the commands of its processes that are left."""
        family = self.family()
        self.process.kill()
        self.process.wait()
        return left(family)

    @contextmanager
    def backends(self) -> Iterator[Backends]:
        """The same folder seen from this process, to arrange what pages would take long for."""
        made = wiring.build(Settings(_env_file=None, data=self.folder, port=self.port, database_url=None))
        try:
            yield made
        finally:
            made.pixels.close()
            made.engine.dispose()

    def cookies(self, email: str) -> list[dict[str, str]]:
        """The cookies of a browser in which this account has signed in."""
        with self.backends() as backends:
            with backends.reading() as session:
                account = session.exec(select(Account).where(Account.email == email)).one()
            code = sessions.start_sign_in(backends, account.id, "nonce")
            token = sessions.finish_sign_in(backends, code, "nonce")
        return [{"name": sessions.SESSION_COOKIE, "value": token, "url": self.address}]

    def demo_event(self) -> Event:
        """The first event there is."""
        with self.backends() as backends, backends.reading() as session:
            return session.exec(select(Event).order_by(Event.id)).first()

    def set_status(self, status: EventStatus) -> None:
        """Open or close the first event, behind the site's back."""
        with self.backends() as backends, backends.transaction() as session:
            session.exec(select(Event).order_by(Event.id)).first().status = status


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    """Our environment without its settings, but with this data folder."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ENCORE_")}
    return {**ours, "ENCORE_DATA": str(folder), **more}


def descendants(pid: int) -> set[Process]:
    """The process and all it started, and what these started."""
    parents = _all()
    found = {process for process in parents if process[0] == pid}
    while more := {one for one, parent in parents.items() if parent in {two[0] for two in found}} - found:
        found |= more
    return found


def left(family: set[Process]) -> list[str]:
    """The commands of those that are still alive after a while."""
    wait_for(lambda: not any(map(is_alive, family)), DIES)
    return [command_of(process) for process in family if is_alive(process)]


def is_alive(process: Process) -> bool:
    """It still runs; one that waits to be buried does not."""
    try:
        state, _, started = _stat(process[0])
    except OSError:
        return False
    return started == process[1] and state not in "ZX"


def command_of(process: Process) -> str:
    """The command line of a process."""
    return Path(f"/proc/{process[0]}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _all() -> dict[Process, int]:
    """Every process, and its parent's id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            _, parent, started = _stat(int(folder.name))
        except OSError:
            continue  # it ended while we looked
        found[int(folder.name), started] = parent
    return found


def _stat(pid: int) -> tuple[str, int, str]:
    """Return state, parent and start. Raises OSError when there is no such process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[1]), fields[19]


def unread_bytes(port: int) -> int:
    """How much was sent to a server of this machine that it has not read yet."""
    connections = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(
        int(queues.partition(":")[2], 16)
        for _, local, _, state, queues, *_ in connections
        if local.endswith(f":{port:04X}") and state == "01"  # established
    )
