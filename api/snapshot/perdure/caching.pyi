__all__ = [
    "CachePolicy",
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "task_input_hash",
]

from perdure import CachePolicy as CachePolicy

from perdure import DEFAULT as DEFAULT

from perdure import FLOW_PARAMETERS as FLOW_PARAMETERS

from perdure import INPUTS as INPUTS

from perdure import NO_CACHE as NO_CACHE

from perdure import RUN_ID as RUN_ID

from perdure import TASK_SOURCE as TASK_SOURCE

from perdure import task_input_hash as task_input_hash
