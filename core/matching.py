"""Certainty: how likely each face of an event is the person who is looked for. Pure numbers.

A cosine means something else in every crowd. Five steps turn it into a chance that means the same everywhere:

1. *Normalise.* Scores are counted in what is usual between strangers in this event (`core.cohorts`).
2. *Weigh.* `Calibration` says how much likelier such a score is for one person than for two.
3. *Doubt.* Before anything was seen, about two of an event's faces are the person's.
4. *Compare.* A face that is as likely speaks against another one, unless the two look like one person:
   nobody is two people, and two faces in one photo are never one person.
5. *Gather.* Faces that are certain by now join the selfie, and the event is searched with all of them.
"""

from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np

from core import cohorts
from core.cohorts import Crowd, Embeddings, Floats, Rows

# Chosen on 2026-11-20 on the evaluation sets with `python -m benchmarks.faces`; README, "Measured".
SURE = 0.8
MAYBE = 0.1

EXPECTED = 2.0  # faces of a person in an event
SMALLEST_CROWD = 500  # a small event is not trusted more: those who are not in it search too
RIVALS = 16  # best faces that are compared with each other face
# Two faces that both look like the person look like each other too: so much less their likeness counts.
SHARED_LIKENESS = 4.0  # natural logarithm of odds
SUPPORT = 0.5  # share of a friend's evidence that is added, where a rival's counts in full
CERTAIN = 0.95  # faces at least that likely join the selfie
LARGEST_GROUP = 8  # of them, one in a photo
STRONGEST = 8.0  # evidence of one face for another, natural logarithm of odds
STRONGEST_EVER = 25.0  # evidence of the best score, so that a chance stays below one
NEVER = -30.0  # evidence against two faces of one photo


class Hit(NamedTuple):
    """One photo, by the face in it that matched best."""

    photo: int  # as in `Crowd.photos`
    face: int  # row in the crowd
    certainty: float  # 0..1, the chance that it is the person


class Matches(NamedTuple):
    """Photos best first; none is in both."""

    sure: list[Hit]
    maybe: list[Hit]


# --- the search ----------------------------------------------------------------------------


def find(crowd: Crowd, probes: Embeddings) -> Matches:
    """Return the photos to show for one person; `probes`: (k, dimension), one row for each selfie."""
    return _sorted(crowd, log_odds(crowd, probes))


def is_one_person(crowd: Crowd, probes: Embeddings) -> bool:
    """Tell whether several selfies, (k, dimension), may be of one person."""
    one, other = np.triu_indices(len(probes), 1)
    return bool((cohorts.among(crowd, probes)[one, other] >= crowd.calibration.neutral).all())


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
    return _evidence(crowd, cohorts.with_everyone(crowd, probe)) + _doubt(crowd)


def _group(crowd: Crowd, odds: Floats) -> Rows:
    """Return the faces that are certainly the person's, the best of each photo."""
    certain = np.flatnonzero(odds >= _log_odds(CERTAIN))
    best = certain[np.argsort(-odds[certain], kind="stable")]
    first = np.unique(crowd.photos[best], return_index=True)[1]
    return best[np.sort(first)][:LARGEST_GROUP]


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
    return _evidence(crowd, cohorts.between(crowd, some, others))


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
