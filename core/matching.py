"""Certainty: how likely each face of an event is the person who is looked for. Pure numbers.

A cosine means something else in every crowd. Four steps turn it into a chance that means the same everywhere:

1. *Normalise.* A score is counted from the median of the face's scores with strangers, in units of how far
   those spread (adaptive symmetric normalisation, the cohort being the event's own faces).
2. *Weigh.* `Calibration` says how much likelier such a score is for one person than for two.
3. *Doubt.* Before anything was seen, about two of an event's faces are the person's.
4. *Compare.* A face that is as likely speaks against another one, unless the two look like one person:
   nobody is two people, and two faces in one photo are never one person.
5. *Gather.* Faces that are certain by now join the selfie, and the event is searched with all of them.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.calibrations import Calibration

# Chosen on 2026-11-20 on the evaluation sets with `python -m benchmarks.faces`; README, "Measured".
SURE = 0.8
MAYBE = 0.1

EXPECTED = 2.0  # faces of a person in an event
SMALLEST_CROWD = 500  # a small event is not trusted more: those who are not in it search too
RIVALS = 16  # best faces that are compared with each other face
# Two faces that both look like the person look like each other too: so much less their likeness counts.
SHARED_LIKENESS = 3.0  # natural logarithm of odds
SUPPORT = 0.5  # share of a friend's evidence that is added, where a rival's counts in full
CERTAIN = 0.95  # faces at least that likely join the selfie
LARGEST_GROUP = 8  # of them, one in a photo
STRONGEST = 8.0  # evidence of one face for another, natural logarithm of odds
STRONGEST_EVER = 25.0  # evidence of the best score, so that a chance stays below one
NEVER = -30.0  # evidence against two faces of one photo

COHORT = 1024  # faces that all others are measured against
STALE = 1.5  # a cohort is chosen anew when the event has grown by that
FURTHEST = 5.0  # times the upper fifth's distance from the middle: beyond are no strangers
LOPSIDED = 1.3  # times the lower fifth's distance, which the upper one's is at most
PRIOR_WEIGHT = 30  # strangers whom the engine's usual figures count for
CHUNK = 1024  # faces measured at once: 4 MB

Embeddings = NDArray[np.float32]  # (n, dimension), unit length
Floats = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Crowd:
    """The searchable faces of one event, n of them, and how each scores with strangers."""

    embeddings: Embeddings
    photos: Rows  # (n,), the number of the photo that each face is in
    location: Floats  # (n,), median cosine with strangers
    spread: Floats  # (n,), from the median to the 97th percentile
    cohort: Rows  # the faces that stood for all strangers when it was measured
    measured: int  # how many faces there were when the cohort was chosen
    calibration: Calibration


class Hit(NamedTuple):
    """One photo, by the face in it that matched best."""

    photo: int  # as in `Crowd.photos`
    face: int  # row in the crowd
    certainty: float  # 0..1, the chance that it is the person


class Matches(NamedTuple):
    """Photos best first; none is in both."""

    sure: list[Hit]
    maybe: list[Hit]


# --- the crowd -----------------------------------------------------------------------------


def crowd(
    embeddings: Embeddings, photos: Rows, calibration: Calibration, before: Crowd | None = None
) -> Crowd:
    """Return a crowd ready to be searched.

    `before`: the same crowd without its last rows. Then only what is new is measured, against the same
    cohort, until the event has grown by half: n faces cost at most 3 * COHORT * n products in all.
    """
    count = len(embeddings)
    if before is not None and before.measured >= COHORT and count < STALE * before.measured:
        cohort, measured, known = before.cohort, before.measured, len(before.embeddings)
        location, spread = before.location, before.spread
    else:
        cohort = np.unique(np.linspace(0, max(count - 1, 0), min(count, COHORT)).astype(np.intp))
        measured, known = count, 0
        location = spread = np.empty(0, np.float32)
    new = _measure(embeddings, photos, cohort, slice(known, count), calibration)
    columns = np.concatenate([location, new[0]]), np.concatenate([spread, new[1]])
    return Crowd(embeddings, photos, *columns, cohort, measured, calibration)


def _measure(
    embeddings: Embeddings, photos: Rows, cohort: Rows, part: slice, calibration: Calibration
) -> tuple[Floats, Floats]:
    """Return location and spread of some rows among the cohort; faces of the same photo are left out."""
    columns = [(np.empty(0, np.float32), np.empty(0, np.float32))]
    strangers, theirs = embeddings[cohort].T, photos[cohort]
    for start in range(part.start, part.stop, CHUNK):
        rows = slice(start, min(start + CHUNK, part.stop))
        scores = embeddings[rows] @ strangers
        same = photos[rows, None] == theirs
        scores[same] = -2  # below any cosine: sorted away
        columns.append(_strangers(scores, len(cohort) - same.sum(axis=1), calibration))
    location, spread = zip(*columns, strict=True)
    return np.concatenate(location), np.concatenate(spread)


def _strangers(scores: Floats, counts: Rows, usual: Calibration) -> tuple[Floats, Floats]:
    """Return location and spread of the highest `counts` scores of each row, (m, size of the cohort).

    The person's own photos are among the strangers. What lies too far above the middle to be a stranger's
    is left out, the middle and its width being told by the lower half too, where no own photo is. A small
    event is filled up with the engine's usual figures.
    """
    scores.sort(axis=1)
    if not scores.shape[1]:
        scores, counts = np.zeros((len(scores), 1), np.float32), np.zeros(len(scores), np.intp)
    last = scores.shape[1] - 1

    def above(share: float, own: Rows | int = 0) -> Floats:
        rank = np.minimum((own + share * (counts - own)).astype(np.intp), last)
        return np.take_along_axis(scores, (last - rank)[:, None], axis=1)[:, 0]

    middle = above(0.5)
    width = np.minimum(above(0.2) - middle, LOPSIDED * (middle - above(0.8)))
    own = (scores > (middle + FURTHEST * width)[:, None]).sum(axis=1)
    middle = above(0.5, own)
    tail = above(0.03, own) - middle
    weight = counts / (counts + PRIOR_WEIGHT)
    location = weight * middle + (1 - weight) * usual.location
    spread = np.clip(weight * tail + (1 - weight) * usual.spread, *usual.spread_range)
    return location.astype(np.float32), spread.astype(np.float32)


# --- the search ----------------------------------------------------------------------------


def find(crowd: Crowd, probes: Embeddings) -> Matches:
    """Return the photos to show for one person; `probes`: (k, dimension), one row for each selfie."""
    return _sorted(crowd, log_odds(crowd, probes))


def is_one_person(crowd: Crowd, probes: Embeddings) -> bool:
    """Tell whether several selfies, (k, dimension), may be of one person."""
    location, spread = _probe_figures(crowd, probes)
    scores = _normalised(probes @ probes.T, location[:, None], spread[:, None], location, spread)
    return bool((scores >= crowd.calibration.neutral).all())


def log_odds(crowd: Crowd, probes: Embeddings) -> Floats:
    """Return for every face, (n,), the natural logarithm of the odds that it is the person's."""
    if not len(crowd.embeddings):
        return np.empty(0, np.float32)
    alone = _alone(crowd, probes)
    compared = _compared(crowd, alone)
    group = _group(crowd, compared)
    if not len(group):
        return compared
    gathered = _alone(crowd, np.concatenate([probes, crowd.embeddings[group]]))
    theirs = np.isin(crowd.photos, crowd.photos[group])
    gathered[theirs] = alone[theirs]  # nobody speaks for themselves, nor for others in the same photo
    return _compared(crowd, gathered)


def _alone(crowd: Crowd, probes: Embeddings) -> Floats:
    """Return each face's odds as if it were the only one, (n,).

    The probe is the mean of all. Weighing them by size and sharpness did not change what was found.
    """
    probe = probes.sum(axis=0)
    probe /= np.linalg.norm(probe)
    location, spread = _probe_figures(crowd, probe[None])
    scores = _normalised(crowd.embeddings @ probe, location, spread, crowd.location, crowd.spread)
    return _evidence(crowd, scores) + _doubt(crowd)


def _group(crowd: Crowd, odds: Floats) -> Rows:
    """Return the faces that are certainly the person's, the best of each photo."""
    certain = np.flatnonzero(odds >= _log_odds(CERTAIN))
    best = certain[np.argsort(-odds[certain], kind="stable")]
    first = np.unique(crowd.photos[best], return_index=True)[1]
    return best[np.sort(first)][:LARGEST_GROUP]


def _probe_figures(crowd: Crowd, probes: Embeddings) -> tuple[Floats, Floats]:
    scores = probes @ crowd.embeddings[crowd.cohort].T
    return _strangers(scores, np.full(len(probes), len(crowd.cohort)), crowd.calibration)


def _normalised(
    scores: Floats, location: Floats, spread: Floats, locations: Floats, spreads: Floats
) -> Floats:
    """Return the mean of both sides' views of a score."""
    both = (scores - location) / spread + (scores - locations) / spreads
    return np.asarray(both / 2, np.float32)


def _evidence(crowd: Crowd, normalised: Floats) -> Floats:
    """Return the natural logarithm of how much likelier a score is for one person than for two."""
    usual = crowd.calibration
    return np.asarray(np.minimum(usual.slope * (normalised - usual.neutral), STRONGEST_EVER), np.float32)


def _doubt(crowd: Crowd) -> np.float32:
    """Return the odds before anything was seen, as a natural logarithm."""
    return np.float32(np.log(EXPECTED / max(len(crowd.embeddings), SMALLEST_CROWD)))


def _compared(crowd: Crowd, odds: Floats) -> Floats:
    """Return the odds after the likeliest faces have spoken for and against each other.

    Of two faces with evidence a and b for the person and c for being one person, the first has the odds
    a (1 + b c) / (1 + b): nearly a for friends, nearly a / b for rivals. The worst rival counts, and the
    best friend in part.
    """
    # below, no friend lifts a face into sight
    candidates = np.flatnonzero(odds > _log_odds(MAYBE) - STRONGEST)
    if not len(candidates):
        return odds
    rivals = candidates[np.argsort(-odds[candidates], kind="stable")[:RIVALS]]
    alike = np.minimum(_likeness(crowd, rivals, candidates) + _doubt(crowd) - SHARED_LIKENESS, STRONGEST)
    alike[crowd.photos[rivals][:, None] == crowd.photos[candidates]] = NEVER
    theirs = odds[rivals][:, None]
    word = np.logaddexp(0, theirs + alike) - np.logaddexp(0, theirs)
    word[rivals[:, None] == candidates] = 0
    result = odds.copy()
    result[candidates] += np.minimum(word, 0).min(axis=0) + SUPPORT * np.maximum(word, 0).max(axis=0)
    return result


def _likeness(crowd: Crowd, some: Rows, others: Rows) -> Floats:
    """Return the evidence that each of some faces, (k,), and of others, (m,), are one person: (k, m)."""
    scores = crowd.embeddings[some] @ crowd.embeddings[others].T
    sides = [(crowd.location[rows], crowd.spread[rows]) for rows in (some, others)]
    (location, spread), right = sides
    return _evidence(crowd, _normalised(scores, location[:, None], spread[:, None], *right))


def _log_odds(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


def _sorted(crowd: Crowd, odds: Floats) -> Matches:
    best: dict[int, Hit] = {}
    shown = np.flatnonzero(odds >= _log_odds(MAYBE))
    for face in shown[np.argsort(-odds[shown], kind="stable")].tolist():
        photo = int(crowd.photos[face])
        best.setdefault(photo, Hit(photo, face, float(1 / (1 + np.exp(-np.float64(odds[face]))))))
    hits = list(best.values())
    sure = [hit for hit in hits if hit.certainty >= SURE]
    return Matches(sure, hits[len(sure) :])


# --- the person's own words ----------------------------------------------------------------


def refine(crowd: Crowd, seen: Sequence[Hit], mine: Set[int], not_mine: Set[int]) -> Matches:
    """Return the photos to show after the person's own words on some of the faces (rows in the crowd).

    The selfie is gone: what it said is in `seen`, the hits that `find` returned. Faces that are theirs
    are searched with like selfies; a face that is not speaks against all that look like it.
    """
    odds = np.full(len(crowd.embeddings), -np.inf, np.float32)
    for hit in seen:
        odds[hit.face] = _log_odds(min(hit.certainty, 1 - 1e-12))
    if mine:
        odds = np.maximum(odds, log_odds(crowd, crowd.embeddings[sorted(mine)]))
    if not_mine:
        everyone = np.arange(len(odds))
        others = (_likeness(crowd, np.array(sorted(not_mine)), everyone) + _doubt(crowd)).max(axis=0)
        odds = odds - np.logaddexp(0, others)
    photos_of_mine = crowd.photos[sorted(mine)]
    odds[np.isin(crowd.photos, photos_of_mine)] = -np.inf  # the others in those photos are other people
    odds[sorted(mine)] = STRONGEST_EVER
    odds[sorted(not_mine)] = -np.inf
    return _sorted(crowd, odds.astype(np.float32))
