"""Schedules by the names and keywords that Prefect 2 has for them; each makes a `Schedule`."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from perdure._scheduling.schedule import Cron, Interval, RRule, Schedule


def CronSchedule(cron: str, timezone: str | None = None, day_or: bool = True) -> Schedule:  # noqa: N802
    """`Cron` by keyword.

    Raises:
        InvalidSchedule: The expression cannot be read or never comes.
    """
    return Cron(cron, timezone, day_or)


def IntervalSchedule(  # noqa: N802
    interval: float | timedelta, anchor_date: datetime | None = None, timezone: str | None = None
) -> Schedule:
    """`Interval` by keyword.

    Raises:
        InvalidSchedule: The interval is not of whole seconds.
    """
    return Interval(interval, anchor_date, timezone)


def RRuleSchedule(rrule: str, timezone: str | None = None) -> Schedule:  # noqa: N802
    """`RRule` by keyword.

    Raises:
        InvalidSchedule: The rule cannot be read.
    """
    return RRule(rrule, timezone)


def DeploymentScheduleCreate(schedule: Schedule, active: bool = True, **options: Any) -> Schedule:  # noqa: N802
    """A schedule that is active or not, with `parameters` and a `slug` of its own."""
    return replace(schedule, paused=not active, **{name: value for name, value in options.items() if value is not None})
