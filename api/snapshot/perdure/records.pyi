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
    data: str
    id: str
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
    data: str
    description: str | None
    flow_run_id: str | None
    id: str
    key: str | None
    kind: ArtifactKind
    task_run_id: str | None
    updated: Micros

class BlockRecord(NamedTuple):
    created: Micros
    data: str
    id: str
    name: str | None
    type: str
    updated: Micros

class CacheEntry(NamedTuple):
    components: str | None
    created: Micros
    doomed: Micros | None
    expires: Micros | None
    key: str
    run_id: str
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
    components: str | None = None
    created: Micros
    expires: Micros | None
    key: str
    run_id: str

class CancelRecord(NamedTuple):
    asked_by: str
    flow_run_id: str
    grace: Micros
    time: Micros

class Claim(NamedTuple):
    created: Micros
    key: str
    process_id: str
    run_id: str
    waits: int = 0

class CommitRecord(NamedTuple):
    time: Micros
    transaction_id: str

class DecisionRecord(NamedTuple):
    arguments: str | None = None
    cache_key: str | None = None
    components: str | None = None
    detail: str | None = None
    other_id: str | None = None
    run_id: str
    why: Why

class Doomed(NamedTuple):
    documents: int
    is_due: bool
    reason: str
    size: int
    storage_id: str

class FlowKeyRecord(NamedTuple):
    flow_name: str
    flow_run_id: str
    key: str

class FlowRun(NamedTuple):
    created: Micros
    ended: Micros | None
    flow_name: str
    flow_version: str | None
    id: str
    name: str
    parameters: str
    parent_flow_run_id: str | None
    parent_task_run_id: str | None
    run_count: int
    started: Micros | None
    state_message: str | None
    state_name: str | None
    state_time: Micros | None
    state_type: StateType | None
    tags: str

class FlowRunRecord(NamedTuple):
    created: Micros
    flow_name: str
    flow_version: str | None
    id: str
    name: str
    parameters: str
    parent_flow_run_id: str | None
    parent_task_run_id: str | None
    tags: str

class InputRecord(NamedTuple):
    name: str
    run_id: str
    source_id: str

class Limit(NamedTuple):
    created: Micros
    decay: float | None
    name: str
    slots: int

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
    flow_run_id: str | None
    id: int
    level: int
    logger: str
    message: str
    task_run_id: str | None
    time: Micros

class LogRecord(NamedTuple):
    flow_run_id: str | None
    level: int
    logger: str
    message: str
    task_run_id: str | None
    time: Micros

NOBODY: object

class Owner(NamedTuple):
    epoch: int
    flow_run_id: str

class OwnersRecord(NamedTuple):
    epochs: str

class PastStateRecord(NamedTuple):
    message: str | None
    name: str
    of_task: bool
    run_id: str
    time: Micros
    type: StateType

class ProcessRecord(NamedTuple):
    beat: Micros
    began: str | None
    host: str
    id: str
    pid: int
    started: Micros

Record: object

class ReleaseRecord(NamedTuple):
    key: str
    run_id: str

class Removable(NamedTuple):
    digest: str | None
    doomed: Micros
    is_again: bool
    reason: str
    run_id: str
    size: int | None
    storage_id: str
    storage_key: str

class RemovalRecord(NamedTuple):
    doomed: Micros
    removed: Micros | None
    run_id: str

class RenameRecord(NamedTuple):
    name: str
    of_task: bool
    run_id: str

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
    item_of: str | None = None
    kind: ResultKind
    number: int | None = None
    of_task: bool
    preview: str | None = None
    removed: Micros | None = None
    retention: str | None = None
    run_id: str
    serializer: str | None = None
    size: int | None = None
    step: str | None = None
    storage_id: str | None = None
    storage_key: str | None = None
    type: str
    value: str | None = None

class RunCount(NamedTuple):
    logs: int
    run_id: str
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
    id: str
    name: str
    occupy: int
    process_id: str
    run_id: str | None
    taken: Micros | None = None

class SourceRecord(NamedTuple):
    digest: str
    parts: str

class Standing(NamedTuple):
    cancellation: CancelRecord | None
    epoch: int
    process_id: str
    state_type: StateType | None

class StartRecord(NamedTuple):
    arguments: str | None
    entry_point: str | None
    flow_run_id: str
    process_id: str
    step: str | None

class StateRecord(NamedTuple):
    message: str | None
    name: str
    of_task: bool
    run_id: str
    time: Micros
    type: StateType

class StepEndRecord(NamedTuple):
    phase: Literal['ended', 'rolled back']
    run_id: str

class StepRecord(NamedTuple):
    block: str
    module: str | None
    phase: Literal['staged', 'committed', 'ended', 'rolled back'] = 'staged'
    run_id: str
    staged: str | None
    storage_id: str | None
    storage_key: str | None
    task_key: str
    transaction_id: str

class TaskRun(NamedTuple):
    created: Micros
    ended: Micros | None
    flow_run_id: str | None
    id: str
    name: str
    parent_task_run_id: str | None
    run_count: int
    started: Micros | None
    state_message: str | None
    state_name: str | None
    state_time: Micros | None
    state_type: StateType | None
    tags: str
    task_key: str
    task_name: str

class TaskRunRecord(NamedTuple):
    created: Micros
    flow_run_id: str | None
    id: str
    name: str
    parent_task_run_id: str | None
    tags: str
    task_key: str
    task_name: str

class TransactionRecord(NamedTuple):
    committed: Micros | None = None
    created: Micros
    flow_run_id: str | None
    id: str
    key: str

class ValueRecord(NamedTuple):
    name: str
    transaction_id: str
    value: str

class VariableRecord(NamedTuple):
    created: Micros
    name: str
    updated: Micros
    value: str

class WaitRecord(NamedTuple):
    answer: str | None = None
    asks: str | None = None
    attempts: int = 0
    flow_run_id: str
    key: str
    until: Micros

Why: object
