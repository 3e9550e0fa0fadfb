"""How long a selfie takes: the first after a cold start, and the next ones; and the memory of the site.

Run `python -m benchmarks.cold [--engine NAME] [--json]`. The demo event is loaded into a temporary folder;
then a process of its own imports what the site imports, starts the site's children, and searches at once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import altair  # noqa: F401  what the site's pages import, for the figure of memory
import pandas  # noqa: F401
import streamlit  # noqa: F401
from sqlmodel import select

from core import consent, demo, processes, schema, search, wiring
from core.access import Viewer
from models.consent import Purpose
from models.event import Event

WARM = 10  # searches after the first


def main() -> None:
    """Print the figures; with --json, as one line at the end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.add_argument("--engine", default="bundled")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)  # the process of its own
    options = parser.parse_args()
    if options.search is not None:
        print(json.dumps(search_in(options.search)))
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"ENCORE_DATA": folder, "ENCORE_FACE_ENGINE": options.engine}
        for command in ("core migrate", "core demo", f"benchmarks.cold --search {folder}"):
            done = subprocess.run(
                [sys.executable, "-m", *command.split()], env=environment, stdout=subprocess.PIPE, check=True
            )
        figures = json.loads(done.stdout.splitlines()[-1])
    for name, value in figures.items():
        print(f"{name:<24}{value:>10.2f}")
    if options.json:
        print(json.dumps(figures))


def search_in(folder: Path) -> dict[str, float]:
    """Return seconds until the children are ready, of the first search and of the next, and megabytes."""
    backends = wiring.backends()
    began = time.perf_counter()
    with processes.DataLock(folder), processes.site_children(folder):
        schema.upgrade(backends.engine)
        ready = time.perf_counter() - began
        with backends.reading() as session:
            event = session.exec(select(Event)).one()
        guest = Viewer(visitor_key="0" * 64)
        receipt = consent.give(backends, event.id, Purpose.SEARCH, by=guest)
        selfie = (demo.FOLDER / "selfies" / "guest_01.jpg").read_bytes()

        def seconds() -> float:
            started = time.perf_counter()
            search.by_selfies(backends, event.id, [selfie], receipt_id=receipt.id, by=guest)
            return time.perf_counter() - started

        first, *rest = (seconds() for _ in range(1 + WARM))
        memory = _resident_megabytes()
        backends.pixels.close()
    return {
        "children_ready": ready,
        "first_search": first,
        "warm_search": max(rest),
        "site_memory_mb": memory,
    }


def _resident_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
