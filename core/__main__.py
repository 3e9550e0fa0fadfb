"""The commands: `python -m core worker | migrate | demo | journey | faces | admin-link | audit | …`."""

import argparse
import json
import signal
import sys
import tempfile
import textwrap
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from core import (
    accounts,
    audit,
    demo,
    engines,
    journey,
    ledger,
    logs,
    reconciliation,
    schema,
    weights,
    wiring,
    worker,
)
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
        ("audit", _audit, "verify the chains of the audit log and of the ledger"),
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
    reconciling = commands.add_parser("reconcile", help="ask the gateway about what no message told")
    reconciling.add_argument("--days", type=int, default=3, help="how far back (3)")
    reconciling.set_defaults(run=_reconcile)
    _add_faces(commands.add_parser("faces", help="list, install and verify face engines"))
    return parser


def _add_faces(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True)
    commands.add_parser("list", help="what there is").set_defaults(run=_list_engines)
    installing = commands.add_parser("install", help="download the weights of an engine")
    installing.add_argument("name")
    installing.add_argument(
        "--forget-pins", action="store_true", help="take other files than those that were installed first"
    )
    installing.set_defaults(run=_install_engine)
    verifying = commands.add_parser("verify", help="check the weights of one engine, or of all installed")
    verifying.add_argument("name", nargs="?")
    verifying.set_defaults(run=_verify_engines)


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
    backends = wiring.backends()
    broken, faults = audit.first_break(backends), list(ledger.faults(backends))
    print("The audit log is whole." if broken is None else f"The audit log breaks at entry {broken.id}.")
    print("\n".join(faults) or "The ledger is whole.")
    return int(broken is not None or bool(faults))


def _reconcile(options: argparse.Namespace) -> int:
    backends = wiring.backends()
    report = reconciliation.reconcile(backends, backends.now() - timedelta(days=options.days))
    print(f"{report.orders} orders asked about, {report.changed} of them changed.")
    if report.unknown:
        print(f"{report.unknown} payments at the gateway are none of ours.")
    print("\n".join(report.faults) or "The ledger is whole.")
    return int(bool(report.faults))


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
        weights_folder = Settings().weights_folder
        settings = Settings(data=Path(folder), weights=weights_folder, database_url=None, s3_endpoint=None)
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


def _list_engines(_: argparse.Namespace) -> None:
    settings = Settings()
    rows = [("NAME", "ENGINE", "INSTALLED", "DOWNLOAD", "MISSES")]
    for state in weights.overview(settings.weights_folder):
        spec = state.spec
        misses = ", ".join(f"{figures.dataset} {figures.fnir:.0%}" for figures in spec.measured)
        size = f"{spec.download_size / 1e6:.1f} MB" if spec.downloads else "nothing"
        name = f"{spec.name} *" if spec.name == settings.face_engine else spec.name
        engine = f"{spec.detector} + {spec.recogniser}"
        rows.append((name, engine, _is_installed(state), size, misses or "not measured"))
    _print_table(rows)
    print("* describes the faces of new events. MISSES: own photos missed where 5 % of searches are wrong.")
    for spec in engines.ENGINES.values():
        about = f"{spec.name}: {spec.limits} {spec.licence}"
        print(textwrap.fill(about, 100, subsequent_indent="  ", break_on_hyphens=False))
    try:
        weights.require(engines.named(settings.face_engine), settings.weights_folder)
    except PlatformError as warning:  # what there is was asked for, and is shown
        print(f"encore: {warning}", file=sys.stderr)


def _is_installed(state: weights.EngineState) -> str:
    if state.is_broken:
        return "damaged"
    return "yes" if state.is_installed else "no"


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _install_engine(options: argparse.Namespace) -> None:
    spec, settings = engines.named(options.name), Settings()
    if options.forget_pins:
        weights.forget_pins(spec, settings.weights_folder)
    came = wiring.install_engine(spec, settings, _megabytes)
    if not spec.downloads:
        print(f'"{spec.name}" comes with Encore: nothing is to be downloaded.')
    elif came:
        print(f'"{spec.name}" is installed. New events use it with ENCORE_FACE_ENGINE={spec.name}.')
        print(f"Its licence: {spec.licence}")
    else:
        print(f'"{spec.name}" was installed already.')


def _verify_engines(options: argparse.Namespace) -> int:
    settings = Settings()
    specs = [engines.named(options.name)] if options.name else list(engines.ENGINES.values())
    states = [weights.state(spec, settings.weights_folder) for spec in specs]
    for state in states:
        print(f"{state.spec.name}: {state.problem or 'every file is the one it should be.'}")
    needed = engines.named(options.name or settings.face_engine)
    # an engine that nobody needs and nobody installed is no fault
    return int(any(state.is_broken or (state.problem and state.spec is needed) for state in states))


def _megabytes(name: str, done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total:
        end = "\n" if done == total or not sys.stderr.isatty() else ""
        print(f"\r{name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB", end=end, file=sys.stderr)


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
