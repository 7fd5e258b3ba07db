"""Cache keys: policies of what they are made of, and `task_input_hash`."""

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
from perdure._platform.moved import export

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "CachePolicy",
    "task_input_hash",
]

export(globals())
