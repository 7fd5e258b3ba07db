"""Loggers, by their path in Prefect."""

from perdure.logging import RunLogger, disable_run_logger, get_logger, get_run_logger

__all__ = ["RunLogger", "disable_run_logger", "get_logger", "get_run_logger"]
