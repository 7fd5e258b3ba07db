"""What a flow run called, gathered and drawn as a tree."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perdure._model.state_types import FINAL, UNSUCCESSFUL, StateType
from perdure._platform.named import NamedTuple
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.protocol import Orchestrator
from perdure.cli.json_shapes import duration_of
from perdure.cli.output import count_text, duration_text, lost_text, note, one_line, plural, state_text

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

GATHERED = 10_000  # runs of each kind that are looked at; the newest of a larger flow run
_DRAWN = 50  # children of one run
_ORDER = tuple(StateType)

Run = FlowRun | TaskRun


class Below(NamedTuple):
    """The runs below a flow run, oldest first; not all of them if it is `cut`."""

    flow_runs: Sequence[FlowRun]
    task_runs: Sequence[TaskRun]
    cut: bool


def gather(root: FlowRun, orchestrator: Orchestrator) -> Below:
    """All that a flow run called, its subflows' calls too, up to `GATHERED` of each kind."""
    flow_runs: list[FlowRun] = []
    task_runs: list[TaskRun] = []
    level: tuple[str, ...] = (root.id,)
    cut = False
    while level:
        wanted = RunFilter(flow_run_ids=level, limit=GATHERED + 1)
        subflows, tasks = list(orchestrator.flow_runs(wanted)), list(orchestrator.task_runs(wanted))
        cut = cut or max(len(flow_runs) + len(subflows), len(task_runs) + len(tasks)) > GATHERED
        flow_runs += subflows[: GATHERED - len(flow_runs)]
        task_runs += tasks[: GATHERED - len(task_runs)]
        level = () if cut else tuple(run.id for run in subflows)
    return Below(sorted(flow_runs, key=_age), sorted(task_runs, key=_age), cut)


def _age(run: Run) -> tuple[int, str]:
    return run.created, run.id


def tree(root: FlowRun, below: Below, is_lost: bool) -> "Tree":
    """The tree of a flow run and all below it, where its process is lost or not.

    Of many children, those that went wrong are drawn first.
    """
    from rich.tree import Tree

    children: dict[str, list[Run]] = {}
    runs: list[Run] = [*below.flow_runs, *below.task_runs]
    for run in sorted(runs, key=_age):
        children.setdefault(_parent(run) or root.id, []).append(run)
    drawn = Tree(_line(root, is_lost), guide_style="dim")
    waiting = [(drawn, root.id)]
    while waiting:
        branch, id = waiting.pop()
        held = children.get(id, ())
        waiting += [(branch.add(_line(run, is_lost)), run.id) for run in _chosen(held)]
        if len(held) > _DRAWN:
            branch.add(note(f"… and {len(held) - _DRAWN:,} more"))
    return drawn


def summary(below: Below) -> "Text":
    """How many runs there are below a flow run, by state."""
    from rich.text import Text

    runs: list[Run] = [*below.flow_runs, *below.task_runs]
    counts = Counter(run.state_type for run in runs)
    parts = [count_text(type, counts[type]) for type in (*_ORDER, None) if counts[type]]
    kinds = [(len(below.task_runs), "task run"), (len(below.flow_runs), "subflow run")]
    total = ", ".join(plural(count, noun) for count, noun in kinds if count)
    first = note(f"the newest {total}" if below.cut else total)
    return Text("   ").join([first, *parts])


def _parent(run: Run) -> str | None:
    if run.parent_task_run_id is not None:
        return run.parent_task_run_id
    return run.flow_run_id if isinstance(run, TaskRun) else run.parent_flow_run_id


def _chosen(runs: Sequence[Run]) -> list[Run]:
    if len(runs) <= _DRAWN:
        return list(runs)
    wrong = [run for run in runs if run.state_type in UNSUCCESSFUL][:_DRAWN]
    well = [run for run in runs if run.state_type not in UNSUCCESSFUL][: _DRAWN - len(wrong)]
    return sorted(wrong + well, key=_age)


def _line(run: Run, is_lost: bool) -> "Text":
    is_open = run.state_type not in (*FINAL, StateType.PAUSED)
    line = lost_text(run.state_name) if is_lost and is_open else state_text(run.state_type, run.state_name)
    if isinstance(run, FlowRun):
        line.append(f"  {run.flow_name}", style="bold default")
        line.append(f"  {one_line(run.name)}", style="default not bold")
    else:
        line.append(f"  {one_line(run.name)}", style="default not bold")
    line.append(f"  {duration_text(duration_of(run))}", style="dim default not bold")
    if run.run_count > 1:
        line.append(f"  {run.run_count} attempts", style="dim default not bold")
    return line
