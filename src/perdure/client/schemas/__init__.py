"""Shapes of what `get_client` is asked for and answers with, under the paths that users of Prefect know."""

from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._platform.moved import export
from perdure._rooms.runs.records import FlowRun, TaskRun

__all__ = ["FlowRun", "State", "StateType", "TaskRun"]

export(globals())
