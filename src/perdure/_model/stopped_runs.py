"""Runs that were stopped from outside: what is recorded of them, and how that is known again.

A crash has an exception of its own, or none: then the process was lost, or the run was given up or taken over. Such an
end says in its message which state was the last that was recorded, and nothing else says so.
"""

from perdure._model.state_types import StateType

_LAST = "Its last recorded state was"


def last_state(name: str | None) -> str:
    """What the message of a run says that was stopped in a state; None if it had not begun."""
    return f"{_LAST} {name or 'not begun'}."


def was_stopped(type: StateType | None, message: str | None) -> bool:
    """Whether a run that is in a state, with a message, was stopped from outside: its process ended some time before,
    and no call of it is to blame."""
    return type is StateType.CRASHED and _LAST in (message or "")
