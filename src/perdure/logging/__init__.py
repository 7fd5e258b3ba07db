"""Loggers: of the current run, whose lines are kept with it, and plain ones under Perdure's."""

from perdure._platform.moved import export
from perdure._run.log_reporting import RunHandler, RunLogger, get_run_logger
from perdure._run.loggers import disable_logger, disable_run_logger, get_logger

__all__ = ["RunHandler", "RunLogger", "disable_logger", "disable_run_logger", "get_logger", "get_run_logger"]

export(globals())
