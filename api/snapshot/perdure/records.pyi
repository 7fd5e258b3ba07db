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
    flow_run_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    key: str | None = None
    kinds: tuple[ArtifactKind, ...] = ()
    latest: bool = False
    limit: int | None = None
    older_than: str | None = None
    task_run_ids: tuple[str, ...] = ()

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
    after: int | None = None
    before: int | None = None
    flow: str | None = None
    flow_run_ids: tuple[str, ...] = ()
    limit: int | None = None
    min_level: int | None = None
    part: str | None = None
    since: Micros | None = None
    task_run_ids: tuple[str, ...] = ()

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
    after: Micros | None = None
    before: Micros | None = None
    doomed: bool | None = None
    flow: str | None = None
    flow_run_ids: tuple[str, ...] = ()
    is_exception: bool | None = None
    items: bool | None = None
    kinds: tuple[ResultKind, ...] = ()
    limit: int | None = None
    max_size: int | None = None
    min_size: int | None = None
    older_than: str | None = None
    removed: bool | None = None
    run_ids: tuple[str, ...] = ()
    storage_ids: tuple[str, ...] = ()
    storage_keys: tuple[str, ...] = ()
    task: str | None = None
    type: str | None = None

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
    ended: bool | None = None
    ended_after: Micros | None = None
    ended_before: Micros | None = None
    flow_run_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    limit: int | None = None
    name: str | None = None
    name_part: str | None = None
    newer_than: str | None = None
    of: str | None = None
    older_than: str | None = None
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
