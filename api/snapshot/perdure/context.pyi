__all__ = [
    "FlowRunContext",
    "TaskRunContext",
    "get_run_context",
    "tags",
]

class FlowRunContext(_Run[FlowOptions]):
    def __init__(self, **fields: Any) -> None: ...
    def add_child(self) -> int: ...
    began: Micros | None
    def begin_attempt(self) -> None: ...
    begun: dict[str, list[str]]
    borrowed: set[str]
    claim: str | None
    @property
    def claim_of_root(self) -> Owner: ...
    collect: object
    controller: RunController
    created: object
    @property
    def deployment_id(self) -> str | None: ...
    dict = model_dump
    dumped = (*_Run.dumped, 'flow_id', 'flow_name', 'deployment_id')
    earlier: dict[str, ResultRecord]
    @property
    def end_time(self) -> datetime | None: ...
    epoch: object
    finished: dict[str, State[object]]
    @property
    def flow(self) -> FlowRunContext: ...
    @property
    def flow_id(self) -> str: ...
    @property
    def flow_name(self) -> str: ...
    @property
    def flow_run(self) -> FlowRunContext: ...
    generation: object
    @staticmethod
    def get() -> FlowRunContext | None: ...
    has_all_parameters: object
    id: object
    identities: dict[str, str]
    identity: str | None
    interrupt: BaseException | None
    is_drawn = False
    is_durable: bool
    @property
    def is_flow(self) -> bool: ...
    @property
    def is_in_fork(self) -> bool: ...
    def is_own(self, identity: str) -> bool: ...
    items: Any
    def model_dump(self) -> Mapping[str, object]: ...
    name: object
    def occurrence(self, key: str) -> int: ...
    options: object
    owner: object
    parameters: object
    parent: object
    @property
    def parent_task_run_id(self) -> str | None: ...
    passed: Passed | None
    persisted: object
    place: int | None
    resumed_from: tuple[str, ...]
    retries_failed: object
    reuses: Reuse | None
    @property
    def root(self) -> FlowRunContext: ...
    run_count: object
    runs_again: frozenset[str]
    serializer: Any
    @property
    def start_time(self) -> datetime | None: ...
    state: State[object] | None
    @property
    def state_name(self) -> str | None: ...
    @property
    def state_type(self) -> StateType | None: ...
    step: str | None
    stopping: object
    storage: Any
    tags: object
    task_runner: Any
    transaction: Any
    turns: Any
    undigested: set[str]
    waits: dict[str, WaitRecord]

class TaskRunContext(_Run[TaskOptions]):
    def __init__(
        self,
        id: str,
        name: str,
        owner: Any,
        options: OptionsT,
        parameters: dict[str, Any],
        tags: frozenset[str],
        parent: RunContext | None,
        created: Micros,
        persisted: bool = False,
    ) -> None: ...
    began: Micros | None
    claim: str | None
    collect: object
    created: object
    dict = model_dump
    dumped: tuple[str, ...]
    @property
    def end_time(self) -> datetime | None: ...
    flow: FlowRunContext | None
    @property
    def flow_run_id(self) -> str | None: ...
    generation: object
    @staticmethod
    def get() -> TaskRunContext | None: ...
    id: object
    identity: str | None
    is_drawn = False
    @property
    def is_flow(self) -> bool: ...
    @property
    def is_in_fork(self) -> bool: ...
    items: Any
    def model_dump(self) -> Mapping[str, object]: ...
    name: object
    options: object
    owner: object
    parameters: object
    parent: object
    passed: Passed | None
    persisted: object
    place: int | None
    run_count: object
    serializer: Any
    @property
    def start_time(self) -> datetime | None: ...
    state: State[object] | None
    @property
    def state_name(self) -> str | None: ...
    @property
    def state_type(self) -> StateType | None: ...
    step: str | None
    storage: Any
    tags: object
    @property
    def task(self) -> Any: ...
    @property
    def task_key(self) -> str: ...
    @property
    def task_run(self) -> TaskRunContext: ...
    transaction: Any

def get_run_context() -> RunContext: ...

from perdure import tags as tags
