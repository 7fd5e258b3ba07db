"""Loggers: of the current run, whose lines are kept with it, and plain ones under Perdure's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from perdure.logs import RunLogger, get_run_logger

__all__ = ["RunLogger", "disable_run_logger", "get_logger", "get_run_logger"]


def get_logger(name: str | None = None) -> logging.Logger:
    """The logger `perdure`, or `perdure.NAME`: its lines are shown as Perdure's own, and kept with no run."""
    if name is None or name == "perdure":
        return logging.getLogger("perdure")
    return logging.getLogger(name if name.startswith("perdure.") else f"perdure.{name}")


@contextmanager
def disable_run_logger() -> Iterator[None]:
    """Within the block, lines of runs are neither shown nor kept, in the whole process: for tests of functions."""
    loggers = [logging.getLogger(name) for name in ("perdure.flow_runs", "perdure.task_runs")]
    before = [each.disabled for each in loggers]
    for each in loggers:
        each.disabled = True
    try:
        yield
    finally:
        for each, was in zip(loggers, before, strict=True):
            each.disabled = was
