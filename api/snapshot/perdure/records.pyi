__all__ = [
    "ArtifactChangeRecord",
    "ArtifactFilter",
    "ArtifactKind",
    "ArtifactRecord",
    "BlockRecord",
    "CacheEntry",
    "CacheFilter",
    "CacheRecord",
    "CancelRecord",
    "Claim",
    "CommitRecord",
    "DecisionRecord",
    "Doomed",
    "FailureCount",
    "FailureFilter",
    "FlowKeyRecord",
    "FlowRun",
    "FlowRunRecord",
    "InputRecord",
    "Limit",
    "LogFilter",
    "LogLine",
    "LogRecord",
    "NOBODY",
    "Owner",
    "OwnersRecord",
    "PastStateRecord",
    "ProcessRecord",
    "Record",
    "ReleaseRecord",
    "Removable",
    "RemovalRecord",
    "RenameRecord",
    "ResultFilter",
    "ResultKind",
    "ResultRecord",
    "RunCount",
    "RunFilter",
    "Slot",
    "SourceRecord",
    "Standing",
    "StartRecord",
    "StateRecord",
    "StepEndRecord",
    "StepRecord",
    "TaskRun",
    "TaskRunRecord",
    "TransactionRecord",
    "ValueRecord",
    "VariableRecord",
    "WaitRecord",
    "Why",
]

class ArtifactChangeRecord(NamedTuple):
    data: Json
    id: Id
    updated: Micros

class ArtifactFilter(NamedTuple):
    flow_run_ids: Annotated[tuple[Id, ...], Rows('flow_run_id IN ({})'), Parameter(flow_run_id, most=100)] = ()
    ids: Annotated[tuple[str, ...], OfIds(id)] = ()
    key: Annotated[str | None, Rows('key = {}'), Parameter(key, 'All versions of this key.')] = None
    kinds: Annotated[tuple[ArtifactKind, ...], Rows('kind IN ({})'), Parameter(kind, most=10)] = ()
    latest: Annotated[bool, Parameter(latest, 'Of each key only the newest version.')] = False
    limit: int | None = None
    older_than: Annotated[Id | None, Rows(id < {}), CURSOR] = None
    task_run_ids: Annotated[tuple[Id, ...], Rows('task_run_id IN ({})'), Parameter(task_run_id, most=100)] = ()

ArtifactKind: object

class ArtifactRecord(NamedTuple):
    created: Micros
    data: Json
    description: str | None
    flow_run_id: Id | None
    id: Id
    key: str | None
    kind: ArtifactKind
    task_run_id: Id | None
    updated: Micros

class BlockRecord(NamedTuple):
    created: Micros
    data: JsonObject
    id: Id
    name: str | None
    type: str
    updated: Micros

class CacheEntry(NamedTuple):
    components: JsonObject | None
    created: Micros
    doomed: Micros | None
    expires: Micros | None
    key: str
    run_id: Id
    size: int | None
    task_name: str | None
    type: str | None

class CacheFilter(NamedTuple):
    before: Micros | None = None
    beginning: str | None = None
    keys: tuple[str, ...] = ()
    limit: int | None = None
    task: str | None = None

class CacheRecord(NamedTuple):
    components: JsonObject | None = None
    created: Micros
    expires: Micros | None
    key: str
    run_id: Id

class CancelRecord(NamedTuple):
    asked_by: str
    flow_run_id: Id
    grace: int
    time: Micros

class Claim(NamedTuple):
    created: Micros
    key: str
    process_id: Id
    run_id: Id
    waits: Small = 0

class CommitRecord(NamedTuple):
    time: Micros
    transaction_id: Id

class DecisionRecord(NamedTuple):
    arguments: JsonObject | None = None
    cache_key: str | None = None
    components: JsonObject | None = None
    detail: str | None = None
    other_id: Id | None = None
    run_id: Id
    why: Why

class Doomed(NamedTuple):
    documents: int
    is_due: bool
    reason: str
    size: int
    storage_id: Id

class FailureCount(NamedTuple):
    first: Micros
    flow_name: str
    from_task: bool = False
    last: Micros
    message: str | None
    newest_id: Id
    runs: Small
    state_type: StateType
    step: int = 0
    type: str | None

class FailureFilter(NamedTuple):
    after: Micros | None = None
    before: Micros | None = None
    first_step: Micros = 0
    limit: int = 30000
    of: str | None = None
    step: Micros | None = None
    tags: tuple[str, ...] = ()

class FlowKeyRecord(NamedTuple):
    flow_name: str
    flow_run_id: Id
    key: str

class FlowRun(NamedTuple):
    created: Micros
    ended: Micros | None
    flow_name: str
    flow_version: str | None
    id: Id
    name: str
    parameters: JsonObject
    parent_flow_run_id: Id | None
    parent_task_run_id: Id | None
    run_count: Small
    started: Micros | None
    state_message: str | None
    state_name: str | None
    state_time: Micros | None
    state_type: StateType | None
    tags: Tags

class FlowRunRecord(NamedTuple):
    created: Micros
    flow_name: str
    flow_version: str | None
    id: Id
    name: str
    parameters: JsonObject
    parent_flow_run_id: Id | None
    parent_task_run_id: Id | None
    tags: Tags

class InputRecord(NamedTuple):
    name: str
    run_id: Id
    source_id: Id

class Limit(NamedTuple):
    created: Micros
    decay: float | None
    name: str
    slots: Small

class LogFilter(NamedTuple):
    above: Annotated[int | None, Rows(id > {})] = None
    after: Annotated[int | None, Rows(id > {})] = None
    before: Annotated[int | None, Rows(id < {})] = None
    flow: str | None = None
    flow_run_ids: Annotated[tuple[str, ...], Rows('flow_run_id IN ({})')] = ()
    limit: int | None = None
    min_level: Annotated[int | None, Rows(level >= {})] = None
    part: Annotated[str | None, Rows(holds(message))] = None
    since: Annotated[Micros | None, Rows(time >= {})] = None
    task_run_ids: Annotated[tuple[str, ...], Rows('task_run_id IN ({})')] = ()

class LogLine(NamedTuple):
    flow_run_id: Id | None
    id: Number
    level: Small
    logger: str
    message: str
    task_run_id: Id | None
    time: Micros

class LogRecord(NamedTuple):
    flow_run_id: Id | None
    level: Small
    logger: str
    message: str
    task_run_id: Id | None
    time: Micros

NOBODY: object

class Owner(NamedTuple):
    epoch: int
    flow_run_id: Id

class OwnersRecord(NamedTuple):
    epochs: Epochs

class PastStateRecord(NamedTuple):
    message: str | None
    name: str
    of_task: bool
    run_id: Id
    time: Micros
    type: StateType

class ProcessRecord(NamedTuple):
    beat: Micros
    began: str | None
    host: str
    id: Id
    pid: Small
    started: Micros

Record: object

class ReleaseRecord(NamedTuple):
    key: str
    run_id: Id

class Removable(NamedTuple):
    digest: str | None
    doomed: Micros
    is_again: bool
    reason: str
    run_id: Id
    size: int | None
    storage_id: Id
    storage_key: str

class RemovalRecord(NamedTuple):
    doomed: Micros
    removed: Micros | None
    run_id: Id

class RenameRecord(NamedTuple):
    name: str
    of_task: bool
    run_id: Id

class ResultFilter(NamedTuple):
    after: Annotated[Micros | None, Parameter(created_after, 'At or after it.')] = None
    before: Annotated[Micros | None, Parameter(created_before)] = None
    doomed: bool | None = None
    flow: Annotated[str | None, Parameter(flow, 'Of the runs of this flow and of their task runs.')] = None
    flow_run_ids: Annotated[tuple[Id, ...], Parameter(flow_run, 'Of this flow run and of its task runs.', most=1)] = ()
    is_exception: Annotated[bool | None, Parameter(exception)] = None
    items: bool | None = None
    kinds: Annotated[tuple[ResultKind, ...], Parameter(kind, most=3)] = ()
    limit: int | None = None
    max_size: Annotated[int | None, Parameter(max_size, 'Bytes.', between=(0, _LARGEST))] = None
    min_size: Annotated[int | None, Parameter(min_size, 'Bytes.', between=(0, _LARGEST))] = None
    of_task: Annotated[bool | None, Rows(of_task, otherwise='NOT of_task'), Parameter(of_task, 'Whether they are of task runs, or else of flow runs.')] = None
    older_than: Annotated[Id | None, CURSOR] = None
    removed: Annotated[bool | None, Parameter(removed, 'Whether its document is gone.')] = None
    run_ids: Annotated[tuple[str, ...], Rows('run_id IN ({})')] = ()
    storage_ids: Annotated[tuple[Id, ...], Parameter(storage, "The id of the storage's block.", most=1)] = ()
    storage_keys: tuple[str, ...] = ()
    task: Annotated[str | None, Parameter(task, "The task's exact name.")] = None
    type: Annotated[str | None, Parameter(type, 'The Python type; "pandas.*" for those that begin so, "*.DataFrame" that end so.')] = None

ResultKind: object

class ResultRecord(NamedTuple):
    cache_key: str | None = None
    created: Micros
    digest: str | None = None
    doomed: Micros | None = None
    expires: Micros | None = None
    is_exception: bool
    item_of: Id | None = None
    kind: ResultKind
    number: int | None = None
    of_task: bool
    preview: JsonObject | None = None
    removed: Micros | None = None
    retention: JsonObject | None = None
    run_id: Id
    serializer: JsonObject | None = None
    size: int | None = None
    step: JsonObject | None = None
    storage_id: Id | None = None
    storage_key: str | None = None
    type: str
    value: Json | None = None

class RunCount(NamedTuple):
    logs: int
    run_id: Id
    states: int

class RunFilter(NamedTuple):
    after: Micros | None = None
    before: Micros | None = None
    ended: Annotated[bool | None, Rows(f'{_STATE} IN ({_FINAL})', otherwise=f'{_STATE} NOT IN ({_FINAL})')] = None
    ended_after: Micros | None = None
    ended_before: Micros | None = None
    flow_run_ids: tuple[str, ...] = ()
    ids: Annotated[tuple[str, ...], OfIds(id)] = ()
    limit: int | None = None
    name: Annotated[str | None, Rows('name = {}')] = None
    name_part: str | None = None
    newer_than: str | None = None
    of: str | None = None
    older_than: Annotated[str | None, Rows(id < {})] = None
    oldest_first: bool = False
    outermost: bool | None = None
    parameters_part: str | None = None
    started_after: Micros | None = None
    started_before: Micros | None = None
    states: tuple[StateType, ...] = ()
    tags: tuple[str, ...] = ()
    text: str | None = None
    until: str | None = None

class Slot(NamedTuple):
    asked: Micros
    id: Id
    name: str
    occupy: Small
    process_id: Id
    run_id: Id | None
    taken: Micros | None = None

class SourceRecord(NamedTuple):
    digest: str
    parts: JsonObject

class Standing(NamedTuple):
    cancellation: CancelRecord | None
    epoch: int
    process_id: Id
    state_type: StateType | None

class StartRecord(NamedTuple):
    arguments: str | None
    entry_point: JsonObject | None
    flow_run_id: Id
    process_id: Id
    step: JsonObject | None

class StateRecord(NamedTuple):
    message: str | None
    name: str
    of_task: bool
    run_id: Id
    time: Micros
    type: StateType

class StepEndRecord(NamedTuple):
    phase: Literal['ended', 'rolled back']
    run_id: Id

class StepRecord(NamedTuple):
    block: Id
    module: str | None
    phase: Literal['staged', 'committed', 'ended', 'rolled back'] = 'staged'
    run_id: Id
    staged: Staged | None
    storage_id: Id | None
    storage_key: str | None
    task_key: str
    transaction_id: Id

class TaskRun(NamedTuple):
    created: Micros
    ended: Micros | None
    flow_run_id: Id | None
    id: Id
    name: str
    parent_task_run_id: Id | None
    run_count: Small
    started: Micros | None
    state_message: str | None
    state_name: str | None
    state_time: Micros | None
    state_type: StateType | None
    tags: Tags
    task_key: str
    task_name: str

class TaskRunRecord(NamedTuple):
    created: Micros
    flow_run_id: Id | None
    id: Id
    name: str
    parent_task_run_id: Id | None
    tags: Tags
    task_key: str
    task_name: str

class TransactionRecord(NamedTuple):
    committed: Micros | None = None
    created: Micros
    flow_run_id: Id | None
    id: Id
    key: str

class ValueRecord(NamedTuple):
    name: str
    transaction_id: Id
    value: str

class VariableRecord(NamedTuple):
    created: Micros
    name: str
    updated: Micros
    value: Json

class WaitRecord(NamedTuple):
    answer: Answer | None = None
    asks: JsonObject | None = None
    attempts: Small = 0
    flow_run_id: Id
    key: str
    until: Micros

Why: object
