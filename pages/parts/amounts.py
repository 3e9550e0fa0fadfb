"""Amounts and days as people type them: baht and whole days here, minor units and moments behind."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

import streamlit as st

from core import pricing
from core.i18n import _
from models.event import Event
from pages.parts import site

WIDTH = 175  # pixels: two beside each other on a phone
LARGEST = 1e9  # what is too much is refused in a sentence


def ask(
    label: str,
    amount: int | None,
    currency: str,
    *,
    key: str | None = None,
    hint: str | None = None,
    width: int = WIDTH,
) -> int | None:
    """Ask for an amount that may be left open, and return minor units; `hint` stands where it is open."""
    units = pricing.minor_units(currency)
    given = st.number_input(
        _("{label} ({currency})").format(label=label, currency=currency),
        0.0,
        LARGEST,
        None if amount is None else amount / units,
        step=10.0,
        format="%.2f" if units > 1 else "%.0f",
        key=key,
        placeholder=hint,
        width=width,
    )
    return None if given is None else minor(given, currency)


def count(label: str, number: int | None, most: int, *, key: str, hint: str | None = None) -> int | None:
    """Ask for a whole number that may be left open."""
    return st.number_input(label, 0, most, number, step=1, key=key, placeholder=hint, width=WIDTH)


def minor(value: float, currency: str) -> int:
    """Return a number as it was typed in minor units, rounded half up."""
    exact = Decimal(str(value)) * pricing.minor_units(currency)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def day(event: Event, at: datetime | None) -> date | None:
    """Return the day of a moment where the event is."""
    return None if at is None else at.astimezone(event.zone).date()


def ask_day(label: str, day: date, *, key: str | None = None) -> date:
    """Ask for a day; there is one from the start, for an empty field is read out wrongly."""
    return st.date_input(label, day, key=key, format="DD/MM/YYYY", width=WIDTH) or day


def later(event: Event, days: int = 14) -> date:
    """Return a day to begin with: so many after today, by the clocks at the event."""
    return (site.backends().now() + timedelta(days=days)).astimezone(event.zone).date()


def begin_of(event: Event, day: date | None) -> datetime | None:
    """Return when a day begins where the event is, in UTC."""
    return None if day is None else datetime.combine(day, time(), tzinfo=event.zone).astimezone(UTC)


def end_of(event: Event, day: date | None) -> datetime | None:
    """Return the last second of a day where the event is, in UTC."""
    if day is None:
        return None
    return datetime.combine(day, time(23, 59, 59), tzinfo=event.zone).astimezone(UTC)
