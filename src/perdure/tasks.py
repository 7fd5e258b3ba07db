"""Tasks: the decorator and what it makes."""

from perdure._engine.identity.policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    task_input_hash,
)
from perdure._engine.lifecycle.retries import exponential_backoff
from perdure._execution.tasks import Task, task
from perdure._platform.moved import export

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "CachePolicy",
    "Task",
    "exponential_backoff",
    "task",
    "task_input_hash",
]

export(globals())
