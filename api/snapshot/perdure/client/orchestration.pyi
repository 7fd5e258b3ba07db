__all__ = [
    "FlowRunSeen",
    "FlowSeen",
    "RunsClient",
    "SyncRunsClient",
    "TaskRunSeen",
    "get_client",
]

class FlowRunSeen(_Seen[FlowRun]):
    def __init__(self, run: FlowRun) -> None: ...
    created: datetime
    deployment_id: str | None
    dict = model_dump
    dumped: object
    @property
    def end_time(self) -> datetime | None: ...
    flow_id: object
    flow_name: object
    flow_version: object
    id: object
    def model_dump(self) -> Mapping[str, object]: ...
    name: object
    @property
    def parameters(self) -> dict[str, Any]: ...
    parent_task_run_id: object
    run_count: object
    @property
    def start_time(self) -> datetime | None: ...
    @property
    def state(self) -> State[Any] | None: ...
    state_name: object
    state_type: StateType | None
    @property
    def tags(self) -> list[str]: ...
    @property
    def total_run_time(self) -> timedelta: ...

class FlowSeen:
    def __init__(self, name: str) -> None: ...
    id: object
    name: object

from perdure.client import RunsClient as RunsClient

from perdure.client import SyncRunsClient as SyncRunsClient

class TaskRunSeen(_Seen[TaskRun]):
    def __init__(self, run: TaskRun) -> None: ...
    created: datetime
    dict = model_dump
    dumped: tuple[str, ...]
    @property
    def end_time(self) -> datetime | None: ...
    flow_run_id: object
    id: object
    def model_dump(self) -> Mapping[str, object]: ...
    name: object
    run_count: object
    @property
    def start_time(self) -> datetime | None: ...
    @property
    def state(self) -> State[Any] | None: ...
    state_name: object
    state_type: StateType | None
    @property
    def tags(self) -> list[str]: ...
    task_key: object
    task_name: object
    @property
    def total_run_time(self) -> timedelta: ...

from perdure import get_client as get_client
