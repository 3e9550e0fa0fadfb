"""What a search shows in small events: 5, 20 and 100 faces cut out of one set of people.

Run `python -m benchmarks.small DATASET --engine NAME [--json]`; see `benchmarks.datasets`. All
people search in every event. `found*` is the share of people's own photos that are in the event and shown,
`outsiders_wrong*` the share of searches by those who are not in it that show somebody.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks import commands, datasets, faces
from benchmarks.datasets import Dataset, DatasetError
from core import cohorts, matching
from core.cohorts import Crowd, Rows
from core.ports import FaceEngine

Searches = Sequence[tuple[np.ndarray, frozenset[int]]]  # a probe, and the photos of that person

EVENTS = {5: 40, 20: 20, 100: 8}  # how many events of about that many faces


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1."""

    faces: int
    found_sure: float
    found: float
    outsiders_wrong_sure: float
    outsiders_wrong: float


def measure(engine: FaceEngine, dataset: Dataset) -> list[Figures]:
    """Index a set once, and search in events cut out of it. Raises DatasetError."""
    crowd = faces.index(engine, dataset)
    tried = [(faces.probe(engine, dataset.folder / one.selfie), dataset.own(one)) for one in dataset.people]
    searches = [(probe, photos) for probe, photos in tried if probe is not None]
    if not searches:
        raise DatasetError(f"The product would refuse every selfie of {dataset.folder}.")
    random = np.random.default_rng(7)
    return [
        shares(count, [(_event(crowd, count, searches, random), searches) for _ in range(events)])
        for count, events in EVENTS.items()
    ]


def _event(crowd: Crowd, count: int, searches: Searches, random: np.random.Generator) -> Crowd:
    """Return some photos with about that many faces, one of them with somebody who searches."""
    photos = random.permutation(np.unique(crowd.photos))
    own = searches[int(random.integers(len(searches)))][1]
    first = [photo for photo in photos if photo in own][:1]
    order = np.array([*first, *(photo for photo in photos if photo not in first)], np.intp)
    sizes = np.cumsum([(crowd.photos == photo).sum() for photo in order])
    chosen = order[: max(2, int(np.searchsorted(sizes, count)))]
    rows: Rows = np.flatnonzero(np.isin(crowd.photos, chosen))
    return cohorts.crowd(crowd.embeddings[rows], crowd.photos[rows], crowd.calibration)


def shares(count: int, events: Sequence[tuple[Crowd, Searches]]) -> Figures:
    """Return the figures over all searches in all events. Raises DatasetError where a kind never happens."""
    own: list[tuple[bool, bool]] = []
    outsiders: list[tuple[bool, bool]] = []
    for crowd, searches in events:
        here = set(crowd.photos.tolist())
        for probe, photos in searches:
            found = matching.find(crowd, probe[None])
            sure = {hit.photo for hit in found.sure}
            shown = sure | {hit.photo for hit in found.maybe}
            own += [(photo in sure, photo in shown) for photo in photos & here]
            if not photos & here:
                outsiders.append((bool(sure), bool(shown)))
    if not own or not outsiders:
        lacking = "outside" if own else "in"
        raise DatasetError(
            f"The set is too small: nobody who searches is {lacking} an event of {count} faces."
        )
    return Figures(count, *np.mean(own, axis=0).tolist(), *np.mean(outsiders, axis=0).tolist())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line per size of event; with --json, all of them as one line at the end."""
    options = commands.parser("small", __doc__).parse_args(arguments)
    with commands.plainly():
        dataset = datasets.read(options.dataset)
        rows = [asdict(figures) for figures in measure(commands.engine(options.engine), dataset)]
    print("".join(f"{name:>22}" for name in rows[0]))
    for row in rows:
        print(
            "".join(
                f"{value:>22.3f}" if isinstance(value, float) else f"{value:>22}" for value in row.values()
            )
        )
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
