__all__ = [
    "CachePolicy",
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "Inputs",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
]

from perdure import CachePolicy as CachePolicy

from perdure import DEFAULT as DEFAULT

from perdure import FLOW_PARAMETERS as FLOW_PARAMETERS

from perdure import INPUTS as INPUTS

class Inputs(_BuiltIn):
    def __init__(self, *left_out: str, exclude: Iterable[str] = ()) -> None: ...
    def components(self, _: TaskRunContext, parameters: dict[str, object]) -> Mapping[str, object]: ...
    left_out: object
    def without(self, name: str) -> CachePolicy: ...

from perdure import NO_CACHE as NO_CACHE

from perdure import RUN_ID as RUN_ID

from perdure import TASK_SOURCE as TASK_SOURCE
