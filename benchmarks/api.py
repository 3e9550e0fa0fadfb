"""How fast the API answers, next to the least that FastAPI can be.

Run `python -m benchmarks.api [--rounds N] [--seconds S] [--json]`. The site runs as `streamlit run app.py`
does, on the demo event in a temporary folder, with all middleware and its worker, but with limits that never
say no. Bare is an application of its own without middleware, whose two routes return the same model from
memory: a plain function (`def`, run in a thread as ours are) and an asynchronous one. A client of its own
process keeps its connections busy; the targets take turns, so that what else the machine does hits all alike,
and the median of the rounds is shown. `canned` is what the client itself can do at most.
"""

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from benchmarks.api_programs import HOST, Figures, Load
from core import demo, processes
from core.children import wait_for

CONNECTIONS = 16
STARTS, STOPS = timedelta(seconds=90), timedelta(seconds=30)
ORGANISER = "organiser@demo.example"
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "SQLAlchemy", "streamlit")

Targets = Mapping[str, Load]


@contextmanager
def program(name: str, port: int, *arguments: str) -> Iterator[str]:
    """Run a server of `api_programs` and yield its address once it answers."""
    command = [sys.executable, "-m", "benchmarks.api_programs", name, str(port), *arguments]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not wait_for(lambda: _listens(port) or process.poll() is not None, STARTS) or process.poll():
                log.seek(0)
                raise SystemExit(f"{name} did not start:\n{log.read().decode()}")
            yield f"http://{HOST}:{port}"
        finally:
            process.terminate()
            process.wait(STOPS.total_seconds())


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def ask(url: str, method: str = "GET", body: object = None, **headers: str) -> Any:
    """Return what an address answers, read as JSON."""
    data = json.dumps(body).encode() if body is not None else None
    asked = Request(url, data, {"Content-Type": "application/json"} | headers, method=method)  # noqa: S310
    with urlopen(asked, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def sign_in(site: str) -> str:
    """Return the header of the demo's organiser."""
    form = urlencode({"grant_type": "password", "username": ORGANISER, "password": demo.PASSWORD})
    with urlopen(f"{site}/api/v1/oauth/token", form.encode(), timeout=30) as answer:  # noqa: S310
        return f"Bearer {json.load(answer)['access_token']}"


@contextmanager
def servers(folder: Path, seconds: float) -> Iterator[Targets]:
    """Run everything, and yield what to ask of whom."""
    os.environ |= {"ENCORE_DATA": str(folder / "data"), "PORT": str(processes.free_port())}
    subprocess.run([sys.executable, "-m", "core", "demo"], check=True, capture_output=True)
    with ExitStack() as stack:
        site = stack.enter_context(program("site", int(os.environ["PORT"])))
        event, image, token = _prepare(f"{site}/api/v1")
        path = folder / "event.json"
        path.write_text(json.dumps(event))
        bare = stack.enter_context(program("bare", processes.free_port(), str(path)))
        canned = stack.enter_context(program("canned", processes.free_port()))
        ours = f"{site}/api/v1/events/{event['id']}"
        signed_in = {"Authorization": token}
        yield {
            "get_event": _load(ours, seconds),
            "get_event_signed_in": _load(ours, seconds, signed_in),
            "list_photos": _load(f"{ours}/photos?limit=50", seconds),
            "signed_image": _load(f"{site}{image}", seconds),
            "bare": _load(f"{bare}/plain/{event['id']}", seconds),
            "bare_async": _load(f"{bare}/asynchronous/{event['id']}", seconds),
            "canned": _load(canned, seconds),
        }


def _prepare(api: str) -> tuple[dict[str, Any], str, str]:
    """Let everybody see the demo event; return it, the path of a signed image, and an access token."""
    token = sign_in(api.removesuffix("/api/v1"))
    event_id = ask(f"{api}/events?mine=true", Authorization=token)["items"][0]["id"]
    event = ask(f"{api}/events/{event_id}", "PATCH", {"visibility": "listed"}, Authorization=token)
    photo = ask(f"{api}/events/{event_id}/photos?limit=1")["items"][0]
    smallest = min(photo["renditions"], key=lambda one: int(one["longest_side"]))
    return event, urlsplit(smallest["url"]).path, token


def _load(url: str, seconds: float, headers: Mapping[str, str] | None = None) -> Load:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Load(parts.port or 80, path, dict(headers or {}), CONNECTIONS, seconds)


def run_client(load: Load) -> Figures:
    """Return what one client measures."""
    command = [sys.executable, "-m", "benchmarks.api_programs", "load", json.dumps(asdict(load))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return Figures(**json.loads(done.stdout))


def measure(targets: Targets, rounds: int) -> dict[str, Figures]:
    """Return the median of the rounds for each target; every round asks all of them."""
    found: dict[str, list[Figures]] = {name: [] for name in targets}
    for turn in range(rounds):
        for name in _turned(list(targets), turn):
            found[name].append(run_client(targets[name]))
    return {name: _median(figures) for name, figures in found.items()}


def _turned(names: Sequence[str], turn: int) -> Sequence[str]:
    """Another one is first each time."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def _median(figures: Sequence[Figures]) -> Figures:
    return Figures(*(median(getattr(one, name) for one in figures) for name in ("rps", "p50_ms", "p99_ms")))


def report(found: Mapping[str, Figures]) -> dict[str, Any]:
    """Return all that is said of a run."""
    ours = found["get_event"].rps
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        "connections": CONNECTIONS,
        **{
            name: {part: round(value, 2) for part, value in asdict(one).items()}
            for name, one in found.items()
        },
        "ratio_to_bare": round(ours / found["bare"].rps, 3),
        "ratio_to_bare_async": round(ours / found["bare_async"].rps, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table and, with --json, one JSON line last."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="that each target is asked in each round")
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or not options.seconds > 0:
        parser.error("--rounds: 1 or more; --seconds: more than 0")
    with (
        tempfile.TemporaryDirectory(prefix="encore-api-") as folder,
        servers(Path(folder), options.seconds) as targets,
    ):
        found = measure(targets, options.rounds)
    print(f"{'':<22}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for name, one in found.items():
        print(f"{name:<22}{one.rps:>12.0f}{one.p50_ms:>10.2f}{one.p99_ms:>10.2f}")
    figures = report(found)
    print(f"get_event to bare: {figures['ratio_to_bare']}, to bare_async: {figures['ratio_to_bare_async']}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
