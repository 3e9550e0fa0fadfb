"""Days and time zones that every clock can tell."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from core import days
from core.errors import InvalidInput


def test_the_first_and_the_last_moment_are_told_in_every_zone():
    ends = (date(days.YEARS[0], 1, 1), date(days.YEARS[-1], 12, 31))
    for day in ends:
        days.check_year(day)

    for zone in (ZoneInfo(name) for name in available_timezones()):
        for day in ends:
            there = datetime.combine(day, time.max, tzinfo=zone) + timedelta(days=365)
            assert there.astimezone(UTC).astimezone(zone) == there


@pytest.mark.parametrize("day", [date.min, date.max, date(1825, 12, 31), date(2200, 1, 1)])
def test_other_years_are_refused_as_days_and_as_times(day):
    for one in (day, datetime.combine(day, time(), tzinfo=UTC)):
        with pytest.raises(InvalidInput, match="between 1826 and 2199"):
            days.check_year(one)


def test_no_day_is_fine():
    days.check_year(None)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "Asia",
        "asia/bangkok",
        "../etc",
        "/etc/localtime",
        "zone.tab",
        "Mars/Olympus",
        "x" * 5000,
        "a\0b",
        "รูป",
    ],
)
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(InvalidInput, match="no time zone"):
        days.check_zone(name)


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory", "right/UTC", "posix/UTC"])
def test_a_zone_that_is_another_one_on_another_machine_is_refused(name):
    with pytest.raises(InvalidInput, match="no time zone"):
        days.check_zone(name)


def test_zones_are_known():
    for name in ("Asia/Bangkok", "UTC", "Etc/GMT+12"):
        days.check_zone(name)
