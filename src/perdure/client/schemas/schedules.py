"""Schedules by their path in Prefect; `perdure.schedules` has all of their options."""

from perdure.scheduling.named import CronSchedule, IntervalSchedule, RRuleSchedule

__all__ = ["CronSchedule", "IntervalSchedule", "RRuleSchedule"]
