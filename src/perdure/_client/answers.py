"""What `get_client` answers of changes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from perdure._model.states import State


class SetStateStatus(StrEnum):
    """What became of a change of a run's state. What is not done as asked is an error here: only ACCEPT is given."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


@dataclass(frozen=True)
class OrchestrationResult:
    """A change of a run's state that was made."""

    state: State[Any] | None  # in which the run is now
    status: SetStateStatus = SetStateStatus.ACCEPT
