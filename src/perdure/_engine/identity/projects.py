"""The project of code: a part of its identity, in keys and in the records of flow runs."""

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, MethodType

from perdure._model.flow_names import is_same_flow
from perdure._model.options import FlowOptions, RunOptions
from perdure._model.records import StartRecord
from perdure._platform import programs, projects
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import RunFilter
from perdure._settings import settings
from perdure._store.protocol import Orchestrator


def project_of(function: Callable[..., object]) -> str:
    """The project that a function belongs to: the setting's, or where its module is found; empty if it is installed."""
    declared = settings.current().project
    return _found_project(function) if declared is None else declared


def scope_of(function: Callable[..., object]) -> str:
    """The project, wherever in it the function is: keys that users choose hold in all of it."""
    return projects.whole(project_of(function))


def folder_of(function: Callable[..., object]) -> str:
    """The folder inside the project that the function's module is imported from; empty for the project's own."""
    return projects.folder(project_of(function))


def scope_of_main() -> str:
    """The project of the main program, whose code calls what is called outside all flows."""
    declared = settings.current().project
    return projects.whole(programs.project_of_module("__main__") if declared is None else declared)


class Code(NamedTuple):
    """Which code a flow run is of."""

    project: str
    key: str  # the function's
    is_exact: bool  # whether it was recorded; if not, it is derived from where the flow was found


def code_of(start: StartRecord | None) -> Code | None:
    """Which code a flow run was begun with; None if nothing says so."""
    if start is None or start.entry_point is None:
        return None
    entry = json.loads(start.entry_point)
    if "code" in entry:
        return Code(entry["project"], entry["code"], is_exact=True)
    place, _, name = entry["target"].rpartition(":")  # by an earlier version
    if place.endswith(".py") or os.sep in place:
        return Code(projects.project_of(place, 0), f"{Path(place).stem}.{name}", is_exact=False)
    return Code(projects.project_of_folder(entry["directory"]), f"{place}.{name}", is_exact=False)


def is_of(code: Code, options: RunOptions) -> bool:
    """Whether it is the code of a flow with these options."""
    function = options.function
    return code.key == options.key and code.project == (
        project_of(function) if code.is_exact else _found_project(function)
    )


def may_be_of(flow_name: str, start: StartRecord | None, options: FlowOptions) -> bool:
    """Whether a run of a flow of some name may be one of a flow: by that name, or by the other one and its code."""
    if options.is_called(flow_name):
        return True
    code = code_of(start) if is_same_flow(options.name, flow_name) else None
    return code is not None and is_of(code, options)


def may_be_in_scope(run_id: str, function: Callable[..., object] | None, orchestrator: Orchestrator) -> bool:
    """Whether nothing says that a flow run is of another project than the function, or than the main program."""
    code = code_of(orchestrator.start(run_id))
    if code is None:
        return True
    if function is None:
        project = scope_of_main() if code.is_exact else programs.project_of_module("__main__")
    else:
        project = project_of(function) if code.is_exact else _found_project(function)
    return projects.whole(code.project) == projects.whole(project)


def is_made_in_project(run_id: str, function: Callable[..., object], orchestrator: Orchestrator) -> bool:
    """Whether a task run is known to be of the function's project: that of the flow run in which it was called."""
    ask = RunFilter(ids=(run_id,))
    above = next((run.flow_run_id for run in orchestrator.task_runs(ask)), None)
    while above is not None:
        run = next(iter(orchestrator.flow_runs(RunFilter(ids=(above,)))), None)
        if run is None:
            return False
        if run.parent_flow_run_id is None:
            code = code_of(orchestrator.start(above))
            return code is not None and projects.whole(code.project) == projects.whole(_found_project(function))
        above = run.parent_flow_run_id
    return False


def _found_project(function: Callable[..., object]) -> str:
    while isinstance(function, functools.partial):  # what it calls is the project's, and not the partial
        function = function.func
    owner = getattr(function, "__objclass__", type(function))  # of a method of a builtin class
    project = programs.project_of_module(getattr(function, "__module__", None) or owner.__module__)
    if project or isinstance(function, FunctionType | type):
        return project
    # An object of an installed class, such as numpy's `vectorize`, is of the project of what it holds.
    held = (each for each in getattr(function, "__dict__", {}).values() if isinstance(each, _CALLED))
    return next(filter(None, map(_found_project, held)), "")


_CALLED = (FunctionType, MethodType, functools.partial)
