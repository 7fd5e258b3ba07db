"""Rows and filters of runs."""

from typing import Annotated

from perdure._model.fields import Id, JsonObject, Small, Tags
from perdure._model.filters import OfIds, Rows
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

_STATE = "coalesce(state_type, '')"  # of the run now
_FINAL = ", ".join(sorted(f"'{kind}'" for kind in FINAL))


class FlowRun(NamedTuple):
    """A flow run as the orchestrator knows it."""

    id: Id
    name: str
    flow_name: str
    flow_version: str | None
    parent_flow_run_id: Id | None
    parent_task_run_id: Id | None
    tags: Tags
    parameters: JsonObject
    created: Micros
    state_type: StateType | None
    state_name: str | None
    state_message: str | None
    state_time: Micros | None
    started: Micros | None  # first time RUNNING
    ended: Micros | None  # when the latest state is final
    run_count: Small  # how many times RUNNING


class TaskRun(NamedTuple):
    """A task run as the orchestrator knows it."""

    id: Id
    name: str
    task_name: str
    task_key: str
    flow_run_id: Id | None
    parent_task_run_id: Id | None
    tags: Tags
    created: Micros
    state_type: StateType | None
    state_name: str | None
    state_message: str | None
    state_time: Micros | None
    started: Micros | None
    ended: Micros | None
    run_count: Small


class RunCount(NamedTuple):
    """How much is recorded of a run."""

    run_id: Id
    states: int
    logs: int  # lines; those of task runs within flow runs count for the flow run


class FailureFilter(NamedTuple):
    """Which flow runs that failed or crashed."""

    of: str | None = None  # the flow's name, in either spelling; of all flows, only runs that no other called count
    after: Micros | None = None  # created at or after
    before: Micros | None = None  # created before
    limit: int = 30_000  # the newest of each of the two states that are looked at
    tags: tuple[str, ...] = ()  # all of them
    step: Micros | None = None  # count apart what failed in each of equal steps, as long as this, of the time
    first_step: Micros = 0  # when the first of them begins


class FailureCount(NamedTuple):
    """Flow runs of one flow that failed, or crashed, with the same exception and message."""

    flow_name: str
    state_type: StateType
    type: str | None  # the exception's Python type, if a result was recorded
    message: str | None  # of the state, its beginning; of a flow that only counts its failed states, the first one's
    runs: Small
    newest_id: Id
    first: Micros  # when the first of them failed
    last: Micros
    step: int = 0  # in which of the filter's steps, from 0 on
    from_task: bool = False  # whether the message may be that of a task run


class RunFilter(NamedTuple):
    """Which runs, newest first. A field that is None or empty does not filter."""

    ids: Annotated[tuple[str, ...], OfIds("id")] = ()  # whole ids or their beginnings
    name: Annotated[str | None, Rows("name = {}")] = None  # the run's exact name
    of: str | None = None  # the task's exact name, or the flow's by either of its spellings
    states: tuple[StateType, ...] = ()
    ended: Annotated[bool | None, Rows(f"{_STATE} IN ({_FINAL})", otherwise=f"{_STATE} NOT IN ({_FINAL})")] = None
    flow_run_ids: tuple[str, ...] = ()  # task runs: of these flow runs; flow runs: children of these
    tags: tuple[str, ...] = ()  # all of them
    after: Micros | None = None  # created at or after
    before: Micros | None = None  # created before
    # With ids before this one: to continue from the last one of a page.
    older_than: Annotated[str | None, Rows("id < {}")] = None
    limit: int | None = None
    newer_than: str | None = None  # with ids after this one
    until: str | None = None  # up to this id, with it, in the order that is asked for
    oldest_first: bool = False
    name_part: str | None = None  # somewhere in the run's name
    parameters_part: str | None = None  # of flow runs: somewhere in their parameters, as JSON
    outermost: bool | None = None  # of flow runs: whether no other run called them
    started_after: Micros | None = None  # first ran at or after
    started_before: Micros | None = None
    ended_after: Micros | None = None
    ended_before: Micros | None = None
    text: str | None = None  # somewhere in its name, that of its flow or task, its message or tags, in any case
