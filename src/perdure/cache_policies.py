"""Cache policies: what a task's cache key is made of. They are added, and taken from, as in `INPUTS - "debug"`."""

from perdure.tasks import DEFAULT, FLOW_PARAMETERS, INPUTS, NO_CACHE, RUN_ID, TASK_SOURCE, CachePolicy

__all__ = ["DEFAULT", "FLOW_PARAMETERS", "INPUTS", "NO_CACHE", "RUN_ID", "TASK_SOURCE", "CachePolicy"]
