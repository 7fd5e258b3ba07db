"""Schedules by a path of theirs in Prefect 2; `perdure.schedules` has all of their options."""

from perdure._scheduling.prefect_schedules import CronSchedule, IntervalSchedule, RRuleSchedule

__all__ = ["CronSchedule", "IntervalSchedule", "RRuleSchedule"]
