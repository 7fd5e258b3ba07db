__all__ = [
    "FlowRun",
    "State",
    "StateType",
    "TaskRun",
]

from perdure.records import FlowRun as FlowRun

from perdure import State as State

from perdure.states import StateType as StateType

from perdure.records import TaskRun as TaskRun
