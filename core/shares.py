"""Parts of an amount, to the last minor unit. Pure: integers in, integers out, and nothing is lost.

A percentage is rounded half up, once. A sum is shared out by largest remainder: each part is within one
unit of its exact value, and the parts add up to the sum.
"""

from collections.abc import Sequence

PERCENT = 100
BASIS_POINTS = 10_000


def part_of(amount: int, numerator: int, denominator: int) -> int:
    """Return `amount × numerator / denominator`, rounded half up (away from zero below it)."""
    if amount < 0:
        return -part_of(-amount, numerator, denominator)
    return (2 * amount * numerator + denominator) // (2 * denominator)


def percent_of(amount: int, percent: int) -> int:
    """Return so many percent of an amount, rounded half up."""
    return part_of(amount, percent, PERCENT)


def tax_within(amount: int, basis_points: int) -> int:
    """Return the tax that an amount includes, rounded half up."""
    return part_of(amount, basis_points, BASIS_POINTS + basis_points)


def tax_on(amount: int, basis_points: int) -> int:
    """Return the tax that comes on top of an amount, rounded half up."""
    return part_of(amount, basis_points, BASIS_POINTS)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Share a total out in proportion to weights, by largest remainder; the first of equals is served first.

    Weights are not negative. Where all are zero the total must be, too.
    """
    whole = sum(weights)
    if min(weights, default=0) < 0 or (whole == 0 and total != 0):
        raise ValueError(f"{total} cannot be shared out by {weights!r}")
    if whole == 0:
        return [0] * len(weights)
    sign, size = (-1, -total) if total < 0 else (1, total)
    exact = [divmod(size * weight, whole) for weight in weights]
    parts = [part for part, _ in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: -exact[index][1])
    for index in by_remainder[: size - sum(parts)]:
        parts[index] += 1
    return [sign * part for part in parts]
