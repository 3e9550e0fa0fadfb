"""Certainty: which photos to show as surely of the person, and which as perhaps. Pure numbers."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SURE = 0.965
MAYBE = 0.935

Embeddings = NDArray[np.float32]  # (n, dimension), unit length


@dataclass(frozen=True)
class Crowd:
    """The searchable faces of one event, n of them."""

    embeddings: Embeddings  # (n, dimension)
    photos: NDArray[np.intp]  # (n,), the number of the photo that each face is in


class Hit(NamedTuple):
    """One photo, by the face in it that matched best."""

    photo: int  # as in `Crowd.photos`
    face: int  # row in the crowd
    certainty: float  # 0..1, the chance that it is the person


class Matches(NamedTuple):
    """Photos best first; none is in both."""

    sure: list[Hit]
    maybe: list[Hit]


def find(crowd: Crowd, probes: Embeddings) -> Matches:
    """Return the photos to show for one person; `probes`: (k, dimension), one row for each selfie."""
    scores = (crowd.embeddings @ probes.T).max(axis=1)
    return _sorted(crowd, scores)


def refine(
    crowd: Crowd,
    seen: Sequence[Hit],
    mine: Set[int],
    not_mine: Set[int],
) -> Matches:
    """Return the photos to show after the person's own words on some of the faces (rows in the crowd)."""
    known = sorted(mine | {hit.face for hit in seen if hit.certainty >= SURE} - not_mine)
    scores = (crowd.embeddings @ crowd.embeddings[known].T).max(axis=1, initial=-1)
    for hit in seen:
        scores[hit.face] = max(scores[hit.face], hit.certainty)
    scores[sorted(mine)] = 1
    scores[sorted(not_mine)] = -1
    return _sorted(crowd, scores)


def _sorted(crowd: Crowd, scores: NDArray[np.float32]) -> Matches:
    best: dict[int, Hit] = {}
    for face in np.argsort(-scores, kind="stable").tolist():
        if scores[face] < MAYBE:
            break
        photo = int(crowd.photos[face])
        best.setdefault(photo, Hit(photo, face, float(scores[face])))
    hits = list(best.values())
    return Matches(
        [hit for hit in hits if hit.certainty >= SURE], [hit for hit in hits if hit.certainty < SURE]
    )
