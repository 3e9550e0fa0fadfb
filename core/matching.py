"""Certainty: which photos to show as surely of the person, and which as perhaps. Pure numbers."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

# Cosines of the bundled engine (chip plus mirror image). Chosen on 2026-11-20 on a 2-core Debian 12 machine
# with `python benchmarks/faces.py --data SET`; share of own photos found, share of searches with a wrong one:
#
#   cut-off   demo (12 guests)   album (70 people)   portraits of one population (212)
#   0.920     1.00 / 0.00        0.97 / 0.64         0.99 / 0.99
#   0.935     1.00 / 0.00        0.89 / 0.20         0.98 / 0.94      MAYBE
#   0.950     1.00 / 0.00        0.60 / 0.00         0.85 / 0.66
#   0.960     0.96 / 0.00        0.34 / 0.00         0.67 / 0.18
#   0.965     0.93 / 0.00        0.22 / 0.00         0.52 / 0.03      SURE
#   0.970     0.88 / 0.00        0.14 / 0.00         0.37 / 0.00
#
# No fixed cut-off suits every event. SURE is where a wrong photo is rare even among people who look alike;
# far below MAYBE most searches of an album show a stranger's photo.
SURE = 0.965
MAYBE = 0.935


class Hit(NamedTuple):
    """One photo and the cosine similarity of its best face."""

    photo_id: UUID
    score: float


class Matches(NamedTuple):
    """Photos best first; none is in both."""

    sure: list[Hit]
    maybe: list[Hit]


def sort_hits(similarities: NDArray[np.float32], photo_ids: Sequence[UUID]) -> Matches:
    """Return the photos to show for one probe.

    `similarities`: (n,), cosine of the probe with every face of the event; `photo_ids`: each face's photo.
    """
    near = np.flatnonzero(similarities >= MAYBE)
    hits = best_per_photo(similarities[near], [photo_ids[index] for index in near.tolist()])
    return Matches([hit for hit in hits if hit.score >= SURE], [hit for hit in hits if hit.score < SURE])


def best_per_photo(similarities: NDArray[np.float32], photo_ids: Sequence[UUID]) -> list[Hit]:
    """Return every photo once, with its best face's similarity, best first."""
    best: dict[UUID, float] = {}
    for index in np.argsort(-similarities, kind="stable").tolist():
        best.setdefault(photo_ids[index], float(similarities[index]))
    return [Hit(photo_id, score) for photo_id, score in best.items()]
