"""What an engine's scores are worth: a few figures for each, chosen on people of two kinds. Pure facts.

Chosen on 2026-11-20 on a 2-core Debian 12 machine, on 212 portraits of one population among 387 strangers
and on 70 people in 160 group photos, with the normalised scores of `core.cohorts`. Natural logarithm of how
much likelier a score is for one person than for two, in each set:

             bundled                           light
    score    portraits  group photos           portraits  group photos
    1.125       0.4         0.4                  -0.7        -1.1
    1.375       3.2         2.7                  -0.2         0.6
    1.625       5.3         5.1                   1.9         2.3
    1.875       7.2         8.9                   4.7         4.2
    2.125                                         7.2         7.1

The two sets agree: after the normalisation a score means the same in both crowds.
"""

from typing import NamedTuple


class Calibration(NamedTuple):
    """Figures of one engine. Cosines but for the last two."""

    location: float  # median of a face's cosines with strangers, where the event is too small to say
    spread: float  # from there to the 97th percentile, the same
    spread_range: tuple[float, float]  # what it can be in any crowd
    neutral: float  # the normalised score that is as likely for one person as for two
    slope: float  # natural logarithm of odds per unit of normalised score


CALIBRATIONS = {
    "bundled": Calibration(0.895, 0.036, (0.028, 0.085), 1.07, 9.0),
    "light": Calibration(0.08, 0.215, (0.15, 0.28), 1.37, 9.0),
}
# Of an engine that nobody measured: strangers' scores as wide as they come, and the weaker evidence.
UNMEASURED = Calibration(0.1, 0.25, (0.08, 0.4), 1.37, 9.0)


def of(engine: str) -> Calibration:
    """Return the figures of an engine by its name."""
    return CALIBRATIONS.get(engine, UNMEASURED)
