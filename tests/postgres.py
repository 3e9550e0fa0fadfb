"""A real PostgreSQL server of our own for a while: its binaries are looked up, never downloaded."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import text

from core.backends import open_database
from tests.requirements import lacking

ACCOUNT = "postgres"  # the server refuses to run as root

_serial = count(1)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        lacking("PostgreSQL's initdb is not installed")
    return found[-1].parent if found else Path(str(on_path)).parent


def _account() -> str | None:
    """Return whom to run the server as, None for ourselves."""
    if os.geteuid() != 0:
        return None
    if ACCOUNT not in {entry.pw_name for entry in pwd.getpwall()}:
        lacking(f"PostgreSQL does not run as root, and there is no account {ACCOUNT!r}")
    return ACCOUNT


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """Yield the SQLAlchemy URL of an empty cluster on a loopback port, and take it away afterwards."""
    binaries, account, port = _binaries(), _account(), _free_port()
    # Not below pytest's own folder, which nobody but us may enter.
    with tempfile.TemporaryDirectory(prefix="encore-pg-", ignore_cleanup_errors=True) as folder:
        if account is not None:
            shutil.chown(folder, account)

        def run(name: str, *arguments: str) -> None:
            command = [str(binaries / name), "-D", f"{folder}/cluster", *arguments]
            done = subprocess.run(
                command, user=account, cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "-U", ACCOUNT, "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C")
        options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{ACCOUNT}@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")


def fresh_database(url: str) -> str:
    """Return the URL of an empty database on the server."""
    name = f"encore_{next(_serial)}"
    admin = open_database(f"{url}/postgres")
    with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return f"{url}/{name}"
