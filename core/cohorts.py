"""How each face of an event scores with strangers, so that a score means the same in any crowd. Pure numbers.

Faces are compared in two views. The *plain* one is the cosine. The *whitened* one first takes away what all
faces of the event have in common and shrinks the directions in which they differ most: people of one
population differ from each other in small things. In each view a score is counted from the median of the
face's scores with strangers, in units of how far those spread (adaptive symmetric normalisation). The cohort
of strangers is a sample of the event's own faces, one of each person. Everything here is made of the event's
embeddings and is forgotten with them.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.calibrations import Calibration

COHORT = 1024  # faces that all others are measured against
STALE = 1.5  # a cohort is chosen anew when the event has grown by that
FRESH = 0.9  # or when less than that share of it is left
USUAL_WEIGHT = 30  # strangers whom the engine's usual figures count for
CHUNK = 1024  # faces measured at once: 4 MB

PLAINLY = 3.0  # natural logarithm of odds with which two faces are one person's before the event is known

WHITENED_SHARE = 0.5  # of a score, in a large event
WHITENED_HALF = 150  # people in the cohort at which half of that is reached: a few tell little of a crowd
SHRINKAGE = 0.8  # of the covariance, in units of its mean eigenvalue; more where people are few for it
NO_LENGTH = 1e-9
WHITENED = Calibration(0.0, 0.2, (0.05, 0.6), 0, 0)  # the usual figures of that view, with any engine

Embeddings = NDArray[np.float32]  # (n, dimension), unit length
Floats = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class View:
    """A way to compare faces: cosines between `x - mean`, with `metric` as the scalar product."""

    mean: Floats  # (dimension,)
    metric: Floats  # (dimension, dimension), symmetric
    usual: Calibration
    weight: float  # share of a normalised score; those of all views add up to 1
    length: Floats  # (n,), of each face
    location: Floats  # (n,), median score with strangers
    spread: Floats  # (n,), from the median to the 97th percentile

    def turned(self, probes: Embeddings) -> tuple[Floats, Floats]:
        """Return what to multiply embeddings with, (k, dimension), and the probes' lengths, (k,)."""
        apart = probes - self.mean
        turned = np.asarray(apart @ self.metric, np.float32)
        length = np.sqrt(np.maximum(np.einsum("ij,ij->i", turned, apart), NO_LENGTH))  # a mean face has none
        return turned, np.asarray(length, np.float32)


@dataclass(frozen=True)
class Crowd:
    """The searchable faces of one event, n of them, and how each scores with strangers."""

    embeddings: Embeddings
    photos: Rows  # (n,), the number of the photo that each face is in
    views: tuple[View, ...]
    cohort: Rows  # the faces that stand for all strangers
    measured: int  # how many faces there were when the cohort was chosen
    calibration: Calibration


def crowd(
    embeddings: Embeddings, photos: Rows, calibration: Calibration, before: Crowd | None = None
) -> Crowd:
    """Return a crowd ready to be searched.

    `before`: the same crowd without its last rows. Then only what is new is measured, against the same
    cohort, until the event has grown by half: n faces cost at most 3 * COHORT * n products in each view.
    """
    count = len(embeddings)
    if before is not None and before.measured >= COHORT and count < STALE * before.measured:
        cohort, measured, views = before.cohort, before.measured, before.views
    else:
        sample = np.unique(np.linspace(0, max(count - 1, 0), min(count, COHORT)).astype(np.intp))
        cohort = sample[_one_each(embeddings[sample], calibration)]
        measured, views = count, _views(embeddings[cohort], calibration)
    before = Crowd(embeddings, photos, views, cohort, measured, calibration)
    return replace(before, views=tuple(_grown(before, view) for view in views))


def of_rows(crowd: Crowd, rows: Rows, embeddings: Embeddings) -> Crowd:
    """Return some faces of a crowd with the figures they have; `embeddings` are theirs, copied."""
    place = np.full(len(crowd.photos), -1, np.intp)
    place[rows] = np.arange(len(rows))
    cohort = place[crowd.cohort]
    left = cohort[cohort >= 0]
    views = tuple(
        replace(view, length=view.length[rows], location=view.location[rows], spread=view.spread[rows])
        for view in crowd.views
    )
    measured = crowd.measured if len(left) >= FRESH * len(cohort) else 0
    return Crowd(embeddings, crowd.photos[rows], views, left, measured, crowd.calibration)


def with_everyone(crowd: Crowd, probe: Floats) -> Floats:
    """Return the normalised scores of one probe, (dimension,), with every face, (n,)."""
    result = np.zeros(len(crowd.embeddings), np.float32)
    for view in crowd.views:
        (turned,), (length,) = view.turned(probe[None])
        # one probe at a time: as a product of two matrices it takes four times as long
        scores = (crowd.embeddings @ turned - turned @ view.mean) / (length * view.length)
        location, spread = _figures(crowd, view, probe[None])
        result += view.weight * _normalised(scores[None], location, spread, view.location, view.spread)[0]
    return result


def between(crowd: Crowd, some: Rows, others: Rows) -> Floats:
    """Return the normalised scores between faces of the crowd, (k, m)."""
    result = np.zeros((len(some), len(others)), np.float32)
    for view in crowd.views:
        scores = _scores(view, crowd.embeddings[some], crowd.embeddings[others], view.length[others])
        figures = (view.location[some], view.spread[some], view.location[others], view.spread[others])
        result += view.weight * _normalised(scores, *figures)
    return result


def among(crowd: Crowd, probes: Embeddings) -> Floats:
    """Return the normalised scores between probes, (k, k)."""
    result = np.zeros((len(probes), len(probes)), np.float32)
    for view in crowd.views:
        location, spread = _figures(crowd, view, probes)
        scores = _scores(view, probes, probes, view.turned(probes)[1])
        result += view.weight * _normalised(scores, location, spread, location, spread)
    return result


def _normalised(
    scores: Floats, location: Floats, spread: Floats, locations: Floats, spreads: Floats
) -> Floats:
    """Return the mean of both sides' views of scores (k, m), from their figures (k,) and (m,)."""
    mine = (scores - location[:, None]) / spread[:, None]
    return np.asarray((mine + (scores - locations) / spreads) / 2, np.float32)


def _scores(view: View, some: Embeddings, others: Embeddings, length: Floats) -> Floats:
    """Return cosines in a view, (k, m); `length` is that of the others, (m,)."""
    turned, mine = view.turned(some)
    products = turned @ others.T - (turned @ view.mean)[:, None]
    return np.asarray(products / (mine[:, None] * length), np.float32)


def _figures(crowd: Crowd, view: View, probes: Embeddings) -> tuple[Floats, Floats]:
    """Return location and spread of probes, (k,) each, among the cohort."""
    cohort = crowd.embeddings[crowd.cohort]
    scores = _scores(view, probes, cohort, view.length[crowd.cohort])
    return _usual_between(scores, ~_same_person(probes, cohort, crowd.calibration), view.usual)


# --- measuring -----------------------------------------------------------------------------


def _one_each(embeddings: Embeddings, usual: Calibration) -> Rows:
    """Return one face of each person: one in every third photo would else be what is usual."""
    is_same = _same_person(embeddings, embeddings, usual)
    chosen: list[int] = []
    for row in range(len(embeddings)):
        if not is_same[row, chosen].any():
            chosen.append(row)
    return np.array(chosen, np.intp)


def _same_person(some: Embeddings, others: Embeddings, usual: Calibration) -> NDArray[np.bool_]:
    """Tell who is rather one person than two, (k, m), by the engine's usual figures and not the event's."""
    scores = (some @ others.T - usual.location) / usual.spread
    return np.asarray(usual.slope * (scores - usual.neutral) > np.log(max(len(others), 2)) + PLAINLY)


def _views(cohort: Embeddings, usual: Calibration) -> tuple[View, ...]:
    """Return the views of a cohort, in which no face is measured yet."""
    people, dimension = cohort.shape
    none = np.empty(0, np.float32)
    nothing, as_is = np.zeros(dimension, np.float32), np.eye(dimension, dtype=np.float32)
    plain = View(nothing, as_is, usual, 1.0, none, none, none)
    if people < 2:
        return (plain,)
    covariance = np.cov(cohort.T, bias=True)
    usual_variance = np.trace(covariance) / dimension
    shrinkage = SHRINKAGE * (1 + dimension / people)
    metric = np.linalg.inv(covariance / usual_variance + shrinkage * as_is).astype(np.float32)
    weight = WHITENED_SHARE * people / (people + WHITENED_HALF)
    whitened = View(cohort.mean(axis=0), metric, WHITENED, weight, none, none, none)
    return replace(plain, weight=1 - weight), whitened


def _grown(crowd: Crowd, view: View) -> View:
    """Return the view with every face measured among strangers: in other photos, and other people."""
    lengths, locations, spreads = [view.length], [view.location], [view.spread]
    cohort, photos = crowd.embeddings[crowd.cohort], crowd.photos[crowd.cohort]
    length = view.turned(cohort)[1]
    for start in range(len(view.length), len(crowd.embeddings), CHUNK):
        rows = slice(start, start + CHUNK)
        faces = crowd.embeddings[rows]
        is_stranger = crowd.photos[rows, None] != photos
        is_stranger &= ~_same_person(faces, cohort, crowd.calibration)
        location, spread = _usual_between(_scores(view, faces, cohort, length), is_stranger, view.usual)
        lengths.append(view.turned(faces)[1])
        locations.append(location)
        spreads.append(spread)
    length, location, spread = map(np.concatenate, (lengths, locations, spreads))
    return replace(view, length=length, location=location, spread=spread)


def _usual_between(
    scores: Floats, is_stranger: NDArray[np.bool_], usual: Calibration
) -> tuple[Floats, Floats]:
    """Return location and spread, (m,) each, of the strangers' scores in each row, (m, size of the cohort).

    Where strangers are few, the engine's usual figures fill them up.
    """
    if not scores.shape[1]:
        count = len(scores)
        return np.full(count, usual.location, np.float32), np.full(count, usual.spread, np.float32)
    counts = is_stranger.sum(axis=1)
    scores[~is_stranger] = -2  # below any cosine: sorted away
    scores.sort(axis=1)

    def above(share: float) -> Floats:
        rank = scores.shape[1] - 1 - (share * counts).astype(np.intp)
        return np.take_along_axis(scores, np.maximum(rank, 0)[:, None], axis=1)[:, 0]

    weight = counts / (counts + USUAL_WEIGHT)
    middle = above(0.5)
    location = weight * middle + (1 - weight) * usual.location
    spread = np.clip(weight * (above(0.03) - middle) + (1 - weight) * usual.spread, *usual.spread_range)
    return location.astype(np.float32), spread.astype(np.float32)
