"""When deployments run: `Cron("0 6 * * *", timezone="Europe/Oslo")`, `Interval(600)`, `RRule("FREQ=MONTHLY")`."""

from perdure.core.errors import InvalidSchedule
from perdure.scheduling.schedule import Cron, Interval, RRule, Schedule

__all__ = ["Cron", "Interval", "InvalidSchedule", "RRule", "Schedule"]
