"""The days and time zones that we take: those that every clock can tell."""

from datetime import date
from functools import cache
from zoneinfo import available_timezones

from core.errors import InvalidInput

YEARS = range(1826, 2200)  # from the first photograph on; at both ends no time zone leaves the calendar
MACHINES_OWN = {"localtime", "Factory"}  # zones that are whatever a machine was set to, or not set to


def check_year(day: date | None) -> None:
    """Raises InvalidInput for a day, or a time, in a year that is a slip of the keyboard."""
    if day is not None and day.year not in YEARS:
        raise InvalidInput("The year must be between {first} and {last}.", first=YEARS[0], last=YEARS[-1])


def check_zone(name: str) -> None:
    """Raises InvalidInput when there is no time zone of that name, the same on every machine."""
    if name not in _zones():
        raise InvalidInput("There is no time zone called {name}.", name=name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - MACHINES_OWN)
