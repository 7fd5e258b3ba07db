"""Loggers, by their path in Prefect."""

from perdure._platform.moved import export
from perdure._run.log_reporting import RunLogger, get_run_logger
from perdure._run.loggers import disable_logger, disable_run_logger, get_logger

PrefectLogAdapter = RunLogger  # by which users of Prefect know it

__all__ = ["RunLogger", "disable_logger", "disable_run_logger", "get_logger", "get_run_logger"]

export(globals())
