"""How well the face engine and the matching find people in one event.

Run `python benchmarks/faces.py --data DIR`, where DIR holds `selfies/`, `photos/` and `truth.json` with,
for each person, a selfie and the photos that show them.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, from anywhere

from core.adapters.onnx_faces import OnnxFaceEngine
from core.matching import Matches, best_per_photo, sort_hits
from core.ports import Embedding, FaceEngine, Pixels

FPIR_PERCENTS = (1, 5, 10)


@dataclass(frozen=True)
class Search:
    """One person's search: what was shown, all scores, and what is true."""

    matches: Matches
    scores: Mapping[UUID, float]
    own: frozenset[UUID]


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1, but for the last two; the names are those of the set's description."""

    found_sure: float
    found: float
    wrong_sure: float
    wrong: float
    wrong_photos_sure: float
    fnir_at_fpir: Mapping[int, float]
    strangers_sure: int  # photos without the person shown as sure, over all searches
    cpu_seconds_per_photo: float


def load(path: Path) -> Pixels:
    """Return (height, width, 3), RGB, upright."""
    return np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)


def measure(engine: FaceEngine, folder: Path, people: int | None = None) -> Figures:
    """Index all photos of a set and search for each person, or for the first few."""
    truth = json.loads((folder / "truth.json").read_text())["people"]
    names = sorted(path.relative_to(folder).as_posix() for path in (folder / "photos").iterdir())
    ids = {name: UUID(int=number) for number, name in enumerate(names)}
    started = time.process_time()
    faces = [(ids[name], face) for name in names for face in engine.find(load(folder / name))]
    seconds = (time.process_time() - started) / len(names)
    indexed = [(photo_id, face.embedding) for photo_id, face in faces if face.embedding is not None]
    searches = []
    for person in list(truth.values())[:people]:
        probe = selfie_embedding(engine, folder / person["selfie"])
        own = frozenset(ids[name] for name in person["photos"])
        searches.append(search(probe, indexed, own))
    return summary(searches, seconds)


def selfie_embedding(engine: FaceEngine, path: Path) -> Embedding | None:
    """Return the largest searchable face of a selfie."""
    return next((face.embedding for face in engine.find(load(path)) if face.embedding is not None), None)


def search(
    probe: Embedding | None, indexed: Sequence[tuple[UUID, Embedding]], own: frozenset[UUID]
) -> Search:
    """Search an event's faces for one probe; without a probe nothing is found."""
    if probe is None:
        return Search(Matches([], []), {}, own)
    photo_ids = [photo_id for photo_id, _ in indexed]
    similarities = np.stack([embedding for _, embedding in indexed]) @ probe
    scores = {hit.photo_id: hit.score for hit in best_per_photo(similarities, photo_ids)}
    return Search(sort_hits(similarities, photo_ids), scores, own)


def summary(searches: Sequence[Search], seconds: float) -> Figures:
    """Return the figures over all searches."""
    sure = [({hit.photo_id for hit in one.matches.sure}, one.own) for one in searches]
    both = [({hit.photo_id for hit in [*one.matches.sure, *one.matches.maybe]}, one.own) for one in searches]
    own_photos = sum(len(one.own) for one in searches)
    strangers = sum(len(shown - own) for shown, own in sure)
    return Figures(
        found_sure=sum(len(shown & own) for shown, own in sure) / own_photos,
        found=sum(len(shown & own) for shown, own in both) / own_photos,
        wrong_sure=float(np.mean([bool(shown - own) for shown, own in sure])),
        wrong=float(np.mean([bool(shown - own) for shown, own in both])),
        wrong_photos_sure=strangers / max(1, sum(len(shown) for shown, _ in sure)),
        fnir_at_fpir={percent: fnir(searches, percent / 100) for percent in FPIR_PERCENTS},
        strangers_sure=strangers,
        cpu_seconds_per_photo=seconds,
    )


def fnir(searches: Sequence[Search], fpir: float) -> float:
    """Return the share of own photos missed where a share `fpir` of the searches shows a wrong photo."""
    wrong = [max((s for i, s in one.scores.items() if i not in one.own), default=-1.0) for one in searches]
    allowed = int(fpir * len(searches))
    cutoff = sorted(wrong, reverse=True)[allowed]  # only scores above it are shown
    own = [one.scores.get(photo_id, -1.0) for one in searches for photo_id in one.own]
    return float(np.mean(np.array(own) <= cutoff))


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    figures = measure(OnnxFaceEngine(), parser.parse_args().data)
    for name, value in vars(figures).items():
        for label, number in value.items() if isinstance(value, Mapping) else [("", value)]:
            print(f"{name + (f' {label} %' if label else ''):<24}{number:>8.3f}")


if __name__ == "__main__":
    main()
