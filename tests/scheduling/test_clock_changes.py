"""What schedules do when clocks are changed: every change of every zone from 2020 to 2040, beside plain references.

The references walk through time minute by minute and look at what clocks show. Equal changes (same moment, same offset
before and after) mean the same in each zone that has them, so each is tried in one of its zones.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from perdure.schedules import Cron, Interval

pytestmark = pytest.mark.slow

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_AROUND = timedelta(hours=5)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset()


def _changes_of(zone: ZoneInfo) -> Iterator[datetime]:
    """The first minute of each new offset."""
    instant, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    while instant < end:
        later = instant + timedelta(days=5)
        if _offset(instant, zone) != _offset(later, zone):
            low, high = instant, later
            while high - low > _MINUTE:
                middle = low + (high - low) // _MINUTE // 2 * _MINUTE
                low, high = (middle, high) if _offset(middle, zone) == _offset(instant, zone) else (low, middle)
            yield high
        instant = later


@cache
def changes() -> list[tuple[datetime, str]]:
    found = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for change in _changes_of(zone):
            found.setdefault((change, _offset(change - _MINUTE, zone), _offset(change, zone)), (change, name))
    return sorted(found.values())


def _minutes(change: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The minutes round a change: instants, and what clocks show."""
    start = change - _AROUND
    instants = [start + number * _MINUTE for number in range(2 * _AROUND // _MINUTE)]
    return [(instant, instant.astimezone(zone).replace(tzinfo=None, fold=0)) for instant in instants]


def test_there_are_changes_to_try():
    assert len(changes()) > 500
    assert {"Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"} <= available_timezones()


def test_what_runs_every_quarter_runs_by_elapsed_time():
    for change, name in changes():
        zone = ZoneInfo(name)
        expected = [instant for instant, local in _minutes(change, zone) if local.minute % 15 == 0]
        ticks = Cron("*/15 * * * *", name).ticks(expected[0] - _MINUTE, expected[-1])
        assert list(ticks) == expected, name


@pytest.mark.parametrize("minute", [0, 30])
def test_what_names_its_hour_runs_once_for_each_such_time(minute):
    for change, name in changes():
        zone = ZoneInfo(name)
        minutes = _minutes(change, zone)
        shown = change.astimezone(zone).replace(tzinfo=None)
        before = (change - _MINUTE).astimezone(zone).replace(tzinfo=None) + _MINUTE
        hour = min(shown, before).hour  # what is skipped, or comes twice, begins in it
        expected, done = [], set()
        for (instant, local), (_, earlier) in zip(minutes[1:], minutes, strict=False):
            passed = [earlier + _MINUTE * step for step in range(1, max(1, (local - earlier) // _MINUTE) + 1)]
            if local <= earlier:  # clocks were set back
                passed = [local]
            wanted = {each for each in passed if (each.hour, each.minute) == (hour, minute)} - done
            done |= wanted
            if wanted:
                expected.append(instant)
        ticks = Cron(f"{minute} {hour} * * *", name).ticks(minutes[0][0], minutes[-1][0])
        assert list(ticks) == expected, (name, change)


def test_an_interval_of_a_day_keeps_its_time_of_day():
    for change, name in changes():
        zone = ZoneInfo(name)
        anchor = datetime(2020, 1, 1, 12, 0)
        ticks = list(Interval(86_400, anchor, name).ticks(change - timedelta(days=3), change + timedelta(days=3)))
        shown = [tick.astimezone(zone).replace(tzinfo=None) for tick in ticks]
        noons = [each for each in shown if (each.hour, each.minute) == (12, 0)]
        skipped = [each for each in shown if each not in noons]
        assert len(noons) >= 5, (name, change)
        assert len(skipped) <= 1, (name, change)  # a zone that crosses the date line has no noon once


def test_an_interval_of_hours_runs_by_elapsed_time():
    for change, name in changes():
        ticks = list(Interval(3 * 3600, timezone=name).ticks(change - _AROUND, change + _AROUND))
        assert all(later - tick == 3 * _HOUR for tick, later in pairwise(ticks)), name
