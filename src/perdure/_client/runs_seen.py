"""Runs and flows as clients see them, with the names that Prefect has for their fields."""

import json
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from perdure._model.dumped import Dumped
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.clock import to_datetime
from perdure._results.lookup import state_of_run
from perdure._rooms.runs.records import FlowRun, TaskRun

__all__ = ["FlowRunSeen", "FlowSeen", "TaskRunSeen"]

RunT = TypeVar("RunT", FlowRun, TaskRun)


class _Seen(Dumped, Generic[RunT]):
    """What flow runs and task runs are asked alike."""

    dumped: ClassVar[tuple[str, ...]] = (
        *("id", "name", "tags", "created", "run_count", "state_type", "state_name", "start_time", "end_time"),
    )

    def __init__(self, run: RunT) -> None:
        self._run: RunT = run
        self.id = run.id
        self.name = run.name
        self.created: datetime = to_datetime(run.created)
        self.run_count = run.run_count
        self.state_type: StateType | None = run.state_type
        self.state_name = run.state_name

    @property
    def tags(self) -> list[str]:
        """The run's tags."""
        return list(json.loads(self._run.tags))

    @property
    def start_time(self) -> datetime | None:
        """When it first ran, in UTC."""
        return None if self._run.started is None else to_datetime(self._run.started)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return None if self._run.ended is None else to_datetime(self._run.ended)

    @property
    def total_run_time(self) -> timedelta:
        """From when it first ran to its end; nothing for one that has not ended."""
        started, ended = self.start_time, self.end_time
        return timedelta(0) if started is None or ended is None else ended - started

    @cached_property
    def state(self) -> State[Any] | None:
        """The state in which it was when it was read, with its result; None if it has not begun."""
        return None if self._run.state_type is None else state_of_run(self._run)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.id} {self.state_name}>"


class FlowRunSeen(_Seen[FlowRun]):
    """A flow run, as it was when it was read."""

    dumped = (*_Seen.dumped, "flow_id", "flow_name", "flow_version", "parameters", "deployment_id")

    def __init__(self, run: FlowRun) -> None:
        super().__init__(run)
        self.flow_id = self.flow_name = run.flow_name
        self.flow_version = run.flow_version
        self.parent_task_run_id = run.parent_task_run_id
        self.deployment_id: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, as far as they are shown of it."""
        return dict(json.loads(self._run.parameters))


class TaskRunSeen(_Seen[TaskRun]):
    """A task run, as it was when it was read."""

    def __init__(self, run: TaskRun) -> None:
        super().__init__(run)
        self.task_key = run.task_key
        self.task_name = run.task_name
        self.flow_run_id = run.flow_run_id


class FlowSeen:
    """A flow that has runs; its id is its name."""

    def __init__(self, name: str) -> None:
        self.id = self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
