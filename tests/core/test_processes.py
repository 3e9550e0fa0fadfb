"""One machine's processes, for real: Chroma is started, killed and found again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from core import children, processes
from core.adapters.chroma_vectors import ChromaVectors
from core.children import Children, Program, answers, wait_for
from core.errors import Unavailable
from core.processes import AlreadyRunning, DataLock

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=15)
IDLE = (sys.executable, "-I", "-S", "-c", "import signal; signal.pause()")
STUBBORN = (
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
)
SITE = """
import sys, threading
from pathlib import Path
from core import processes
with processes.run_site(Path(sys.argv[1]), sys.argv[2:]) as children:
    print(*(child.pid for child in children.status()), flush=True)
    threading.Event().wait()
"""


def eventually(condition: Callable[[], bool]) -> bool:
    return wait_for(condition, SOON)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie, for want of a parent that buries it, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids(site: Children) -> list[int]:
    return [child.pid for child in site.status() if child.pid is not None]


def start_killable_site(folder: Path) -> tuple["subprocess.Popen[str]", list[int]]:
    """Start a site in a process of its own; return it and its children's ids once all are ready."""
    site = subprocess.Popen(
        [sys.executable, "-c", SITE, str(folder), *IDLE],
        stdout=subprocess.PIPE,
        text=True,
        cwd=processes.ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    for line in site.stdout:
        if line.replace(" ", "").strip().isdigit():
            return site, [int(pid) for pid in line.split()]
    raise AssertionError("the site ended before it was ready")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Children]:
    with processes.run_site(folder, IDLE) as running:
        yield running


class TestARunningSite:
    def test_it_is_ready_when_entered(self, site: Children, folder: Path):
        host, port = processes.chroma_address(folder)

        assert (host, answers(port)) == ("127.0.0.1", True)
        assert [(child.name, child.is_running) for child in site.status()] == [
            ("chroma", True),
            ("worker", True),
        ]

    def test_its_address_is_for_our_eyes_only(self, site: Children, folder: Path):
        assert (folder / "chroma.json").stat().st_mode & 0o777 == 0o600

    def test_its_children_write_logs(self, site: Children, folder: Path):
        assert b"127.0.0.1" in (folder / "logs" / "chroma.log").read_bytes()
        assert (folder / "logs" / "worker.log").exists()

    def test_a_second_one_on_the_folder_is_refused_with_a_sentence(self, site: Children, folder: Path):
        with (
            pytest.raises(AlreadyRunning, match="Stop it, or set ENCORE_DATA"),
            processes.run_site(folder, IDLE),
        ):
            pass

    def test_a_command_beside_it_uses_its_chroma(self, site: Children, folder: Path):
        before = pids(site)

        with processes.attach_or_start(folder) as address:
            assert address == processes.chroma_address(folder)

        assert (pids(site), answers(address[1])) == (before, True)

    def test_a_killed_chroma_comes_back_on_its_port_with_its_vectors(self, site: Children, folder: Path):
        address = processes.chroma_address(folder)
        vectors, face = ChromaVectors(lambda: processes.chroma_address(folder)), uuid4()
        vectors.upsert("event-1", [face], np.eye(1, 8, dtype=np.float32))
        before = site.status()[0]

        os.kill(before.pid, signal.SIGKILL)

        assert eventually(lambda: site.status()[0].restarts == before.restarts + 1 and answers(address[1]))
        assert processes.chroma_address(folder) == address
        assert vectors.all("event-1")[0] == [face]
        assert site.status()[0].pid not in (None, before.pid)

    def test_a_killed_worker_is_restarted_and_chroma_left_alone(self, site: Children):
        chroma, worker = site.status()

        os.kill(worker.pid, signal.SIGKILL)

        assert eventually(lambda: site.status()[1].restarts == worker.restarts + 1)
        assert site.status()[0] == chroma

    def test_a_terminals_interrupt_does_not_reach_the_children(self, site: Children):
        assert all(os.getsid(pid) == pid for pid in pids(site))


class TestStopping:
    def test_stop_leaves_no_process_and_no_address(self, tmp_path: Path):
        with processes.run_site(tmp_path, IDLE) as site:
            running = pids(site)

        assert len(running) == 2
        assert not any(map(is_alive, running))
        with pytest.raises(Unavailable, match="Search is restarting"):
            processes.chroma_address(tmp_path)

    def test_what_ignores_the_signal_is_killed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(children, "STOP_PATIENCE", timedelta(seconds=0.3))
        deaf = Children(tmp_path, [Program("deaf", STUBBORN)])
        deaf.start()
        log = tmp_path / "logs" / "deaf.log"
        assert eventually(lambda: b"deaf" in log.read_bytes())
        running = pids(deaf)

        deaf.stop()

        assert (len(running), any(map(is_alive, running))) == (1, False)

    def test_after_kill_9_of_the_site_nothing_lingers_and_the_next_one_starts(self, tmp_path: Path):
        site, running = start_killable_site(tmp_path)
        alive_before = [is_alive(pid) for pid in running]

        site.kill()
        site.communicate()

        assert alive_before == [True, True]
        assert eventually(lambda: not any(map(is_alive, running)))
        assert (tmp_path / "chroma.json").exists()  # stale, and not to be believed
        with processes.attach_or_start(tmp_path) as address:
            assert answers(address[1])
        with processes.run_site(tmp_path, IDLE) as next_site:
            assert len(pids(next_site)) == 2


class TestStarting:
    def test_a_command_without_a_site_has_its_own_chroma_for_the_while(self, tmp_path: Path):
        with processes.attach_or_start(tmp_path) as address:
            assert answers(address[1])
            with pytest.raises(AlreadyRunning), DataLock(tmp_path):
                pass

        assert not answers(address[1])
        with DataLock(tmp_path):
            assert not (tmp_path / "chroma.json").exists()

    def test_a_program_that_dies_at_once_is_waited_for_longer_each_time(self, tmp_path: Path, monkeypatch):
        monkeypatch.setattr(children, "FIRST_DELAY", 0.02)
        monkeypatch.setattr(children, "POLL", 0.01)
        delays: list[float] = []
        monkeypatch.setattr(
            children.log, "warning", lambda _event, **facts: delays.append(facts["restart_in"]), raising=False
        )

        with Children(tmp_path, [Program("broken", (sys.executable, "-S", "-c", "raise SystemExit(3)"))]):
            assert eventually(lambda: len(delays) >= 4)

        assert delays[:4] == [0.02, 0.04, 0.08, 0.16]

    def test_a_server_that_never_answers_is_a_refusal_that_leaves_nothing(self, tmp_path: Path):
        mute = Children(tmp_path, [Program("mute", IDLE, port=processes.free_port())])

        with pytest.raises(Unavailable, match="logs"):
            mute.start(patience=timedelta(seconds=0.3))

        assert (pids(mute), list(tmp_path.glob("*.json"))) == ([], [])

    def test_a_long_log_is_put_aside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(children, "LOG_BYTES", 3)
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "idle.log").write_bytes(b"long")

        with Children(tmp_path, [Program("idle", IDLE)]):
            pass

        logs = {path.name: path.read_bytes() for path in (tmp_path / "logs").iterdir()}
        assert logs == {"idle.log": b"", "idle.log.1": b"long"}

    def test_children_outlive_the_thread_that_started_them(self, tmp_path: Path):
        idle = Children(tmp_path, [Program("idle", IDLE)])
        thread = threading.Thread(target=idle.start)

        thread.start()
        thread.join()
        has_died = wait_for(lambda: idle.status()[0].restarts > 0, timedelta(seconds=1.5))
        idle.stop()

        assert not has_died

    def test_a_lock_taken_in_one_thread_is_given_back_in_another(self, tmp_path: Path):
        lock = DataLock(tmp_path)
        thread = threading.Thread(target=lock.__enter__)
        thread.start()
        thread.join()

        lock.__exit__()

        with DataLock(tmp_path):
            pass
