__all__ = [
    "CachePolicy",
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "Task",
    "exponential_backoff",
    "task",
    "task_input_hash",
]

from perdure import CachePolicy as CachePolicy

from perdure import DEFAULT as DEFAULT

from perdure import FLOW_PARAMETERS as FLOW_PARAMETERS

from perdure import INPUTS as INPUTS

from perdure import NO_CACHE as NO_CACHE

from perdure import RUN_ID as RUN_ID

from perdure import TASK_SOURCE as TASK_SOURCE

from perdure import Task as Task

from perdure import exponential_backoff as exponential_backoff

from perdure import task as task

from perdure import task_input_hash as task_input_hash
