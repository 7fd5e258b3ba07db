"""Schedules of deployments, as Prefect keeps them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from perdure._model.errors import InvalidSchedule
from perdure._scheduling.schedule import Cron, Interval, RRule, Schedule


def schedule_of(kept: Mapping[str, Any], slug: str | None, active: bool, parameters: Mapping[str, object]) -> Schedule:
    """A schedule by what Prefect keeps of it.

    Raises:
        InvalidSchedule: it cannot be read.
    """
    options: dict[str, Any] = {"active": active, "parameters": parameters, "slug": slug}
    zone = kept.get("timezone")
    if kept.get("cron") is not None:
        return Cron(kept["cron"], zone, kept.get("day_or", True), **options)
    if kept.get("rrule") is not None:
        return RRule(kept["rrule"], zone, **options)
    if kept.get("interval") is None:
        raise InvalidSchedule("It is no cron expression, interval or recurrence rule.")
    seconds = kept["interval"]
    anchor = kept.get("anchor_date")
    try:
        begin = None if anchor is None else datetime.fromisoformat(anchor)
        span = timedelta(seconds=float(seconds))
    except (ValueError, TypeError) as error:
        raise InvalidSchedule(f"It cannot be read: {error}") from error
    if begin is not None and begin.microsecond:
        begin = begin.replace(microsecond=0)  # ticks are at whole seconds here
    return Interval(span, begin, zone, **options)
