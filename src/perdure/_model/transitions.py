"""Which state may follow which: the one table of transitions."""

from perdure._model.errors import InvalidTransition
from perdure._model.state_types import StateType

S = StateType

# A run that has ended may begin again (SCHEDULED, PENDING): that is what resuming it means.
_BEGIN = frozenset({S.SCHEDULED, S.PENDING})
_END = frozenset({S.FAILED, S.CRASHED, S.CANCELLED, S.COMPLETED})
TRANSITIONS: dict[StateType | None, frozenset[StateType]] = {
    None: _BEGIN,
    S.SCHEDULED: _BEGIN | _END | {S.RUNNING, S.PAUSED, S.CANCELLING},
    S.PENDING: _BEGIN | _END | {S.RUNNING, S.PAUSED, S.CANCELLING},
    S.RUNNING: _BEGIN | _END | {S.RUNNING, S.PAUSED, S.CANCELLING},
    S.PAUSED: _END | {S.RUNNING, S.SCHEDULED, S.CANCELLING},
    S.CANCELLING: frozenset({S.CANCELLED, S.CRASHED, S.FAILED, S.COMPLETED}),
    S.COMPLETED: frozenset(),
    S.FAILED: _BEGIN,
    S.CRASHED: _BEGIN,
    S.CANCELLED: _BEGIN,
}


def check_transition(before: StateType | None, after: StateType) -> None:
    """Raise `InvalidTransition` unless a run may go from `before` (None: not begun) to `after`."""
    if after not in TRANSITIONS[before]:
        allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing: it has completed"
        raise InvalidTransition(
            f"A run cannot go from {before or 'its start'} to {after}; what may follow is {allowed}."
        )
