"""What is reported to the orchestrator and what it answers: immutable rows, all times in microseconds since 1970 UTC.

Named tuples, since one is made for each state of each run: they cost a third of a frozen dataclass and
go into the database as they are.
"""

from typing import Literal, NamedTuple

from perdure._model.state_types import StateType
from perdure._platform.clock import Micros

ResultKind = Literal["unpersisted", "literal", "persisted"]
"""Whether a result is kept, and where: not, in its record, or in a storage."""
ArtifactKind = Literal["markdown", "table", "image", "link", "progress"]
"""What an artifact shows."""
NOBODY = "00000000-0000-0000-0000-000000000001"
"""The id of the process of a flow run that waits for one: no process has it."""
Why = Literal["cached", "waited", "reused", "computed", "refreshed", "lost", "keyless"]
"""Why a task run has its result: it was in the cache; came into it while the run waited; was there from before its flow
run was resumed. Or it was computed: as usual; in spite of the cache; since what was there could not be read; since it
had no cache key."""


# Reported: in the order in which they happened


class FlowRunRecord(NamedTuple):
    """A flow run was created."""

    id: str
    name: str
    flow_name: str
    flow_version: str | None
    parent_flow_run_id: str | None
    parent_task_run_id: str | None
    tags: str  # a JSON list of text, sorted
    parameters: str  # a JSON object; values that JSON cannot hold are shown as text
    created: Micros


class TaskRunRecord(NamedTuple):
    """A task run was created."""

    id: str
    name: str
    task_name: str
    task_key: str
    flow_run_id: str | None
    parent_task_run_id: str | None
    tags: str  # a JSON list of text, sorted
    created: Micros


class StateRecord(NamedTuple):
    """A run came to a state."""

    run_id: str
    of_task: bool
    type: StateType
    name: str
    message: str | None
    time: Micros


class PastStateRecord(NamedTuple):
    """A run came to a state that another system recorded at its time. It is kept once, and nobody is notified of it."""

    run_id: str
    of_task: bool
    type: StateType
    name: str
    message: str | None
    time: Micros


class RenameRecord(NamedTuple):
    """A run's name became known after its creation, from a template over its parameters."""

    run_id: str
    of_task: bool
    name: str


class ResultRecord(NamedTuple):
    """The record of a run's result; the newest record of a run replaces the one before."""

    run_id: str
    of_task: bool
    kind: ResultKind
    type: str  # the value's Python type, such as "builtins.dict"
    is_exception: bool
    created: Micros
    value: str | None = None  # a literal's value as JSON
    storage_id: str | None = None  # the id of the storage's block
    storage_key: str | None = None
    serializer: str | None = None  # its full description as JSON
    size: int | None = None  # bytes that it takes in the storage, its payload's included
    digest: str | None = None  # of the serialized data: an algorithm, a colon, and hexadecimal digits
    expires: Micros | None = None
    cache_key: str | None = None
    step: str | None = None  # what the run is within its flow run, as JSON: see `_engine.identity.identity`
    retention: str | None = None  # how long it is kept, as JSON; None leaves it to the settings
    item_of: str | None = None  # of an item of a generator, whose `run_id` is its own: the flow run that it is kept for
    number: int | None = None  # of an item: how many came before it
    preview: str | None = None  # what may be shown of the value, as JSON; at most a few KiB
    doomed: Micros | None = None  # since when it is to be removed: nothing new may use it
    removed: Micros | None = None  # since when its document is gone


class RemovalRecord(NamedTuple):
    """A run's persisted result is to be removed from its storage, or has been."""

    run_id: str
    doomed: Micros
    removed: Micros | None


class InputRecord(NamedTuple):
    """A run was given the result of another run: lineage."""

    run_id: str
    source_id: str  # the run that made the result
    name: str  # the parameter that it went into; "wait_for" for one that was only waited for


class ProcessRecord(NamedTuple):
    """The heartbeat of a process that runs flows."""

    id: str
    host: str  # the machine, since it was last started
    pid: int
    began: str | None  # when it began, as its system says; None if that is not known
    started: Micros  # when it was first reported
    beat: Micros


class StartRecord(NamedTuple):
    """A flow run was begun, or resumed, by a process; all that another process needs to resume it."""

    flow_run_id: str
    process_id: str
    entry_point: str | None  # "FILE.py:FLOW" or "MODULE:FLOW", and the directory from which it can be imported
    arguments: str | None  # packed: see `_engine.recovery.start_record`; None if they could not be
    step: str | None  # what it is within its parent flow run, as JSON


class OwnersRecord(NamedTuple):
    """Under which claims the records of a batch were written: the first record of each on its way to a server."""

    epochs: str  # a JSON object, by the ids of outermost flow runs


class CancelRecord(NamedTuple):
    """Somebody wants a flow run to be cancelled."""

    flow_run_id: str
    asked_by: str  # a user and a machine
    time: Micros
    grace: Micros  # how long its code has to end by itself


class WaitRecord(NamedTuple):
    """A step of a flow run waits: for a time, for an answer, or for its next try. It replaces one of the same key."""

    flow_run_id: str
    key: str  # which step, within the flow run: see `_engine.recovery.durable_timers`
    until: Micros
    attempts: int = 0  # that have failed before the next try
    asks: str | None = None  # of a pause: what kind of answer is asked for, as a JSON schema
    answer: str | None = None  # of a pause that is over: the answer as JSON


class CacheRecord(NamedTuple):
    """A cache key now stands for the result of a run; it replaces an earlier one of the same key."""

    key: str
    run_id: str
    created: Micros
    expires: Micros | None
    components: str | None = None  # what the key was made of, as a JSON object; None if nobody but a function knows


class DecisionRecord(NamedTuple):
    """Why a run called its function, or did not, as far as its states and its result do not say."""

    run_id: str
    why: Why
    cache_key: str | None = None  # of a run that computed its value
    components: str | None = None  # of the cache key, as in `CacheRecord`
    arguments: str | None = None  # what may be shown of them, as a JSON object of texts
    detail: str | None = None  # what was wrong with a result that was lost
    other_id: str | None = None  # the run whose result it took, or wanted; else the one that its key stood for


class SourceRecord(NamedTuple):
    """What the digests of a task's source were made of."""

    digest: str  # of the source itself and of what it uses, one after the other
    parts: str  # a JSON object: digests of functions, classes, closures and constants, by what they are called


class ReleaseRecord(NamedTuple):
    """A run computes the value of a cache key no longer: it is there, or the run has failed."""

    key: str
    run_id: str


class TransactionRecord(NamedTuple):
    """A transaction was begun, or is begun once more after a crash or by another run."""

    id: str
    key: str  # what distinguishes it from all others
    flow_run_id: str | None  # the outermost flow run that is in it; None outside all flows
    created: Micros
    committed: Micros | None = None


class StepRecord(NamedTuple):
    """A run ended inside a transaction: its result counts once that is committed."""

    run_id: str
    transaction_id: str
    block: str  # the innermost transaction: that one may be rolled back by itself
    task_key: str
    module: str | None  # where the task's hooks are defined; None if it has none
    storage_id: str | None  # of the result's document
    storage_key: str | None
    staged: str | None  # the run's `ResultRecord`, and its `CacheRecord` or null, as JSON; None once it has ended
    phase: Literal["staged", "committed", "ended", "rolled back"] = "staged"


class StepEndRecord(NamedTuple):
    """What a transaction had to do for a run is done: its hooks have been called."""

    run_id: str
    phase: Literal["ended", "rolled back"]


class CommitRecord(NamedTuple):
    """A transaction was committed, with all its runs that were staged."""

    transaction_id: str
    time: Micros


class ValueRecord(NamedTuple):
    """A value that a transaction keeps for its hooks."""

    transaction_id: str
    name: str
    value: str  # packed: see `_engine.recovery.start_record`


class FlowKeyRecord(NamedTuple):
    """A flow run has an idempotency key."""

    flow_name: str
    key: str
    flow_run_id: str


class LogRecord(NamedTuple):
    """A line that a run logged."""

    flow_run_id: str | None
    task_run_id: str | None
    time: Micros
    level: int  # as in the standard library: 20 is INFO
    logger: str
    message: str


class BlockRecord(NamedTuple):
    """A block: a typed configuration, its secrets encrypted."""

    id: str
    type: str  # the type's slug, such as "local-file-system"
    name: str | None  # None for a block that was used without being saved
    data: str  # a JSON object
    created: Micros
    updated: Micros


class ArtifactRecord(NamedTuple):
    """Something to look at, which a run made beside its result; it replaces one with the same id."""

    id: str
    key: str | None  # what its versions, over many runs, have in common
    kind: ArtifactKind
    flow_run_id: str | None
    task_run_id: str | None
    created: Micros
    updated: Micros
    data: str  # JSON: see `perdure.artifacts`
    description: str | None


class ArtifactChangeRecord(NamedTuple):
    """An artifact that was made before has other data now."""

    id: str
    updated: Micros
    data: str


Record = (
    FlowRunRecord
    | TaskRunRecord
    | StateRecord
    | PastStateRecord
    | RenameRecord
    | ResultRecord
    | RemovalRecord
    | InputRecord
    | ProcessRecord
    | StartRecord
    | CancelRecord
    | WaitRecord
    | CacheRecord
    | DecisionRecord
    | SourceRecord
    | ReleaseRecord
    | StepRecord
    | StepEndRecord
    | CommitRecord
    | ValueRecord
    | LogRecord
    | BlockRecord
    | ArtifactRecord
    | ArtifactChangeRecord
)
"""What is reported to an orchestrator: something that happened, as a row."""


# Answered


class FlowRun(NamedTuple):
    """A flow run as the orchestrator knows it."""

    id: str
    name: str
    flow_name: str
    flow_version: str | None
    parent_flow_run_id: str | None
    parent_task_run_id: str | None
    tags: str
    parameters: str
    created: Micros
    state_type: StateType | None
    state_name: str | None
    state_message: str | None
    state_time: Micros | None
    started: Micros | None  # first time RUNNING
    ended: Micros | None  # when the latest state is final
    run_count: int  # how many times RUNNING


class TaskRun(NamedTuple):
    """A task run as the orchestrator knows it."""

    id: str
    name: str
    task_name: str
    task_key: str
    flow_run_id: str | None
    parent_task_run_id: str | None
    tags: str
    created: Micros
    state_type: StateType | None
    state_name: str | None
    state_message: str | None
    state_time: Micros | None
    started: Micros | None
    ended: Micros | None
    run_count: int


class RunCount(NamedTuple):
    """How much is recorded of a run."""

    run_id: str
    states: int
    logs: int  # lines; those of task runs within flow runs count for the flow run


class Owner(NamedTuple):
    """Whose an outermost flow run is: the claim under which its process writes. A later one has a higher number."""

    flow_run_id: str
    epoch: int


class Standing(NamedTuple):
    """How an outermost flow run stands, for the process that runs it: whether it is still its own, and is
    to continue."""

    process_id: str
    epoch: int  # of the last claim; negative if its process does not say it with its records
    state_type: StateType | None
    cancellation: CancelRecord | None


class Claim(NamedTuple):
    """A run computes the value of a cache key, so that others that want it need not."""

    key: str
    run_id: str
    process_id: str
    created: Micros
    waits: int = 0  # how many runs inside it wait for other claims


class Limit(NamedTuple):
    """How many may be at something at once or, with `decay`, how often."""

    name: str  # tasks with this tag are limited by it
    slots: int
    decay: float | None  # slots that come back each second; None where they come back when they are let go
    created: Micros


class Slot(NamedTuple):
    """Slots of a limit that somebody holds, or waits for. They go with their process."""

    id: str
    name: str  # the limit's
    occupy: int  # how many slots
    process_id: str
    run_id: str | None
    asked: Micros
    taken: Micros | None = None  # None while it waits


class CacheEntry(NamedTuple):
    """What a cache key stands for."""

    key: str
    run_id: str  # the run that made the result
    created: Micros
    expires: Micros | None
    components: str | None  # as in `CacheRecord`
    task_name: str | None
    type: str | None  # of the result, as are the next two
    size: int | None
    doomed: Micros | None


class Doomed(NamedTuple):
    """How many documents in a storage are to be removed for one reason; one that several results share counts once."""

    storage_id: str
    reason: str  # "age", "runs", "size" or "items"; "asked" where no limit says so any more, or ever did
    is_due: bool  # whether they may be removed now: they were doomed long enough ago
    documents: int
    size: int  # bytes, as far as they are known


class Removable(NamedTuple):
    """A document that may be removed: nothing that is kept leads to it."""

    run_id: str
    storage_id: str
    storage_key: str
    size: int | None
    digest: str | None
    doomed: Micros
    reason: str  # as in `Doomed`
    is_again: bool  # whether a newer result leads to the same document, so that it is not counted twice


class RunFilter(NamedTuple):
    """Which runs, newest first. A field that is None or empty does not filter."""

    ids: tuple[str, ...] = ()  # whole ids or their beginnings
    name: str | None = None  # the run's exact name
    of: str | None = None  # the flow's or the task's exact name
    states: tuple[StateType, ...] = ()
    ended: bool | None = None  # whether the latest state is final
    flow_run_ids: tuple[str, ...] = ()  # task runs: of these flow runs; flow runs: children of these
    tags: tuple[str, ...] = ()  # all of them
    after: Micros | None = None  # created at or after
    before: Micros | None = None  # created before
    older_than: str | None = None  # with ids before this one: to continue from the last one of a page
    limit: int | None = None
    newer_than: str | None = None  # with ids after this one
    until: str | None = None  # up to this id, with it, in the order that is asked for
    oldest_first: bool = False
    name_part: str | None = None  # somewhere in the run's name
    parameters_part: str | None = None  # of flow runs: somewhere in their parameters, as JSON
    outermost: bool | None = None  # of flow runs: whether no other run called them
    started_after: Micros | None = None  # first ran at or after
    started_before: Micros | None = None
    ended_after: Micros | None = None
    ended_before: Micros | None = None
    text: str | None = None  # somewhere in its name, that of its flow or task, its message or tags, in any case


class ResultFilter(NamedTuple):
    """Which results, newest first. A field that is None or empty does not filter."""

    run_ids: tuple[str, ...] = ()
    flow_run_ids: tuple[str, ...] = ()  # the results of these flow runs and of their task runs
    kinds: tuple[ResultKind, ...] = ()
    flow: str | None = None  # the flow's exact name: results of its runs and of their task runs
    task: str | None = None  # the task's exact name
    type: str | None = None  # the Python type: "pandas.*" for those that begin so, "*.DataFrame" for those that end so
    storage_ids: tuple[str, ...] = ()
    storage_keys: tuple[str, ...] = ()  # exact
    after: Micros | None = None  # created at or after
    before: Micros | None = None  # created before
    min_size: int | None = None  # bytes
    max_size: int | None = None  # bytes
    is_exception: bool | None = None
    doomed: bool | None = None  # whether it is to be removed, or has been
    removed: bool | None = None  # whether its document is gone
    items: bool | None = None  # whether it is an item of a generator
    older_than: str | None = None  # of runs with ids before this one: to continue from the last one of a page
    limit: int | None = None


class CacheFilter(NamedTuple):
    """Which cache entries, newest first. A field that is None or empty does not filter."""

    keys: tuple[str, ...] = ()  # exact
    beginning: str | None = None  # of the key
    task: str | None = None  # the exact name of the task whose result it is
    before: Micros | None = None  # created before
    limit: int | None = None


class LogLine(NamedTuple):
    """A line that a run logged, with its number: those kept later have higher ones, but for a few at a time."""

    id: int
    flow_run_id: str | None
    task_run_id: str | None
    time: Micros
    level: int
    logger: str
    message: str


class LogFilter(NamedTuple):
    """Which lines. A field that is None or empty does not filter."""

    flow_run_ids: tuple[str, ...] = ()  # of these flow runs, and of the task runs that they called themselves
    task_run_ids: tuple[str, ...] = ()
    flow: str | None = None  # the flow's exact name
    min_level: int | None = None
    since: Micros | None = None  # logged at or after
    after: int | None = None  # with numbers above this one: the oldest of them first
    before: int | None = None  # with numbers below this one
    limit: int | None = None
    part: str | None = None  # somewhere in the message


class ArtifactFilter(NamedTuple):
    """Which artifacts, newest first. A field that is None or empty does not filter."""

    ids: tuple[str, ...] = ()  # whole ids or their beginnings
    key: str | None = None  # exact
    kinds: tuple[ArtifactKind, ...] = ()
    flow_run_ids: tuple[str, ...] = ()
    task_run_ids: tuple[str, ...] = ()
    latest: bool = False  # of those with one key, the newest only
    older_than: str | None = None  # with ids before this one: to continue from the last one of a page
    limit: int | None = None


class VariableRecord(NamedTuple):
    """A value that flows share by its name."""

    name: str
    value: str  # JSON
    created: Micros
    updated: Micros
