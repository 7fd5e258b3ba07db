"""States, for code that makes, names or looks at them: `return Completed(message="nothing to do")`."""

from perdure._model.state_details import StateDetails
from perdure._model.state_types import StateType
from perdure._model.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Late,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    Suspended,
)
from perdure._platform.moved import export
from perdure._run.state_functions import (
    StateGroup,
    get_state_exception,
    is_state,
    is_state_iterable,
    raise_state_exception,
)

__all__ = [
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "State",
    "StateDetails",
    "StateGroup",
    "StateType",
    "Suspended",
    "get_state_exception",
    "is_state",
    "is_state_iterable",
    "raise_state_exception",
]

export(globals())
