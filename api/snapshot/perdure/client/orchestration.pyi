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
    created: datetime = to_datetime(run.created)
    deployment_id: str | None = None
    @property
    def end_time(self) -> datetime | None: ...
    flow_id = run.flow_name
    flow_name = run.flow_name
    flow_version = run.flow_version
    id = run.id
    name = run.name
    @property
    def parameters(self) -> dict[str, Any]: ...
    parent_task_run_id = run.parent_task_run_id
    run_count = run.run_count
    @property
    def start_time(self) -> datetime | None: ...
    @property
    def state(self) -> State[Any] | None: ...
    state_name = run.state_name
    state_type: StateType | None = run.state_type
    @property
    def tags(self) -> list[str]: ...
    @property
    def total_run_time(self) -> timedelta: ...

class FlowSeen:
    def __init__(self, name: str) -> None: ...
    id = name
    name = name

from perdure.client import RunsClient as RunsClient

from perdure.client import SyncRunsClient as SyncRunsClient

class TaskRunSeen(_Seen[TaskRun]):
    def __init__(self, run: TaskRun) -> None: ...
    created: datetime = to_datetime(run.created)
    @property
    def end_time(self) -> datetime | None: ...
    flow_run_id = run.flow_run_id
    id = run.id
    name = run.name
    run_count = run.run_count
    @property
    def start_time(self) -> datetime | None: ...
    @property
    def state(self) -> State[Any] | None: ...
    state_name = run.state_name
    state_type: StateType | None = run.state_type
    @property
    def tags(self) -> list[str]: ...
    task_key = run.task_key
    task_name = run.task_name
    @property
    def total_run_time(self) -> timedelta: ...

from perdure import get_client as get_client
