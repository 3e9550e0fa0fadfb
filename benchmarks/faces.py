"""How well an engine and the matching find people in one event.

Run `python -m benchmarks.faces DATASET --engine NAME [--json]`, where DATASET is a set as
`benchmarks.datasets` reads it. All photos are indexed as one event, then each person searches once, at the
product's own cut-offs. `found*` is the share of people's own
photos that is shown; `wrong*` the share of searches that show at least one photo without the person;
`wrong_photos_sure` the share of the photos shown as sure that are wrong; `fnir_at_fpir` the share of own
photos missed at the cut-off where that share of the searches shows a wrong one. `refused` counts selfies
that the product would have asked to take again: such a person finds nothing. `outsiders_wrong*` is the
share of searches that show somebody where none of the person's own photos is in the event. `after_words` are
the same shares after the person has said "this is me" or "not me" of the first three photos shown as maybe.
"""

import json
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import commands, datasets
from benchmarks.datasets import Dataset, DatasetError
from core import calibrations, cohorts, imaging, matching, selfies
from core.adapters.five_point_engine import LONGEST_SIDE, SHORTER_SIDE
from core.errors import PlatformError
from core.ports import FaceEngine

FPIRS = ("0.01", "0.05", "0.1")
WORDS = 3


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1, but for the counts and what is measured in a unit."""

    engine: str
    people: int
    photos: int
    faces: int  # searchable ones
    refused: int
    found_sure: float
    found: float
    wrong_sure: float
    wrong: float
    wrong_photos_sure: float
    fnir_at_fpir: Mapping[str, float]
    after_words: Mapping[str, float]
    outsiders_wrong_sure: float
    outsiders_wrong: float
    photos_per_second: float  # of one process
    cpu_seconds_per_photo: float  # from the file to the embeddings
    peak_memory_mb: float  # of the whole process


@dataclass(frozen=True)
class Search:
    """One person's search: what was shown, every photo's score, and what is true."""

    found: matching.Matches
    after_words: matching.Matches
    without_own: matching.Matches  # what is shown when the person was not there
    scores: np.ndarray  # (photos,), natural logarithm of odds; -inf without a face
    own: frozenset[int]


def measure(engine: FaceEngine, dataset: Dataset, people: int | None = None) -> Figures:
    """Index all photos of a set and search for each person, or for the first few. Raises DatasetError."""
    photos = len(dataset.photos)
    cpu, wall = time.process_time(), time.perf_counter()
    crowd = index(engine, dataset)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    persons = dataset.people[:people]
    probes = [probe(engine, dataset.folder / person.selfie) for person in persons]
    searches = [
        search(crowd, one, photos, dataset.own(person)) for one, person in zip(probes, persons, strict=True)
    ]
    return Figures(
        engine=engine.identity.engine,
        people=len(persons),
        photos=photos,
        faces=len(crowd.embeddings),
        refused=sum(one is None for one in probes),
        photos_per_second=photos / wall,
        cpu_seconds_per_photo=cpu / photos,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **shares(searches),
    )


def index(engine: FaceEngine, dataset: Dataset) -> cohorts.Crowd:
    """Return the searchable faces of an event, made as the product makes them. Raises DatasetError."""
    rows = [
        (number, face.embedding)
        for number, name in enumerate(dataset.photos)
        for face in engine.find(imaging.load_upright(dataset.folder / name, LONGEST_SIDE, SHORTER_SIDE))
        if face.embedding is not None
    ]
    if not rows:
        raise DatasetError(f"The engine found no face in the photos of {dataset.folder}.")
    numbers, embeddings = zip(*rows, strict=True)
    usual = calibrations.of(engine.identity.engine)
    return cohorts.crowd(np.stack(embeddings), np.array(numbers), usual)


def probe(engine: FaceEngine, selfie: Path) -> np.ndarray | None:
    """Return the embedding of a selfie, (dimension,), or None where the product would refuse it."""
    try:
        return selfies.one_face(engine.find(imaging.load_upright(selfie, LONGEST_SIDE, SHORTER_SIDE)))
    except PlatformError:
        return None


def search(crowd: cohorts.Crowd, probe: np.ndarray | None, photos: int, own: frozenset[int]) -> Search:
    """Search an event's faces for one probe; without a probe nothing is found."""
    scores = np.full(photos, -np.inf)
    nothing = matching.Matches([], [])
    if probe is None:
        return Search(nothing, nothing, nothing, scores, own)
    np.maximum.at(scores, crowd.photos, matching.log_odds(crowd, probe[None]))
    found = matching.find(crowd, probe[None])
    strangers = ~np.isin(crowd.photos, sorted(own))
    event = cohorts.crowd(crowd.embeddings[strangers], crowd.photos[strangers], crowd.calibration)
    return Search(found, spoken(crowd, found, own), matching.find(event, probe[None]), scores, own)


def spoken(crowd: cohorts.Crowd, found: matching.Matches, own: frozenset[int]) -> matching.Matches:
    """Return what is shown after the person's word on the first maybe, three times over."""
    seen, now = [*found.sure, *found.maybe], found
    mine: set[int] = set()
    not_mine: set[int] = set()
    for _ in range(WORDS):
        if now.maybe:
            (mine if now.maybe[0].photo in own else not_mine).add(now.maybe[0].face)
            now = matching.refine(crowd, seen, mine, not_mine)
    return now


def shares(searches: Sequence[Search]) -> dict[str, Any]:
    """Return the shares over all searches, by their names in `Figures`."""
    sure = [_photos(one.found.sure) for one in searches]
    strangers = sum(len(photos - one.own) for photos, one in zip(sure, searches, strict=True))
    return {
        **_shown(searches, [one.found for one in searches]),
        "wrong_photos_sure": strangers / max(1, sum(map(len, sure))),
        "fnir_at_fpir": {fpir: fnir(searches, float(fpir)) for fpir in FPIRS},
        "after_words": _shown(searches, [one.after_words for one in searches]),
        "outsiders_wrong_sure": float(np.mean([bool(one.without_own.sure) for one in searches])),
        "outsiders_wrong": float(np.mean([any(one.without_own) for one in searches])),
    }


def _shown(searches: Sequence[Search], results: Sequence[matching.Matches]) -> dict[str, float]:
    own = [one.own for one in searches]
    sure = [_photos(result.sure) for result in results]
    shown = [_photos([*result.sure, *result.maybe]) for result in results]
    total = sum(map(len, own))
    return {
        "found_sure": sum(len(photos & his) for photos, his in zip(sure, own, strict=True)) / total,
        "found": sum(len(photos & his) for photos, his in zip(shown, own, strict=True)) / total,
        "wrong_sure": float(np.mean([bool(photos - his) for photos, his in zip(sure, own, strict=True)])),
        "wrong": float(np.mean([bool(photos - his) for photos, his in zip(shown, own, strict=True)])),
    }


def _photos(hits: Sequence[matching.Hit]) -> frozenset[int]:
    return frozenset(hit.photo for hit in hits)


def fnir(searches: Sequence[Search], fpir: float) -> float:
    """Return the share of own photos missed where a share `fpir` of the searches shows a wrong photo."""
    wrong = sorted((_best_wrong(one) for one in searches), reverse=True)
    cutoff = wrong[int(fpir * len(searches))]  # only scores above it are shown
    own = [one.scores[photo] for one in searches for photo in one.own]
    return float(np.mean(np.array(own) <= cutoff))


def _best_wrong(one: Search) -> float:
    strangers = np.delete(one.scores, sorted(one.own))
    return float(strangers.max(initial=-np.inf))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line per figure; with --json, all of them as one line at the end."""
    options = commands.parser("faces", __doc__).parse_args(arguments)
    with commands.plainly():
        dataset = datasets.read(options.dataset)
        figures = asdict(measure(commands.engine(options.engine), dataset))
    for name, value in figures.items():
        for label, number in value.items() if isinstance(value, Mapping) else [("", value)]:
            shown = f"{number:>10.3f}" if isinstance(number, float) else f"{number:>10}"
            print(f"{f'{name} {label}'.strip():<24}{shown}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
