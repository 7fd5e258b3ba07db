"""The types of state."""

import enum


class StateType(enum.StrEnum):
    """The types of state."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    PAUSED = "PAUSED"


S = StateType
ROLLED_BACK = "RolledBack"  # the name of the state that follows Completed when the run's transaction is rolled back
FINAL = frozenset({S.COMPLETED, S.FAILED, S.CRASHED, S.CANCELLED})
UNSUCCESSFUL = frozenset({S.FAILED, S.CRASHED, S.CANCELLED})

ABANDONED = "Abandoned"  # the name of the state of a crashed run that nobody will resume
