"""Handles on submitted task runs."""

from perdure._execution.mapping import MappedFutures as PrefectFutureList
from perdure._platform.moved import export
from perdure._run.futures import AsyncFuture, DoneAndNotDone, Future, PrefectFuture, as_completed, wait

__all__ = ["AsyncFuture", "DoneAndNotDone", "Future", "PrefectFuture", "PrefectFutureList", "as_completed", "wait"]

export(globals())
