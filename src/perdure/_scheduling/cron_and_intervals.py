"""When a schedule is due, as a function of time alone: cron expressions, intervals, and recurrence rules (RFC 5545).

A rule gives its ticks after an instant, in order, each once. Ticks are aware datetimes in UTC. On days when clocks are
changed a rule means what it means to Debian's cron: what names its hour runs once, at the end of the gap if its time is
skipped and at the first of two equal times; what runs in every hour runs by elapsed time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from perdure._model.errors import InvalidSchedule
from perdure._scheduling.zones import first_with_other_offset, instant_of, local_at, offset_at, zone_named

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
# No zone changes its clocks twice in so many days: Morocco's two changes, round Ramadan, are four weeks apart.
_WITHOUT_TWO_CHANGES = timedelta(days=14)


class Rule(Protocol):
    """When something is due."""

    @property
    def kind(self) -> str: ...
    @property
    def timezone(self) -> str: ...
    def after(self, instant: datetime) -> Iterator[datetime]:
        """The ticks later than an instant, in order, in UTC."""
        ...

    def as_json(self) -> dict[str, object]:
        """The rule as plain JSON; `rule_of` reads it."""
        ...


@dataclass(frozen=True)
class CronRule:
    """A cron expression of five fields, six with seconds first, or an alias such as "@daily".

    With both a day of the month and a day of the week, a day is meant that is either one; without `day_or`, both.

    Raises:
        InvalidSchedule: The expression cannot be read, or names a time that never comes.
    """

    expression: str
    timezone: str = "UTC"
    day_or: bool = True
    kind: str = field(default="cron", init=False)

    def __post_init__(self) -> None:
        self._zone  # noqa: B018 - names a zone that there is
        if next(self._simulated(datetime(2024, 1, 1)), None) is None:
            raise InvalidSchedule(f"The cron expression {self.expression!r} names a time that never comes.")

    def after(self, instant: datetime) -> Iterator[datetime]:
        ticks = self._by_the_clock(instant) if self._names_its_hour else self._by_elapsed_time(instant)
        return (tick for tick in ticks if tick > instant)

    def as_json(self) -> dict[str, object]:
        return {"cron": self.expression, "timezone": self.timezone} | ({} if self.day_or else {"day_or": False})

    @property
    def _zone(self) -> ZoneInfo:
        return zone_named(self.timezone)

    @property
    def _plain(self) -> str:
        return ALIASES.get(self.expression.strip().lower(), self.expression)

    @property
    def _names_its_hour(self) -> bool:
        return not any(part.startswith("*") for part in self._plain.split()[-5:-3])

    def _simulated(self, local: datetime) -> Iterator[datetime]:
        """The expression's times later than a local time, without any zone."""
        try:
            times = CronSim(self._plain, local)
            if not self.day_or:
                CronSim(" ".join([*self._plain.split()[:-1], "*"]), local)  # refuses days that no month has
        except CronSimError as error:
            raise InvalidSchedule(
                f"The cron expression {self.expression!r} cannot be read: {str(error).lower()}. It has five fields: "
                "minute, hour, day of month, month, day of week (0 or 7 is Sunday); or six, the seconds first; or is"
                f" one of {', '.join(ALIASES)}."
            ) from error
        times.day_and |= not self.day_or
        return times

    def _by_the_clock(self, instant: datetime) -> Iterator[datetime]:
        last = None
        # What is skipped runs at the end of its gap, which may be later than the instant: begin before any gap.
        for local in self._simulated(local_at(instant, self._zone) - _DAY):
            tick = instant_of(local, self._zone)
            if tick != last:  # several times in one gap are one tick
                yield tick
            last = tick

    def _by_elapsed_time(self, instant: datetime) -> Iterator[datetime]:
        """Times of each stretch of one offset, so that clocks that are set back show the same time twice."""
        start = instant
        while True:
            offset = offset_at(start, self._zone)
            # `_simulated` gives what is later; its second before belongs to the stretch only if nothing changed there.
            for local in self._simulated((start + offset).replace(tzinfo=None) - _SECOND):
                tick = (local - offset).replace(tzinfo=UTC)
                if tick - start > _WITHOUT_TWO_CHANGES:
                    start = tick - _WITHOUT_TWO_CHANGES / 2
                    break
                if offset_at(tick, self._zone) != offset:
                    start = first_with_other_offset(start, tick, self._zone)
                    break
                yield tick
                start = tick
            else:
                return


@dataclass(frozen=True)
class IntervalRule:
    """Every so many seconds, in step with an anchor; of whole days, at the anchor's time of day in the zone.

    Raises:
        InvalidSchedule: The interval is shorter than a second, or the anchor has no time zone.
    """

    interval: timedelta
    anchor: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    timezone: str = "UTC"
    kind: str = field(default="interval", init=False)

    def __post_init__(self) -> None:
        zone_named(self.timezone)
        if self.interval < _SECOND or self.interval % _SECOND:
            raise InvalidSchedule(f"An interval is of whole seconds, one at least, not {self.interval}.")
        if self.anchor.tzinfo is None:
            zoned = self.anchor.replace(tzinfo=zone_named(self.timezone))
            object.__setattr__(self, "anchor", zoned.astimezone(UTC))

    def after(self, instant: datetime) -> Iterator[datetime]:
        if self.interval % _DAY:
            first = (instant - self.anchor) // self.interval + 1
            return self._counted(first, self.anchor)
        zone = zone_named(self.timezone)
        anchor = local_at(self.anchor, zone)
        first = (local_at(instant, zone) - anchor) // self.interval - 1  # what a gap moved may be later than its time
        ticks = (instant_of(local, zone) for local in self._counted(first, anchor))
        return (tick for tick in ticks if tick > instant)

    def _counted(self, first: int, anchor: datetime) -> Iterator[datetime]:
        number = first
        while True:
            try:
                yield anchor + number * self.interval
            except OverflowError:
                return
            number += 1

    def as_json(self) -> dict[str, object]:
        anchor = self.anchor.astimezone(UTC).isoformat()
        return {"interval": self.interval.total_seconds(), "anchor": anchor, "timezone": self.timezone}


@dataclass(frozen=True)
class RecurrenceRule:
    """A recurrence rule of RFC 5545, such as "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17", with EXDATE and RDATE lines if any.

    `start` is its DTSTART, a local time in the zone; a rule that has a DTSTART line keeps that. It is written down when
    the schedule is made, since what INTERVAL and COUNT mean depends on it. Needs `python-dateutil`: `perdure[rrule]`.

    Raises:
        InvalidSchedule: The rule cannot be read, is by seconds, or counts over 10,000 times.
    """

    rule: str
    start: datetime
    timezone: str = "UTC"
    kind: str = field(default="rrule", init=False)

    def __post_init__(self) -> None:
        zone_named(self.timezone)
        if self.start.tzinfo is not None:
            object.__setattr__(self, "start", local_at(self.start, zone_named(self.timezone)))
        object.__setattr__(self, "start", self.start.replace(microsecond=0))
        if re.search(r"FREQ=SECONDLY", self.rule, re.IGNORECASE):
            raise InvalidSchedule("A recurrence rule by seconds is not kept: use an interval, such as Interval(10).")
        if (count := re.search(r"COUNT=(\d+)", self.rule, re.IGNORECASE)) and int(count[1]) > 10_000:
            raise InvalidSchedule(f"A recurrence rule counts to 10,000 at most, not to {count[1]}: say UNTIL instead.")
        self._parsed(self.start)

    def after(self, instant: datetime) -> Iterator[datetime]:
        zone = zone_named(self.timezone)
        local = local_at(instant, zone) - _DAY
        last = None
        for each in self._parsed(self._near(local)).xafter(local, inc=True):
            tick = instant_of(each, zone)
            if tick > instant and tick != last:
                yield tick
            last = tick

    def as_json(self) -> dict[str, object]:
        return {"rrule": self.rule, "start": self.start.isoformat(), "timezone": self.timezone}

    def _parsed(self, start: datetime) -> Any:
        try:
            from dateutil.rrule import rrulestr
        except ImportError as error:
            raise InvalidSchedule("Recurrence rules need python-dateutil: pip install 'perdure[rrule]'.") from error
        try:
            return rrulestr(self.rule, dtstart=start, forceset=True, ignoretz=True)
        except (ValueError, TypeError) as error:
            raise InvalidSchedule(f"The recurrence rule {self.rule!r} cannot be read: {error}.") from error

    def _near(self, local: datetime) -> datetime:
        """A start at which the rule is the same from `local` on: searching from an old one takes seconds."""
        units = {"MINUTELY": timedelta(minutes=1), "HOURLY": timedelta(hours=1), "DAILY": _DAY, "WEEKLY": 7 * _DAY}
        frequencies = re.findall(r"FREQ=(\w+)", self.rule.upper())
        if len(frequencies) != 1 or frequencies[0] not in units or re.search(r"COUNT=|DTSTART", self.rule.upper()):
            return self.start
        interval = re.search(r"INTERVAL=(\d+)", self.rule.upper())
        step = units[frequencies[0]] * int(interval[1] if interval else 1)
        return self.start + max(0, (local - self.start) // step - 1) * step


def rule_of(kept: dict[str, Any]) -> Rule:
    """The rule that `as_json` wrote."""
    timezone = kept["timezone"]
    if "cron" in kept:
        return CronRule(kept["cron"], timezone, kept.get("day_or", True))
    if "interval" in kept:
        return IntervalRule(timedelta(seconds=kept["interval"]), datetime.fromisoformat(kept["anchor"]), timezone)
    return RecurrenceRule(kept["rrule"], datetime.fromisoformat(kept["start"]), timezone)


def is_excluded(tick: datetime, timezone: str, days: frozenset[date]) -> bool:
    """Whether a tick's day, by clocks in the zone, is one of those."""
    return bool(days) and local_at(tick, zone_named(timezone)).date() in days
