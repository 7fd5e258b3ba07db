__all__ = [
    "FlowRunContext",
    "TaskRunContext",
    "get_run_context",
    "tags",
]

class FlowRunContext(_Run[FlowOptions]):
    def __init__(self, **fields: Any) -> None: ...
    def add_child(self) -> int: ...
    began: Micros | None = None
    def begin_attempt(self) -> None: ...
    begun: dict[str, list[str]] = {}
    borrowed: set[str] = set()
    claim: str | None = None
    @property
    def claim_of_root(self) -> Owner: ...
    collect = True
    created = created
    @property
    def deployment_id(self) -> str | None: ...
    earlier: dict[str, ResultRecord] = {}
    @property
    def end_time(self) -> datetime | None: ...
    epoch = 1
    finished: dict[str, State[Any]] = {}
    @property
    def flow(self) -> FlowRunContext: ...
    @property
    def flow_id(self) -> str: ...
    @property
    def flow_name(self) -> str: ...
    @property
    def flow_run(self) -> FlowRunContext: ...
    generation = forks.generation
    @staticmethod
    def get() -> FlowRunContext | None: ...
    goes_on_from: tuple[str, ...] = ()
    has_all_parameters = True
    id = id
    identities: dict[str, str] = {}
    identity: str | None = None
    interrupt: BaseException | None = None
    is_drawn = False
    is_durable: bool
    @property
    def is_flow(self) -> bool: ...
    @property
    def is_in_fork(self) -> bool: ...
    def is_own(self, identity: str) -> bool: ...
    items: Any = None
    name = name
    def occurrence(self, key: str) -> int: ...
    options = options
    owner = owner
    parameters = parameters
    parent = parent
    @property
    def parent_task_run_id(self) -> str | None: ...
    passed: Passed | None = None
    persisted = persisted
    place: int | None = None
    retries_failed = False
    @property
    def root(self) -> FlowRunContext: ...
    run_count = 0
    serializer: Any = None
    @property
    def start_time(self) -> datetime | None: ...
    state: State[Any] | None = None
    @property
    def state_name(self) -> str | None: ...
    @property
    def state_type(self) -> StateType | None: ...
    steering: Steering = Steering() if above is None else above.steering
    step: str | None = None
    stopping = False
    storage: Any = None
    tags = tags
    task_runner: Any = None
    transaction: Any = None
    turns: Any = None
    undigested: set[str] = set()
    waits: dict[str, WaitRecord] = {}

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
    began: Micros | None = None
    claim: str | None = None
    collect = True
    created = created
    @property
    def end_time(self) -> datetime | None: ...
    flow: FlowRunContext | None
    @property
    def flow_run_id(self) -> str | None: ...
    generation = forks.generation
    @staticmethod
    def get() -> TaskRunContext | None: ...
    id = id
    identity: str | None = None
    is_drawn = False
    @property
    def is_flow(self) -> bool: ...
    @property
    def is_in_fork(self) -> bool: ...
    items: Any = None
    name = name
    options = options
    owner = owner
    parameters = parameters
    parent = parent
    passed: Passed | None = None
    persisted = persisted
    place: int | None = None
    run_count = 0
    serializer: Any = None
    @property
    def start_time(self) -> datetime | None: ...
    state: State[Any] | None = None
    @property
    def state_name(self) -> str | None: ...
    @property
    def state_type(self) -> StateType | None: ...
    step: str | None = None
    storage: Any = None
    tags = tags
    @property
    def task(self) -> Any: ...
    @property
    def task_key(self) -> str: ...
    @property
    def task_run(self) -> TaskRunContext: ...
    transaction: Any = None

def get_run_context() -> RunContext: ...

from perdure import tags as tags
