__all__ = [
    "CronSchedule",
    "IntervalSchedule",
    "RRuleSchedule",
]

def CronSchedule(cron: str, timezone: str | None = None, day_or: bool = True) -> Schedule: ...

def IntervalSchedule(
    interval: float | timedelta,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
) -> Schedule: ...

def RRuleSchedule(rrule: str, timezone: str | None = None) -> Schedule: ...
