"""When deployments run: `Cron("0 6 * * *", timezone="Europe/Oslo")`, `Interval(600)`, `RRule("FREQ=MONTHLY")`."""

from perdure._model.errors import InvalidSchedule
from perdure._platform.moved import export
from perdure._scheduling.schedule import Cron, Interval, RRule, Schedule

__all__ = ["Cron", "Interval", "InvalidSchedule", "RRule", "Schedule"]

export(globals())
