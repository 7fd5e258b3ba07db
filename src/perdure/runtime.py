"""The current run, for the code in it: `from perdure.runtime import flow_run, task_run, deployment, partition`.

For tests of code that asks, the environment may say it instead: `PERDURE__RUNTIME__FLOW_RUN__NAME=nightly`.
"""

import sys
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType

from perdure._execution.current_runs import deployment, flow_run, items_done, partition, task_run
from perdure._platform.moved import export

__all__ = ["deployment", "flow_run", "items_done", "partition", "task_run"]


def _as_module(name: str) -> ModuleType:
    """A module that has what one of these has: `import perdure.runtime.flow_run`, as it is written for Prefect."""
    module, view = ModuleType(f"{__name__}.{name}"), globals()[name]
    module.__spec__ = ModuleSpec(module.__name__, None)

    def found(attribute: str) -> object:
        if attribute.startswith("__") and attribute != "__all__":
            raise AttributeError(f"module {module.__name__!r} has no attribute {attribute!r}")
        return getattr(view, attribute)

    module.__getattr__ = found  # type: ignore[method-assign]
    module.__dir__ = partial(dir, view)  # type: ignore[method-assign]
    return module


for _name in ("deployment", "flow_run", "task_run"):
    sys.modules[f"{__name__}.{_name}"] = _as_module(_name)

export(globals())
