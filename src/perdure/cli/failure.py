"""Where a failed run's failure began, and the traceback of its exception."""

import re
from collections.abc import Sequence

from perdure._http.nesting import failure_path
from perdure._model.state_types import StateType
from perdure._rooms.logs.records import LogFilter
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure.cli.find import orchestrator
from perdure.cli.output import note, one_line, section, show

_HEAD = "Traceback (most recent call last)"
_FRAME = re.compile(r'^ +File "[^"\n]+", line \d+.*(?:\n {4,}(?! *[\^~]+$).*)?', re.MULTILINE)
_LIBRARY = re.compile(r'File "[^"]*(?:site-packages|dist-packages|[\\/]lib[\\/]python3|<frozen)')
Run = FlowRun | TaskRun


def path_of(run: FlowRun) -> Sequence[Run]:
    """From a failed flow run down to the run in which its failure began; empty if it has not failed."""
    failed = run.state_type in (StateType.FAILED, StateType.CRASHED)
    return failure_path(run, orchestrator()) if failed else ()


def traceback_of(run: Run) -> str | None:
    """The last traceback that a failed run has logged."""
    if run.state_type not in (StateType.FAILED, StateType.CRASHED):
        return None
    whose = LogFilter(task_run_ids=(run.id,)) if isinstance(run, TaskRun) else LogFilter(flow_run_ids=(run.id,))
    lines = orchestrator().log_lines(whose._replace(part=_HEAD, limit=1))
    return next((line.message[line.message.index(_HEAD) :].rstrip() for line in lines), None)


def show_traceback(run: Run) -> None:
    """The traceback of a failed run, if it was logged."""
    text = traceback_of(run)
    if text is not None:
        show(section("Exception"), text)


def show_where(path: Sequence[Run]) -> None:
    """Where a flow run failed: the traceback, if that was its own code; else the way there and the last frame."""
    if not path:
        return
    first = path[-1]
    if len(path) == 1:
        show_traceback(first)
        return
    show(section(f"It failed in {' > '.join(one_line(each.name) for each in path[1:])}"))
    frames = _FRAME.findall(traceback_of(first) or "")
    own = [frame for frame in frames if not _LIBRARY.search(frame)]
    if frames:
        show((own or frames)[-1])
    kind = "task-run" if isinstance(first, TaskRun) else "flow-run"
    show(note(f"perdure {kind} inspect {first.id}"))


def failure_shape(path: Sequence[Run]) -> dict[str, object] | None:
    """Where a flow run failed, for programs; None if it has not failed."""
    if not path:
        return None
    runs = [
        {"id": run.id, "name": run.name, "kind": "task run" if isinstance(run, TaskRun) else "flow run"} for run in path
    ]
    return {"path": runs, "traceback": traceback_of(path[-1])}
