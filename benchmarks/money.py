"""Whether money stays right, whatever happens: random histories of payments, refunds and lost messages.

Run `python -m benchmarks.money [--histories N] [--jobs N] [--seed N] [--only NUMBER] [--json]`. Each history
is an event with a price list of its own, its photographers and buyers, and what they, Stripe, banks and
broken lines do, in any order; Stripe is a contract double behind the real SDK. When everything has come to
rest, the ledger, the orders, the files and Stripe's own books are compared. The same seed makes the same
histories.

Then faults are put into the services one at a time, and the same checker must see each of them. The command
ends with code 1 if it sees anything without them, or misses one. `--only` tells one history step by step.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from benchmarks import money_checker
from benchmarks.money_faults import FAULTS
from benchmarks.money_run import run
from benchmarks.money_world import World, folder, quiet

OF_A_WORLD = 25  # histories that share a database; more make each look at all its books slower
MOST_FOR_A_FAULT = 400  # histories


@dataclass
class Figures:
    """What some histories came to."""

    steps: Counter[str] = field(default_factory=Counter)
    wrong: dict[int, list[str]] = field(default_factory=dict)  # by the history's number


def lived(world: World, seed: int, number: int) -> tuple[list[str], list[str]]:
    """Return what happened in a history, and what was wrong."""
    history, wrong = run(world, Random(f"{seed} {number}"), number)  # noqa: S311
    is_last = number % OF_A_WORLD == OF_A_WORLD - 1
    return history.told, wrong + (list(money_checker.of_world(history)) if is_last else [])


def together(world: World, seed: int, numbers: Sequence[int]) -> Figures:
    """Run histories that share a database; after a wrong one the next begin on an empty one."""
    figures = Figures()
    world.renew()
    for number in numbers:
        told, wrong = lived(world, seed, number)
        figures.steps.update(step for step in told if not step.startswith((" ", "-")))
        if wrong:
            figures.wrong[number] = wrong
            world.renew()
    return figures


# --- in processes of their own -------------------------------------------------------------

_worlds: list[World] = []  # the one of this process


def _begin(shared: str) -> None:
    quiet()
    _worlds.append(World(Path(tempfile.mkdtemp(dir=shared))))


def _live(seed: int, numbers: Sequence[int]) -> Figures:
    return together(_worlds[0], seed, numbers)


def _search(index: int) -> tuple[int, list[str]]:
    return FAULTS[index].find(_worlds[0], MOST_FOR_A_FAULT)


def _shares(histories: int) -> list[range]:
    return [range(at, min(at + OF_A_WORLD, histories)) for at in range(0, histories, OF_A_WORLD)]


def tell(seed: int, number: int) -> None:
    """Print one history, step by step, and what is wrong in it."""
    quiet()
    with folder() as own:
        world = World(own)
        told, wrong = lived(world, seed, number)
        world.close()
    print("\n".join([*told, "", *wrong]))


def measure(options: argparse.Namespace) -> tuple[Figures, dict[str, int]]:
    """Return what the histories came to, and after how many each fault was found, 0 for one that was not."""
    whole = Figures()
    with (
        folder() as shared,
        ProcessPoolExecutor(options.jobs, initializer=_begin, initargs=(str(shared),)) as pool,
    ):
        shares = _shares(options.histories)
        searches = [pool.submit(_search, index) for index in range(len(FAULTS))]
        for done, figures in enumerate(pool.map(partial(_live, options.seed), shares), start=1):
            whole.steps += figures.steps
            whole.wrong |= figures.wrong
            for number, wrong in figures.wrong.items():
                print(f"history {number}:", *wrong, sep="\n  ", flush=True)
            if done % 40 == 0:
                print(f"{done * OF_A_WORLD} histories", file=sys.stderr, flush=True)
        found = {fault.name: search.result()[0] for fault, search in zip(FAULTS, searches, strict=True)}
    return whole, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what is wrong; end with code 1 if anything is, or if a fault was not found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.money", description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="tell this one history")
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    options = parser.parse_args(arguments)
    if options.only is not None:
        tell(options.seed, options.only)
        return
    began = time.monotonic()
    whole, found = measure(options)
    seconds = round(time.monotonic() - began, 1)
    for name, count in found.items():
        print(f"{name}: {f'found after {count} histories' if count else 'NOT FOUND'}")
    result = {
        "histories": options.histories,
        "violations": sum(map(len, whole.wrong.values())),
        "seeded_faults_found": sum(map(bool, found.values())),
        "seeded_faults": len(FAULTS),
        "seconds": seconds,
        "steps": whole.steps.total(),
        "seed": options.seed,
    }
    print(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.items()))
    if options.json:
        print(json.dumps(result))
    sys.exit(bool(whole.wrong) or result["seeded_faults_found"] != len(FAULTS))


if __name__ == "__main__":
    main()
