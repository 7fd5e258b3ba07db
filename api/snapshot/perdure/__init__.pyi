__all__ = [
    "AsyncFuture",
    "CachePolicy",
    "DEFAULT",
    "FLOW_PARAMETERS",
    "Flow",
    "Future",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "State",
    "TASK_SOURCE",
    "Task",
    "Transaction",
    "__version__",
    "allow_failure",
    "cancel_flow_run",
    "concurrency",
    "continue_flow_run",
    "deploy",
    "exponential_backoff",
    "flow",
    "get_client",
    "get_run_logger",
    "get_transaction",
    "pause_flow_run",
    "quote",
    "rate_limit",
    "resume_flow_run",
    "serve",
    "sleep",
    "sleep_until",
    "suspend_flow_run",
    "tags",
    "task",
    "task_input_hash",
    "transaction",
    "unmapped",
]

class AsyncFuture(_Handle[R_co]):
    def __init__(self, task_run_id: str, state: State[Any] | None = None) -> None: ...
    async def ablock(self) -> None: ...
    def arrive(self, state: State[object]) -> None: ...
    begin: Callable[[], object] | None
    def block(self, timeout: float | None = None) -> bool: ...
    depends_on: Sequence[Pending]
    ended: object
    def get_state(self) -> State[R_co]: ...
    @property
    def is_done(self) -> bool: ...
    def leave_to_parent(self) -> None: ...
    loop: Any
    def prepare_to_block(self, is_limited: bool) -> None: ...
    @overload
    async def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R_co: ...
    @overload
    async def result(
        self,
        timeout: float | None = None,
        raise_on_failure: bool = True,
    ) -> R_co | BaseException: ...
    async def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any: ...
    @property
    def state(self) -> State[R_co]: ...
    task_run_id: object
    @overload
    async def wait(self, timeout: None = None) -> State[R_co]: ...
    @overload
    async def wait(self, timeout: float | None) -> State[R_co] | None: ...
    async def wait(self, timeout: float | None = None) -> State[R_co] | None: ...
    def when_done(self, callback: Callable[[], None]) -> None: ...

class CachePolicy:
    def components(
        self,
        context: TaskRunContext,
        parameters: dict[str, Any],
    ) -> Mapping[str, object] | None: ...
    def configure(
        self,
        key_storage: object = None,
        lock_manager: object = None,
        isolation_level: object = None,
    ) -> CachePolicy: ...
    @property
    def parts(self) -> tuple[CachePolicy, ...]: ...
    def without(self, _: str) -> CachePolicy: ...

DEFAULT: object

FLOW_PARAMETERS: object

class Flow(Submittable[FlowOptions, P, R], OptionsOfFlows, Deployable, Generic[P, R]):
    def __init__(self, fn: Callable[P, R], name: str | None = None, **options: Any) -> None: ...
    @overload
    def __call__(
        self: Flow[P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, State[T]]: ...
    @overload
    def __call__(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, /, *args: Any, wait_for: WaitFor, **kwargs: Any) -> R: ...
    def __call__(
        self,
        /,
        *args: Any,
        return_state: bool = False,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Any: ...
    @property
    def cache_result_in_memory(self) -> bool: ...
    calls_refused: str | None = None
    def deploy(self, name: str, **options: Any) -> Deployment: ...
    @property
    def description(self) -> str | None: ...
    @property
    def durable(self) -> bool: ...
    @property
    def flow_run_name(self) -> str | Callable[..., str] | None: ...
    @property
    def fn(self) -> Callable[P, R]: ...
    @staticmethod
    def from_source(source: Any, entrypoint: str) -> Any: ...
    @property
    def idempotency_key(self) -> str | None: ...
    @property
    def isasync(self) -> bool: ...
    kind = 'flow'
    @property
    def log_prints(self) -> bool | None: ...
    @overload
    def map(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, list[State[T]]]: ...
    @overload
    def map(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> list[State[R]]: ...
    @overload
    def map(
        self: Submittable[Any, P, Never],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> MappedFutures[Any]: ...
    @overload
    def map(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> AsyncMappedFutures[T]: ...
    @overload
    def map(self, /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any) -> MappedFutures[R]: ...
    def map(
        self,
        /,
        *args: Any,
        return_state: bool = False,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Any: ...
    @property
    def name(self) -> str: ...
    def on_cancellation(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_cancellation_hooks(self) -> list[Hook]: ...
    def on_completion(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_completion_hooks(self) -> list[Hook]: ...
    @property
    def on_crash(self) -> str | None: ...
    def on_crashed(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_crashed_hooks(self) -> list[Hook]: ...
    def on_failure(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_failure_hooks(self) -> list[Hook]: ...
    def on_running(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_running_hooks(self) -> list[Hook]: ...
    options: Options
    @property
    def persist_result(self) -> bool | None: ...
    def rerun(
        self,
        flow_run_id: str | UUID,
        *,
        from_step: str | UUID | None = None,
        parameters: Mapping[str, object] | None = None,
        return_state: bool = False,
    ) -> Any: ...
    @property
    def result_retention(self) -> Retention | None: ...
    @property
    def result_serializer(self) -> object: ...
    @property
    def result_storage(self) -> object: ...
    def resume(
        self,
        flow_run_id: str | UUID,
        *,
        retry_failed: bool = False,
        take_over: bool = False,
        return_state: bool = False,
    ) -> Any: ...
    @property
    def retries(self) -> int: ...
    @property
    def retry_delay_seconds(self) -> RetryDelay | None: ...
    def serve(
        self,
        name: str | None = None,
        *,
        limit: int | None = None,
        global_limit: int | None = None,
        print_starting_message: bool = True,
        **options: Any,
    ) -> Any: ...
    @property
    def should_validate_parameters(self) -> bool: ...
    @property
    def step_id(self) -> str | None: ...
    @overload
    def submit(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, State[T]]: ...
    @overload
    def submit(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def submit(
        self: Submittable[Any, P, Never],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Future[Any]: ...
    @overload
    def submit(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> AsyncFuture[T]: ...
    @overload
    def submit(self, /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any) -> Future[R]: ...
    def submit(
        self,
        /,
        *args: Any,
        return_state: bool = False,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Any: ...
    @property
    def tags(self) -> frozenset[str]: ...
    @property
    def task_runner(self) -> TaskRunner | None: ...
    @property
    def timeout_seconds(self) -> float | None: ...
    def to_deployment(
        self,
        name: str,
        *,
        cron: str | Iterable[str] | None = None,
        interval: float | timedelta | Iterable[float | timedelta] | None = None,
        rrule: str | Iterable[str] | None = None,
        schedule: Schedule | None = None,
        schedules: Iterable[Schedule] | None = None,
        timezone: str = 'UTC',
        parameters: Mapping[str, object] | None = None,
        description: str | None = None,
        tags: Iterable[str] = (),
        partitions: Partitions | None = None,
        work_pool: str | None = None,
        work_queue: str | None = None,
        concurrency_limit: int | None = None,
        overlap: Overlap = 'queue',
        priority: int = 100,
        paused: bool = False,
        job_variables: Mapping[str, object] | None = None,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        anchor_date: datetime | None = None,
        version: str | None = None,
        source: str | Bundle | None = None,
        **others: object,
    ) -> DeployedFlow: ...
    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]: ...
    @property
    def version(self) -> str | None: ...
    def visualize(self, *args: Any, **kwargs: Any) -> Any: ...
    def with_options(self, **options: object) -> Self: ...

class Future(_Handle[R_co]):
    def __init__(self, task_run_id: str, state: State[Any] | None = None) -> None: ...
    async def ablock(self) -> None: ...
    def arrive(self, state: State[object]) -> None: ...
    begin: Callable[[], object] | None
    def block(self, timeout: float | None = None) -> bool: ...
    depends_on: Sequence[Pending]
    ended: object
    def get_state(self) -> State[R_co]: ...
    @property
    def is_done(self) -> bool: ...
    def leave_to_parent(self) -> None: ...
    loop: Any
    def prepare_to_block(self, is_limited: bool) -> None: ...
    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R_co: ...
    @overload
    def result(
        self,
        timeout: float | None = None,
        raise_on_failure: bool = True,
    ) -> R_co | BaseException: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any: ...
    @property
    def state(self) -> State[R_co]: ...
    task_run_id: object
    @overload
    def wait(self, timeout: None = None) -> State[R_co]: ...
    @overload
    def wait(self, timeout: float | None) -> State[R_co] | None: ...
    def wait(self, timeout: float | None = None) -> State[R_co] | None: ...
    def when_done(self, callback: Callable[[], None]) -> None: ...

INPUTS: object

NO_CACHE: object

RUN_ID: object

class State(StateForms, Generic[R_co]):
    def __init__(
        self,
        type: StateType | str,
        name: str | None = None,
        message: str | None = None,
        data: Any = None,
        time: Micros | None = None,
        flow_run_id: str | None = None,
        task_run_id: str | None = None,
        *,
        timestamp: datetime | None = None,
        state_details: facts.StateDetails | Mapping[str, object] | None = None,
    ) -> None: ...
    async def afetch(self, raise_on_failure: bool = True) -> Any: ...
    def copy(self, *, update: Mapping[str, object] | None = None) -> Self: ...
    @property
    def created(self) -> datetime: ...
    data: object
    def dict(
        self,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
    ) -> builtins.dict[str, Any]: ...
    def fetch(self, raise_on_failure: bool = True) -> Any: ...
    flow_run_id: object
    @property
    def id(self) -> str: ...
    def is_cancelled(self) -> bool: ...
    def is_cancelling(self) -> bool: ...
    def is_completed(self) -> bool: ...
    def is_crashed(self) -> bool: ...
    def is_failed(self) -> bool: ...
    def is_final(self) -> bool: ...
    def is_paused(self) -> bool: ...
    def is_pending(self) -> bool: ...
    def is_running(self) -> bool: ...
    def is_scheduled(self) -> bool: ...
    def json(self, *, include: Collection[str] | None = None, exclude: Collection[str] = ()) -> str: ...
    message: object
    name: str
    def note(self, **details: Any) -> None: ...
    def note_cache_key(self, key: str) -> None: ...
    @overload
    def result(
        self,
        raise_on_failure: Literal[True] = True,
        *,
        fetch: Literal[False] | None = None,
    ) -> R_co: ...
    @overload
    def result(
        self,
        raise_on_failure: Literal[True] = True,
        *,
        fetch: Literal[True],
    ) -> Coroutine[object, Never, R_co]: ...
    @overload
    def result(
        self,
        raise_on_failure: bool = True,
        *,
        fetch: Literal[False] | None = None,
    ) -> R_co | BaseException: ...
    @overload
    def result(
        self,
        raise_on_failure: bool = True,
        *,
        fetch: Literal[True],
    ) -> Coroutine[object, Never, R_co | BaseException]: ...
    def result(self, raise_on_failure: bool = True, *, fetch: bool | None = None) -> Any: ...
    @property
    def run_id(self) -> str | None: ...
    run_name: str
    @property
    def state_details(self) -> facts.StateDetails: ...
    task_run_id: object
    time: Micros
    @property
    def timestamp(self) -> datetime: ...
    type: object
    @property
    def updated(self) -> datetime: ...

TASK_SOURCE: object

class Task(Submittable[TaskOptions, P, R], OptionsOfTasks, Generic[P, R]):
    def __init__(self, fn: Callable[P, R], name: str | None = None, **options: Any) -> None: ...
    @overload
    def __call__(
        self: Task[P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, State[T]]: ...
    @overload
    def __call__(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, /, *args: Any, wait_for: WaitFor, **kwargs: Any) -> R: ...
    def __call__(
        self,
        /,
        *args: Any,
        return_state: bool = False,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Any: ...
    @property
    def cache_expiration(self) -> timedelta | None: ...
    @property
    def cache_key_fn(self) -> Callable[..., object] | None: ...
    @property
    def cache_policy(self) -> CachePolicy | None: ...
    @property
    def cache_result_in_memory(self) -> bool: ...
    @property
    def description(self) -> str | None: ...
    @property
    def fn(self) -> Callable[P, R]: ...
    @property
    def isasync(self) -> bool: ...
    kind = 'task'
    @property
    def log_prints(self) -> bool | None: ...
    @overload
    def map(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, list[State[T]]]: ...
    @overload
    def map(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> list[State[R]]: ...
    @overload
    def map(
        self: Submittable[Any, P, Never],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> MappedFutures[Any]: ...
    @overload
    def map(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> AsyncMappedFutures[T]: ...
    @overload
    def map(self, /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any) -> MappedFutures[R]: ...
    def map(
        self,
        /,
        *args: Any,
        return_state: bool = False,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Any: ...
    @property
    def name(self) -> str: ...
    def on_cancellation(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_cancellation_hooks(self) -> list[Hook]: ...
    def on_commit(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_commit_hooks(self) -> list[Hook]: ...
    def on_completion(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_completion_hooks(self) -> list[Hook]: ...
    def on_crashed(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_crashed_hooks(self) -> list[Hook]: ...
    def on_failure(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_failure_hooks(self) -> list[Hook]: ...
    def on_rollback(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_rollback_hooks(self) -> list[Hook]: ...
    def on_running(self, hook: Callable[..., T]) -> Callable[..., T]: ...
    @property
    def on_running_hooks(self) -> list[Hook]: ...
    @property
    def options(self) -> TaskOptions: ...
    @property
    def persist_result(self) -> bool | None: ...
    @property
    def refresh_cache(self) -> bool | None: ...
    @property
    def resources(self) -> dict[str, float]: ...
    @property
    def result_retention(self) -> Retention | None: ...
    @property
    def result_serializer(self) -> object: ...
    @property
    def result_storage(self) -> object: ...
    @property
    def result_storage_key(self) -> str | None: ...
    @property
    def retries(self) -> int: ...
    @property
    def retry_condition_fn(self) -> Callable[..., object] | None: ...
    @property
    def retry_delay_seconds(self) -> RetryDelay | None: ...
    @property
    def retry_jitter_factor(self) -> float | None: ...
    @property
    def step_id(self) -> str | None: ...
    @overload
    def submit(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[object, Never, State[T]]: ...
    @overload
    def submit(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def submit(
        self: Submittable[Any, P, Never],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Future[Any]: ...
    @overload
    def submit(
        self: Submittable[Any, P, Coroutine[object, Never, T]],
        /,
        *args: Any,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> AsyncFuture[T]: ...
    @overload
    def submit(self, /, *args: Any, wait_for: WaitFor | None = None, **kwargs: Any) -> Future[R]: ...
    def submit(
        self,
        /,
        *args: Any,
        return_state: bool = False,
        wait_for: WaitFor | None = None,
        **kwargs: Any,
    ) -> Any: ...
    @property
    def tags(self) -> frozenset[str]: ...
    @property
    def task_key(self) -> str: ...
    @property
    def task_run_name(self) -> str | Callable[..., str] | None: ...
    @property
    def timeout_seconds(self) -> float | None: ...
    @property
    def version(self) -> str | None: ...
    @property
    def viz_return_value(self) -> object: ...
    def with_options(self, **options: object) -> Self: ...

class Transaction:
    def __init__(
        self,
        runtime: Runtime | None,
        key: str | None,
        flow: FlowRunContext | None,
        outer: Transaction | None = None,
    ) -> None: ...
    blocks: object
    cached: dict[str, ResultRecord]
    def commit(self, runtime: Runtime) -> None: ...
    def counts_within(self, flow: FlowRunContext) -> bool: ...
    def covers(self, run: RunContext | None) -> bool: ...
    ended: dict[str, RunContext]
    flow: object
    full_key: object
    def get(self, name: str, default: object = _MISSING) -> Any: ...
    has_ended: object
    holder: object
    id: object
    def is_committed(self) -> bool: ...
    key: object
    def occurrence(self, key: str) -> int: ...
    outer: object
    def remember(self, kept: Mapping[str, str]) -> None: ...
    root: Transaction
    runtime: object
    def set(self, name: str, value: object) -> None: ...
    streams: list[Any]
    submitted: list[Pending]
    def undo(self, runtime: Runtime) -> list[StepRecord]: ...

__version__: object

class allow_failure(Annotation[T]):
    def __init__(self, value: T) -> None: ...
    def rewrap(self, value: U) -> Annotation[U]: ...
    def unwrap(self) -> T: ...
    value: object

def cancel_flow_run(
    flow_run_id: str | UUID,
    *,
    grace: float | None = None,
    force: bool = False,
) -> None: ...

class concurrency:
    def __init__(
        self,
        names: str | Sequence[str],
        occupy: int = 1,
        timeout_seconds: float | None = None,
        *,
        strict: bool = False,
        create_if_missing: bool | None = None,
    ) -> None: ...

def continue_flow_run(flow_run_id: str | UUID, *, input: object = None) -> None: ...

def deploy(
    *flows: DeployedFlow,
    work_pool: str | None = None,
    work_pool_name: str | None = None,
    **options: object,
) -> list[Applied]: ...

def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]: ...

@overload
def flow(function: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(
    function: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    tags: Iterable[str] | None = None,
    flow_run_name: str | Callable[..., str] | None = None,
    step_id: str | None = None,
    retries: int | None = None,
    retry_delay_seconds: RetryDelay | None = None,
    timeout_seconds: float | None = None,
    validate_parameters: bool = True,
    task_runner: object = None,
    durable: bool = False,
    on_crash: Literal['resume'] | None = None,
    idempotency_key: str | None = None,
    persist_result: bool | None = None,
    result_storage: object = None,
    result_serializer: object = None,
    result_retention: object = None,
    cache_result_in_memory: bool = True,
    log_prints: bool | None = None,
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
    on_cancellation: Sequence[Hook] | None = None,
    on_crashed: Sequence[Hook] | None = None,
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(function: Any = None, /, **options: Any) -> Any: ...

@overload
def get_client(*, sync_client: Literal[False] = False) -> RunsClient: ...
@overload
def get_client(*, sync_client: Literal[True]) -> SyncRunsClient: ...
def get_client(*, sync_client: bool = False) -> RunsClient | SyncRunsClient: ...

def get_run_logger(context: RunContext | None = None, **extra: object) -> RunLogger: ...

def get_transaction() -> Transaction | None: ...

def pause_flow_run(
    wait_for_input: object = None,
    flow_run_id: str | UUID | None = None,
    *,
    timeout: float | timedelta = 3600,
    key: str | None = None,
    reschedule: bool = False,
    poll_interval: float | None = None,
) -> Any: ...

class quote(Annotation[T]):
    def __init__(self, value: T) -> None: ...
    def rewrap(self, value: U) -> Annotation[U]: ...
    def unquote(self) -> T: ...
    def unwrap(self) -> T: ...
    value: object

def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    *,
    strict: bool = False,
    create_if_missing: bool | None = None,
) -> Any: ...

def resume_flow_run(flow_run_id: str | UUID, run_input: object = None) -> Any: ...

def serve(
    *flows: DeployedFlow,
    limit: int | None = None,
    print_starting_message: bool = True,
    **options: object,
) -> Any: ...

def sleep(seconds: float | timedelta, *, key: str | None = None) -> Any: ...

def sleep_until(time: datetime, *, key: str | None = None) -> Any: ...

def suspend_flow_run(
    wait_for_input: object = None,
    flow_run_id: str | UUID | None = None,
    *,
    timeout: float | timedelta = 3600,
    key: str | None = None,
) -> Any: ...

def tags(*names: str) -> Iterator[frozenset[str]]: ...

@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    function: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    tags: Iterable[str] | None = None,
    task_run_name: str | Callable[..., str] | None = None,
    step_id: str | None = None,
    retries: int | None = None,
    retry_delay_seconds: RetryDelay | None = None,
    retry_jitter_factor: float | None = None,
    retry_condition_fn: Callable[..., object] | None = None,
    timeout_seconds: float | None = None,
    persist_result: bool | None = None,
    result_storage: object = None,
    result_storage_key: str | None = None,
    result_serializer: object = None,
    result_retention: object = None,
    cache_result_in_memory: bool = True,
    cache_key_fn: Callable[..., object] | None = None,
    cache_policy: CachePolicy | Callable[..., object] | None = None,
    cache_expiration: timedelta | None = None,
    refresh_cache: bool | None = None,
    viz_return_value: object = None,
    resources: Mapping[str, float | str] | None = None,
    log_prints: bool | None = None,
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
    on_cancellation: Sequence[Hook] | None = None,
    on_crashed: Sequence[Hook] | None = None,
    on_commit: Sequence[Hook] | None = None,
    on_rollback: Sequence[Hook] | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(function: Any = None, /, **options: Any) -> Any: ...

def task_input_hash(context: TaskRunContext, parameters: Mapping[str, object]) -> str: ...

class transaction:
    def __init__(
        self,
        key: str | None = None,
        *,
        commit_mode: CommitMode | None = None,
        isolation_level: IsolationLevel | None = None,
    ) -> None: ...

class unmapped(Annotation[T]):
    def __init__(self, value: T) -> None: ...
    def rewrap(self, value: U) -> Annotation[U]: ...
    def unwrap(self) -> T: ...
    value: object
