"""Cache policies: what a task's cache key is made of. They are added, and taken from, as in `INPUTS - "debug"`."""

from perdure._engine.identity.policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    FunctionPolicy,
    Inputs,
)
from perdure._platform.moved import export

# By Prefect's names; `Inputs` among them, which has no other.
CacheKeyFnPolicy = FunctionPolicy
NONE = NO_CACHE

__all__ = ["DEFAULT", "FLOW_PARAMETERS", "INPUTS", "NO_CACHE", "RUN_ID", "TASK_SOURCE", "CachePolicy", "Inputs"]

export(globals())
