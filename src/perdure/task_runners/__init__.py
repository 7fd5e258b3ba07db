"""Where submitted tasks run."""

from perdure.task_runners.processes import ProcessTaskRunner
from perdure.task_runners.threads import SequentialTaskRunner, ThreadTaskRunner

__all__ = ["ProcessTaskRunner", "SequentialTaskRunner", "ThreadTaskRunner"]
