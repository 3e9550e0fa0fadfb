"""Parts of an amount: nothing is lost, and each part is as near to its exact value as integers allow."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import shares

amounts = st.integers(-(10**9), 10**9)


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_parts_add_up_and_each_is_within_one_unit_of_its_exact_value(total, weights):
    parts = shares.allocate(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=10).filter(any))
def test_who_has_no_weight_gets_nothing(total, weights):
    parts = shares.allocate(total, weights)

    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


def test_the_first_of_equals_is_served_first():
    assert shares.allocate(100, [1, 1, 1]) == [34, 33, 33]


@pytest.mark.parametrize("weights", [[], [0, 0]])
def test_nothing_is_shared_out_to_nobody(weights):
    assert shares.allocate(0, weights) == [0] * len(weights)
    with pytest.raises(ValueError, match="cannot be shared out"):
        shares.allocate(1, weights)


def test_a_negative_weight_is_a_bug():
    with pytest.raises(ValueError, match="cannot be shared out"):
        shares.allocate(10, [20, -10])


@pytest.mark.parametrize(
    ("amount", "percent", "part"),
    [(12_000, 60, 7_200), (1, 50, 1), (3, 50, 2), (333, 33, 110), (0, 10, 0), (10, 0, 0), (-3, 50, -2)],
)
def test_a_percentage_is_rounded_half_up(amount, percent, part):
    assert shares.percent_of(amount, percent) == part


@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_tax_within_and_tax_on_top_are_within_half_a_unit_of_exact(amount, basis_points):
    within, on_top = shares.tax_within(amount, basis_points), shares.tax_on(amount, basis_points)

    assert abs(within - Fraction(amount * basis_points, 10_000 + basis_points)) <= Fraction(1, 2)
    assert abs(on_top - Fraction(amount * basis_points, 10_000)) <= Fraction(1, 2)


def test_seven_percent_within_107_baht_are_seven_baht():
    assert shares.tax_within(10_700, 700) == 700
    assert shares.tax_on(10_000, 700) == 700
