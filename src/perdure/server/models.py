"""What the API answers: records with their times as text, and their JSON as JSON."""

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from perdure.core.clock import Micros, to_datetime
from perdure.core.records import FlowRun
from perdure.core.states import StateType


class StateModel(BaseModel):
    """Where a run stands."""

    type: StateType
    name: str
    message: str | None
    time: datetime


class FlowRunModel(BaseModel):
    """A flow run."""

    id: str
    name: str
    flow_name: str
    flow_version: str | None
    parent_flow_run_id: str | None
    parent_task_run_id: str | None
    tags: list[str]
    parameters: dict[str, Any]
    created: datetime
    state: StateModel | None
    started: datetime | None
    ended: datetime | None
    run_count: int

    @classmethod
    def of(cls, run: FlowRun) -> "FlowRunModel":
        """The model of a record."""
        return cls(
            **{
                field: getattr(run, field) for field in FlowRun._fields if field in cls.model_fields and field in _PLAIN
            },
            tags=json.loads(run.tags),
            parameters=json.loads(run.parameters),
            created=to_datetime(run.created),
            state=state_of(run.state_type, run.state_name, run.state_message, run.state_time),
            started=time_of(run.started),
            ended=time_of(run.ended),
        )


_PLAIN = {
    *("id", "name", "flow_name", "flow_version", "parent_flow_run_id", "parent_task_run_id"),
    *("task_name", "task_key", "flow_run_id", "run_count"),
}


def state_of(type: StateType | None, name: str | None, message: str | None, time: Micros | None) -> StateModel | None:
    """The model of a state's columns."""
    if type is None or name is None or time is None:
        return None
    return StateModel(type=type, name=name, message=message, time=to_datetime(time))


def time_of(micros: Micros | None) -> datetime | None:
    """A time that may not be known."""
    return None if micros is None else to_datetime(micros)
