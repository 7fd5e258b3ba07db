"""Where submitted tasks run."""

from perdure.task_runners.processes import ProcessTaskRunner
from perdure.task_runners.threads import SequentialTaskRunner, ThreadTaskRunner

ConcurrentTaskRunner = ThreadTaskRunner  # the name that users of Prefect 2 know
ThreadPoolTaskRunner = ThreadTaskRunner  # and of Prefect 3
ProcessPoolTaskRunner = ProcessTaskRunner

__all__ = [
    "ConcurrentTaskRunner",
    "ProcessPoolTaskRunner",
    "ProcessTaskRunner",
    "SequentialTaskRunner",
    "ThreadPoolTaskRunner",
    "ThreadTaskRunner",
]
