"""Loggers: of the current run, whose lines are kept with it, and plain ones under Perdure's."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from perdure._run.log_reporting import RunHandler, RunLogger, get_run_logger, muted, redact_record

__all__ = ["RunHandler", "RunLogger", "disable_logger", "disable_run_logger", "get_logger", "get_run_logger"]


def get_logger(name: str | None = None) -> logging.Logger:
    """The logger `perdure`, or `perdure.NAME`: its lines are shown as Perdure's own, and kept with no run."""
    if not name or name == "perdure":
        return logging.getLogger("perdure")
    logger = logging.getLogger(name if name.startswith("perdure.") else f"perdure.{name}")
    logger.addFilter(passed_redacted)  # once: a filter that it has is not added again
    return logger


def passed_redacted(record: logging.LogRecord) -> bool:
    """A filter that lets all records pass, without the secrets that are known, such as the token of the API."""
    redact_record(record)
    return True


@contextmanager
def disable_logger(name: str) -> Iterator[None]:
    """Within the `with` block, the logger of that name logs nothing."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def disable_run_logger() -> AbstractContextManager[None]:
    """Within a `with` block, lines of runs are neither shown nor kept, in the whole process: for tests of functions."""
    return muted()
