"""Shapes of what `get_client` is asked for and answers with, under the paths that users of Prefect know."""

from perdure.core.records import FlowRun, TaskRun
from perdure.core.states import State, StateType

__all__ = ["FlowRun", "State", "StateType", "TaskRun"]
