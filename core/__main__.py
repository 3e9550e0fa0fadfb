"""The commands: `python -m core worker | migrate | demo | journey | admin-link | audit`."""

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from core import accounts, audit, demo, journey, logs, schema, wiring, worker
from core.errors import PlatformError
from core.settings import Settings

BAR_WIDTH = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a refusal is one sentence on standard error."""
    logs.set_up()
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except PlatformError as refusal:
        print(f"encore: {refusal}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description="Encore's commands.")
    commands = parser.add_subparsers(required=True)
    for name, run, words in (
        ("worker", _worker, "work on jobs until stopped (the site starts one by itself)"),
        ("migrate", _migrate, "bring the database up to date"),
        ("admin-link", _admin_link, "print a one-time link that makes the first admin"),
        ("audit", _audit, "verify the audit log's chain"),
    ):
        commands.add_parser(name, help=words).set_defaults(run=run)
    loading = commands.add_parser("demo", help="load the demo event")
    loading.add_argument("--if-empty", action="store_true", help="only into a database without events")
    loading.set_defaults(run=_demo)
    walking = commands.add_parser("journey", help="walk from a folder of photos to a paid download")
    walking.add_argument("--photos", type=Path, required=True, help="folder of photos")
    walking.add_argument("--selfie", type=Path, required=True, help="picture of the guest")
    walking.add_argument("--json", action="store_true", help="print the result only")
    walking.set_defaults(run=_journey)
    return parser


def _worker(_: argparse.Namespace) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    backends = wiring.backends()
    worker.run(backends, stop)
    backends.pixels.close()


def _migrate(_: argparse.Namespace) -> None:
    schema.upgrade(wiring.backends().engine)


def _admin_link(_: argparse.Namespace) -> int:
    backends = wiring.backends()
    schema.upgrade(backends.engine)
    code = accounts.first_admin_code(backends)
    print(backends.settings.url(f"/register?admin={code}") if code else "There is an admin already.")
    return 0 if code else 1


def _audit(_: argparse.Namespace) -> int:
    broken = audit.first_break(wiring.backends())
    print("The audit log is whole." if broken is None else f"The audit log breaks at entry {broken.id}.")
    return 0 if broken is None else 1


def _demo(options: argparse.Namespace) -> None:
    settings = Settings()
    backends = wiring.backends()
    schema.upgrade(backends.engine)
    if options.if_empty and not (settings.demo and demo.is_wanted(backends)):
        return
    with wiring.command_backends(settings) as backends:
        print(f"Demo event: {demo.load(backends, _bar)}")


def _journey(options: argparse.Namespace) -> int:
    for path, is_there in (
        (options.photos, options.photos.is_dir()),
        (options.selfie, options.selfie.is_file()),
    ):
        if not is_there:
            print(f"encore: there is nothing to read at {path}", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="encore-journey-") as folder:
        # Nothing of the real installation is touched, whatever the environment says.
        settings = Settings(data=Path(folder), database_url=None, s3_endpoint=None)
        with wiring.command_backends(settings) as backends:
            schema.upgrade(backends.engine)
            progress = _silent if options.json else _bar
            report = journey.walk(backends, options.photos, options.selfie, progress)
    if not options.json:
        _tell(report)
    print(json.dumps(asdict(report)))
    return 1 if report.stopped else 0


def _tell(report: journey.Report) -> None:
    sure, maybe = len(report.matches["sure"]), len(report.matches["maybe"])
    print(f"{report.photos} photos kept, {report.refused} refused, {report.faces} faces searchable.")
    for name, reason in report.refusals.items():
        print(f"  refused {name}: {reason}")
    if report.stopped:
        print(f"The guest could not go on: {report.stopped}")
        return
    print(f"The selfie found {sure} photos surely and {maybe} perhaps.")
    print(
        f"Order {report.order['status']}, {len(report.downloaded)} originals."
        if report.order
        else "No order."
    )


def _bar(step: str, done: int, total: int) -> None:
    if not sys.stderr.isatty():
        if done == total:
            print(f"{step}: {total} done", file=sys.stderr)
        return
    filled = BAR_WIDTH * done // max(total, 1)
    end = "\n" if done == total else ""
    print(
        f"\r{step:>10} [{'█' * filled}{'·' * (BAR_WIDTH - filled)}] {done}/{total}", end=end, file=sys.stderr
    )


def _silent(*_: object) -> None:
    """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
