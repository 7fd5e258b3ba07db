__all__ = [
    "OrchestrationResult",
    "SetStateStatus",
]

class OrchestrationResult:
    def __init__(self, state: State[Any] | None, status: SetStateStatus = SetStateStatus.ACCEPT) -> None: ...
    state: State[Any] | None
    status: SetStateStatus = SetStateStatus.ACCEPT

class SetStateStatus(StrEnum):
    ABORT = 'ABORT'
    ACCEPT = 'ACCEPT'
    REJECT = 'REJECT'
    WAIT = 'WAIT'
