"""What async programs that were written for Prefect import: who waits how, and calls that block."""

from perdure._platform.moved import export
from perdure._platform.threads import in_thread as run_sync_in_worker_thread

__all__ = ["Async", "Sync", "run_sync_in_worker_thread"]


class Sync:
    """The second parameter of `PrefectFuture[int, Sync]`: its methods block."""


class Async:
    """The second parameter of `PrefectFuture[int, Async]`: its methods are awaited."""


export(globals())
