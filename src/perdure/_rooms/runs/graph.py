"""The calls of a flow run as a graph: runs, their callers, and the data flow."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from perdure._http.models import StateModel, state_of, time_of
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.embedded import EmbeddedOrchestrator

_ASKED = 1_000  # runs whose inputs are asked for together


class Node(BaseModel):
    """A run."""

    id: str
    kind: Literal["flow run", "task run"]
    name: str
    of: str  # the flow or the task
    parent_id: str | None  # the run that called it
    state: StateModel | None
    started: datetime | None
    ended: datetime | None


class Edge(BaseModel):
    """A run's result went into another run."""

    source_id: str
    target_id: str
    name: str  # the parameter; "wait_for" for a run that was only waited for


class Graph(BaseModel):
    """Runs, oldest first, and the edges between them; only the newest runs if there are more than the limit."""

    nodes: list[Node]
    edges: list[Edge]
    is_complete: bool


def graph_of(root: FlowRun, known: EmbeddedOrchestrator, limit: int) -> Graph:
    """The graph of a flow run and all below it, up to `limit` runs."""
    runs: list[FlowRun | TaskRun] = []
    level: tuple[str, ...] = (root.id,)
    is_complete = True
    while level and is_complete:
        wanted = RunFilter(flow_run_ids=level, limit=limit + 1)
        subflows = known.flow_runs(wanted)
        runs += [*subflows, *known.task_runs(wanted)]
        is_complete = len(runs) <= limit
        level = tuple(run.id for run in subflows)
    del runs[limit:]
    runs.sort(key=lambda run: (run.created, run.id))
    return Graph(
        nodes=[_node(run) for run in (root, *runs)],
        edges=_edges([run.id for run in runs], known),
        is_complete=is_complete,
    )


def _node(run: FlowRun | TaskRun) -> Node:
    is_flow = isinstance(run, FlowRun)
    return Node(
        id=run.id,
        kind="flow run" if is_flow else "task run",
        name=run.name,
        of=run.flow_name if isinstance(run, FlowRun) else run.task_name,
        parent_id=run.parent_task_run_id or (run.parent_flow_run_id if isinstance(run, FlowRun) else run.flow_run_id),
        state=state_of(run),
        started=time_of(run.started),
        ended=time_of(run.ended),
    )


def _edges(ids: Sequence[str], known: EmbeddedOrchestrator) -> list[Edge]:
    shown = set(ids)
    inputs = (
        each
        for start in range(0, len(ids), _ASKED)
        for each in known.inputs_of(ids[start : start + _ASKED])
        if each.source_id in shown
    )
    return [Edge(source_id=each.source_id, target_id=each.run_id, name=each.name) for each in inputs]
