"""Schedules by their path in Prefect; `perdure.schedules` has all of their options."""

from perdure._platform.moved import export
from perdure._scheduling.prefect_schedules import CronSchedule, IntervalSchedule, RRuleSchedule

__all__ = ["CronSchedule", "IntervalSchedule", "RRuleSchedule"]

export(globals())
