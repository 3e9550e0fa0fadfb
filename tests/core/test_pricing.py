"""Money without I/O."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import pricing
from core.errors import InvalidInput
from core.pricing import Line


def make_line(amount: int, currency: str = "THB") -> Line:
    """A photo at a price."""
    return Line(uuid4(), 1, "Run · IMG_1.jpg", amount, currency)


@given(st.lists(st.integers(0, 10**9)))
def test_the_total_is_the_sum_of_the_lines_to_the_last_satang(amounts):
    quote = pricing.quote(make_line(amount) for amount in amounts)

    assert quote.total_amount == sum(amounts)
    assert [line.amount for line in quote.lines] == amounts


def test_one_payment_has_one_currency():
    with pytest.raises(InvalidInput, match="one event first"):
        pricing.quote([make_line(100), make_line(100, "EUR")])


@pytest.mark.parametrize("amount", [-1, 12.5, True])
def test_a_price_is_never_negative_and_never_a_fraction(amount):
    with pytest.raises(ValueError, match="minor units"):
        pricing.quote([make_line(amount)])


def test_nothing_costs_nothing():
    assert pricing.quote([]) == pricing.Quote((), 0, "THB")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (12_000, "THB", "฿120"),
        (12_050, "THB", "฿120.50"),
        (5, "THB", "฿0.05"),
        (0, "THB", "฿0"),
        (123_456_700, "USD", "$1,234,567"),
        (-1_250, "EUR", "-€12.50"),
        (120, "JPY", "¥120"),
        (1_200, "CHF", "CHF\N{NO-BREAK SPACE}12"),
    ],
)
def test_an_amount_is_written_as_people_write_it(amount, currency, text):
    assert pricing.format_amount(amount, currency) == text
