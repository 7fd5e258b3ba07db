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

AwaitingRetry: object

Cancelled: object

Cancelling: object

Completed: object

Crashed: object

Failed: object

Late: object

def Paused(
    message: str | None = None,
    data: Any = None,
    *,
    timeout_seconds: float | None = None,
    pause_expiration_time: datetime | None = None,
    reschedule: bool = False,
    pause_key: str | None = None,
    **fields: Any,
) -> State[Any]: ...

Pending: object

Retrying: object

Running: object

def Scheduled(
    message: str | None = None,
    data: object = None,
    *,
    scheduled_time: datetime | None = None,
    **fields: Any,
) -> State[Any]: ...

from perdure import State as State

class StateDetails:
    def __init__(
        self,
        *,
        flow_run_id: str | None = None,
        task_run_id: str | None = None,
        child_flow_run_id: str | None = None,
        scheduled_time: datetime | None = None,
        cache_key: str | None = None,
        cache_expiration: datetime | None = None,
        pause_timeout: datetime | None = None,
        pause_reschedule: bool = False,
        pause_key: str | None = None,
    ) -> None: ...
    cache_expiration: datetime | None = None
    cache_key: str | None = None
    child_flow_run_id: str | None = None
    flow_run_id: str | None = None
    pause_key: str | None = None
    pause_reschedule: bool = False
    pause_timeout: datetime | None = None
    scheduled_time: datetime | None = None
    task_run_id: str | None = None

class StateGroup:
    def __init__(self, states: Iterable[State[Any]]) -> None: ...
    def all_completed(self) -> bool: ...
    def all_final(self) -> bool: ...
    def any_cancelled(self) -> bool: ...
    def any_failed(self) -> bool: ...
    def any_paused(self) -> bool: ...
    cancelled_count: object
    def counts_message(self) -> str: ...
    fail_count: object
    not_final_count: object
    paused_count: object
    states: object
    total_count: object
    type_counts: object

class StateType(enum.StrEnum):
    CANCELLED = 'CANCELLED'
    CANCELLING = 'CANCELLING'
    COMPLETED = 'COMPLETED'
    CRASHED = 'CRASHED'
    FAILED = 'FAILED'
    PAUSED = 'PAUSED'
    PENDING = 'PENDING'
    RUNNING = 'RUNNING'
    SCHEDULED = 'SCHEDULED'

Suspended: object

def get_state_exception(
    state: State[object],
) -> BaseException | Coroutine[object, Never, BaseException]: ...

def is_state(obj: object) -> TypeGuard[State[Any]]: ...

def is_state_iterable(
    obj: object,
) -> TypeGuard[list[State[Any]] | tuple[State[Any], ...] | set[State[Any]]]: ...

def raise_state_exception(state: State[object]) -> Coroutine[object, Never, None] | None: ...
