"""States, for code that makes or names them: `return Completed(message="nothing to do")`."""

from perdure.core.states import (
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    State,
    StateType,
)

__all__ = [
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "Paused",
    "Pending",
    "Running",
    "Scheduled",
    "State",
    "StateType",
]
