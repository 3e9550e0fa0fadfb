"""How fast one event is searched, and whether everything is found: Encore beside what one would reach for.

`python -m benchmarks.search --faces N [--json]`. The faces are made: ten of each person, four persons in a
photo, in no order. Each search is for one person, with a face that is not in the event. The truth is the ten
faces of that person, which in every event are also the ten nearest by cosine (this is checked).

Encore says by itself whom it shows, as `sure` or `maybe`, and pays for its certainty; the others are told to
return the ten nearest and return bare numbers. Recall is the share of the ten that comes back, precision the
share of what comes back that is of the ten. Encore's faces
are in memory as after an event's first search; Chroma is asked over HTTP as its own process, with its default
settings. One processor each (`--threads`), but for Chroma's server, which takes what it likes.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import chromadb
import faiss
import numpy as np
from chromadb.config import Settings
from numpy.typing import NDArray

from core import calibrations, cohorts, matching, processes
from core.children import Children

ENGINE = "light"  # whose figures the made faces have
DIMENSION = 128
FACES_PER_PERSON = 10
PEOPLE_PER_PHOTO = 4
LIKENESS = 0.65  # of two faces of one person, on average; of two persons it is 0, give or take 0.09
SEARCHES = 300
MOST_SEARCHES_OF_MANY = 100  # in an event of more than 100,000 faces
WARM_UP = 20
MOST_IN_CHROMA = 100_000  # more take Chroma an hour to add
BATCH = 5_000
FEWEST = FACES_PER_PERSON * PEOPLE_PER_PHOTO  # with fewer no photo has its people
MOST = 1_000_000

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Search = Callable[[Floats], Set[int]]  # from a probe, (dimension,), to rows


@dataclass(frozen=True)
class Crowd:
    """One made event and the searches in it."""

    embeddings: Floats  # (n, DIMENSION), unit length
    photos: Rows  # (n,)
    probes: Floats  # (m, DIMENSION), unit length
    truth: list[Set[int]]  # for each probe, the rows of its person


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    faces: int
    engine: str
    p50_ms: float
    p99_ms: float
    recall: float
    precision: float


def make(faces: int, searches: int, seed: int = 7) -> Crowd:
    """Return an event of this many faces, or a few less."""
    random = np.random.default_rng(seed)
    people = faces // FACES_PER_PERSON // PEOPLE_PER_PHOTO * PEOPLE_PER_PHOTO  # nobody is twice in a photo
    faces = people * FACES_PER_PERSON
    centres = _unit(random.standard_normal((people, DIMENSION), np.float32))
    person = np.concatenate([random.permutation(people) for _ in range(FACES_PER_PERSON)])
    embeddings = _around(centres[person], random)
    wanted = random.choice(people, min(searches, people), replace=False)
    order = np.argsort(person, kind="stable").reshape(people, FACES_PER_PERSON)
    return Crowd(
        embeddings,
        np.arange(faces) // PEOPLE_PER_PHOTO,
        _around(centres[wanted], random),
        [frozenset(order[one].tolist()) for one in wanted],
    )


def _around(centres: Floats, random: np.random.Generator) -> Floats:
    # Two faces that are each at cosine c to their centre are at c * c to one another.
    noise = _unit(random.standard_normal(centres.shape, np.float32))
    return _unit(np.float32(LIKENESS**0.5) * centres + np.float32((1 - LIKENESS) ** 0.5) * noise)


def _unit(rows: Floats) -> Floats:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


# --- the engines ---------------------------------------------------------------------------


@contextmanager
def encore(crowd: Crowd) -> Iterator[Search]:
    """What a search does once the selfie has become an embedding, and before rows are shown as photos."""
    ready = cohorts.crowd(crowd.embeddings, crowd.photos, calibrations.of(ENGINE))

    def search(probe: Floats) -> Set[int]:
        matches = matching.find(ready, probe[None])
        return {hit.face for hit in (*matches.sure, *matches.maybe)}

    yield search


@contextmanager
def numpy(crowd: Crowd) -> Iterator[Search]:
    """A product of a matrix and a vector, and the largest of the result."""

    def search(probe: Floats) -> Set[int]:
        scores = crowd.embeddings @ probe
        return set(np.argpartition(-scores, FACES_PER_PERSON)[:FACES_PER_PERSON].tolist())

    yield search


@contextmanager
def faiss_flat(crowd: Crowd) -> Iterator[Search]:
    """FAISS without approximation."""
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(crowd.embeddings)
    yield lambda probe: set(index.search(probe[None], FACES_PER_PERSON)[1][0].tolist())


@contextmanager
def chroma(crowd: Crowd) -> Iterator[Search]:
    """A Chroma server with the settings that a collection has when nothing is said."""
    with tempfile.TemporaryDirectory() as name:
        program = processes.chroma(Path(name))
        with Children(Path(name), [program]):
            client = chromadb.HttpClient(
                *processes.chroma_address(Path(name)), settings=Settings(anonymized_telemetry=False)
            )
            collection = client.create_collection("faces", embedding_function=None)
            for start in range(0, len(crowd.embeddings), BATCH):
                part = crowd.embeddings[start : start + BATCH]
                collection.add([str(UUID(int=start + row)) for row in range(len(part))], embeddings=part)

            def search(probe: Floats) -> Set[int]:
                answer = collection.query(query_embeddings=[probe], n_results=FACES_PER_PERSON, include=[])
                return {UUID(name).int for name in answer["ids"][0]}

            yield search
            client.close()


ENGINES = {"encore": encore, "numpy": numpy, "faiss IndexFlatIP": faiss_flat, "chroma default": chroma}


# --- the measuring -------------------------------------------------------------------------


def measure(crowd: Crowd, engine: str) -> Row:
    """Search for everyone with one engine, one after the other, as a site's visitors do."""
    with ENGINES[engine](crowd) as search:
        for probe in crowd.probes[:WARM_UP]:
            search(probe)
        seconds, recalls, precisions = [], [], []
        for probe, truth in zip(crowd.probes, crowd.truth, strict=True):
            started = time.perf_counter()
            found = search(probe)
            seconds.append(time.perf_counter() - started)
            recalls.append(len(found & truth) / len(truth))
            precisions.append(len(found & truth) / max(1, len(found)))
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    shares = (round(float(np.mean(values)), 4) for values in (recalls, precisions))
    return Row(len(crowd.embeddings), engine, round(p50, 2), round(p99, 2), *shares)


def check_truth(crowd: Crowd) -> None:
    """Raise when a person's ten faces are not the ten nearest of a probe: the made event would be unfair."""
    with numpy(crowd) as exact:
        unfair = [row for row, probe in enumerate(crowd.probes) if exact(probe) != crowd.truth[row]]
    if unfair:
        raise ValueError(f"{len(unfair)} probes are nearer to a stranger than to themselves")


def table(faces: int, engines: list[str]) -> list[Row]:
    """Measure and print each engine on one event."""
    crowd = make(faces, SEARCHES if faces <= 100_000 else MOST_SEARCHES_OF_MANY)
    check_truth(crowd)
    print(f"{'faces':>9}  {'engine':<18}{'p50 ms':>9}{'p99 ms':>9}{'recall':>9}{'precision':>11}", flush=True)
    rows = []
    for engine in engines:
        if engine.startswith("chroma") and faces > MOST_IN_CHROMA:
            print(f"{faces:>9,}  {engine:<18}not measured above {MOST_IN_CHROMA:,} faces", flush=True)
            continue
        rows.append(measure(crowd, engine))
        print(
            "{faces:>9,}  {engine:<18}{p50_ms:>9.2f}{p99_ms:>9.2f}{recall:>9.4f}{precision:>11.4f}".format(
                **asdict(rows[-1])
            )
        )
    return rows


def hold_threads(threads: int) -> None:
    """Start anew with this many threads: numpy asks only when it is imported."""
    if os.environ.get("OMP_NUM_THREADS") != str(threads):
        os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.search", *sys.argv[1:]])  # noqa: S606
    faiss.omp_set_num_threads(threads)


def main() -> None:
    """Print a table and, with --json, one JSON line last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faces", type=int, default=100_000, help=f"in the event, {FEWEST} to {MOST:,}")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--threads", type=int, default=1, help="of OpenBLAS and FAISS; the site has 1")
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    arguments = parser.parse_args()
    if not FEWEST <= arguments.faces <= MOST:
        parser.error(
            f"--faces: {FEWEST} to {MOST}, for {PEOPLE_PER_PHOTO} people are in a photo, each in ten"
        )
    if arguments.threads < 1:
        parser.error("--threads: 1 or more")
    hold_threads(arguments.threads)
    rows = table(arguments.faces, arguments.engines)
    if arguments.json:
        print(json.dumps({"threads": arguments.threads, "rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()
