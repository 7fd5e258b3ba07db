"""What is reported to the orchestrator and what it answers: immutable rows, all times in microseconds since 1970 UTC.

Named tuples, since one is made for each state of each run: they cost a third of a frozen dataclass and
go into the database as they are.
"""

from typing import Literal

from perdure._model.fields import Answer, Epochs, Id, Json, JsonObject, Small, Staged, Tags
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

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

    id: Id
    name: str
    flow_name: str
    flow_version: str | None
    parent_flow_run_id: Id | None
    parent_task_run_id: Id | None
    tags: Tags  # a JSON list of text, sorted
    parameters: JsonObject  # a JSON object; values that JSON cannot hold are shown as text
    created: Micros


class TaskRunRecord(NamedTuple):
    """A task run was created."""

    id: Id
    name: str
    task_name: str
    task_key: str
    flow_run_id: Id | None
    parent_task_run_id: Id | None
    tags: Tags  # a JSON list of text, sorted
    created: Micros


class StateRecord(NamedTuple):
    """A run came to a state."""

    run_id: Id
    of_task: bool
    type: StateType
    name: str
    message: str | None
    time: Micros


class PastStateRecord(NamedTuple):
    """A run came to a state that another system recorded at its time. It is kept once, and nobody is notified of it."""

    run_id: Id
    of_task: bool
    type: StateType
    name: str
    message: str | None
    time: Micros


class RenameRecord(NamedTuple):
    """A run's name became known after its creation, from a template over its parameters."""

    run_id: Id
    of_task: bool
    name: str


class ResultRecord(NamedTuple):
    """The record of a run's result; the newest record of a run replaces the one before."""

    run_id: Id
    of_task: bool
    kind: ResultKind
    type: str  # the value's Python type, such as "builtins.dict"
    is_exception: bool
    created: Micros
    value: Json | None = None  # a literal's value as JSON
    storage_id: Id | None = None  # the id of the storage's block
    storage_key: str | None = None
    serializer: JsonObject | None = None  # its full description as JSON
    size: int | None = None  # bytes that it takes in the storage, its payload's included
    digest: str | None = None  # of the serialized data: an algorithm, a colon, and hexadecimal digits
    expires: Micros | None = None
    cache_key: str | None = None
    step: JsonObject | None = None  # what the run is within its flow run, as JSON: see `_engine.identity.identity`
    retention: JsonObject | None = None  # how long it is kept, as JSON; None leaves it to the settings
    item_of: Id | None = None  # of an item of a generator, whose `run_id` is its own: the flow run that it is kept for
    number: int | None = None  # of an item: how many came before it
    preview: JsonObject | None = None  # what may be shown of the value, as JSON; at most a few KiB
    doomed: Micros | None = None  # since when it is to be removed: nothing new may use it
    removed: Micros | None = None  # since when its document is gone


class RemovalRecord(NamedTuple):
    """A run's persisted result is to be removed from its storage, or has been."""

    run_id: Id
    doomed: Micros
    removed: Micros | None


class InputRecord(NamedTuple):
    """A run was given the result of another run: lineage."""

    run_id: Id
    source_id: Id  # the run that made the result
    name: str  # the parameter that it went into; "wait_for" for one that was only waited for


class ProcessRecord(NamedTuple):
    """The heartbeat of a process that runs flows."""

    id: Id
    host: str  # the machine, since it was last started
    pid: Small
    began: str | None  # when it began, as its system says; None if that is not known
    started: Micros  # when it was first reported
    beat: Micros


class StartRecord(NamedTuple):
    """A flow run was begun, or resumed, by a process; all that another process needs to resume it."""

    flow_run_id: Id
    process_id: Id
    entry_point: JsonObject | None  # "FILE.py:FLOW" or "MODULE:FLOW", and the directory from which it can be imported
    arguments: str | None  # packed: see `_engine.recovery.start_record`; None if they could not be
    step: JsonObject | None  # what it is within its parent flow run, as JSON


class OwnersRecord(NamedTuple):
    """Under which claims the records of a batch were written: the first record of each on its way to a server."""

    epochs: Epochs  # a JSON object, by the ids of outermost flow runs


class CancelRecord(NamedTuple):
    """Somebody wants a flow run to be cancelled."""

    flow_run_id: Id
    asked_by: str  # a user and a machine
    time: Micros
    grace: int  # microseconds that its code has to end by itself


class WaitRecord(NamedTuple):
    """A step of a flow run waits: for a time, for an answer, or for its next try. It replaces one of the same key."""

    flow_run_id: Id
    key: str  # which step, within the flow run: see `_engine.recovery.durable_timers`
    until: Micros
    attempts: Small = 0  # that have failed before the next try
    asks: JsonObject | None = None  # of a pause: what kind of answer is asked for, as a JSON schema
    answer: Answer | None = None  # of a pause that is over: the answer as JSON


class CacheRecord(NamedTuple):
    """A cache key now stands for the result of a run; it replaces an earlier one of the same key."""

    key: str
    run_id: Id
    created: Micros
    expires: Micros | None
    components: JsonObject | None = None  # what the key was made of; None if nobody but a function knows


class DecisionRecord(NamedTuple):
    """Why a run called its function, or did not, as far as its states and its result do not say."""

    run_id: Id
    why: Why
    cache_key: str | None = None  # of a run that computed its value
    components: JsonObject | None = None  # of the cache key, as in `CacheRecord`
    arguments: JsonObject | None = None  # what may be shown of them, as a JSON object of texts
    detail: str | None = None  # what was wrong with a result that was lost
    other_id: Id | None = None  # the run whose result it took, or wanted; else the one that its key stood for


class SourceRecord(NamedTuple):
    """What the digests of a task's source were made of; or the source of a flow's function, under a digest of it."""

    digest: str  # of a task: of the source itself and of what it uses, one after the other
    # A JSON object. Of a task: digests of functions, classes, closures and constants, by what they are called. Of a
    # flow: see `_engine.recovery.shown_source`.
    parts: JsonObject


class ReleaseRecord(NamedTuple):
    """A run computes the value of a cache key no longer: it is there, or the run has failed."""

    key: str
    run_id: Id


class TransactionRecord(NamedTuple):
    """A transaction was begun, or is begun once more after a crash or by another run."""

    id: Id
    key: str  # what distinguishes it from all others
    flow_run_id: Id | None  # the outermost flow run that is in it; None outside all flows
    created: Micros
    committed: Micros | None = None


class StepRecord(NamedTuple):
    """A run ended inside a transaction: its result counts once that is committed."""

    run_id: Id
    transaction_id: Id
    block: Id  # the innermost transaction: that one may be rolled back by itself
    task_key: str
    module: str | None  # where the task's hooks are defined; None if it has none
    storage_id: Id | None  # of the result's document
    storage_key: str | None
    staged: Staged | None  # the run's `ResultRecord`, and its `CacheRecord` or null, as JSON; None once it has ended
    phase: Literal["staged", "committed", "ended", "rolled back"] = "staged"


class StepEndRecord(NamedTuple):
    """What a transaction had to do for a run is done: its hooks have been called."""

    run_id: Id
    phase: Literal["ended", "rolled back"]


class CommitRecord(NamedTuple):
    """A transaction was committed, with all its runs that were staged."""

    transaction_id: Id
    time: Micros


class ValueRecord(NamedTuple):
    """A value that a transaction keeps for its hooks."""

    transaction_id: Id
    name: str
    value: str  # packed: see `_engine.recovery.start_record`


class FlowKeyRecord(NamedTuple):
    """A flow run has an idempotency key."""

    flow_name: str
    key: str
    flow_run_id: Id


class LogRecord(NamedTuple):
    """A line that a run logged."""

    flow_run_id: Id | None
    task_run_id: Id | None
    time: Micros
    level: Small  # as in the standard library: 20 is INFO
    logger: str
    message: str


class BlockRecord(NamedTuple):
    """A block: a typed configuration, its secrets encrypted."""

    id: Id
    type: str  # the type's slug, such as "local-file-system"
    name: str | None  # None for a block that was used without being saved
    data: JsonObject  # a JSON object
    created: Micros
    updated: Micros


class ArtifactRecord(NamedTuple):
    """Something to look at, which a run made beside its result; it replaces one with the same id."""

    id: Id
    key: str | None  # what its versions, over many runs, have in common
    kind: ArtifactKind
    flow_run_id: Id | None
    task_run_id: Id | None
    created: Micros
    updated: Micros
    data: Json  # JSON: see `perdure.artifacts`
    description: str | None


class ArtifactChangeRecord(NamedTuple):
    """An artifact that was made before has other data now."""

    id: Id
    updated: Micros
    data: Json


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


class Owner(NamedTuple):
    """Whose an outermost flow run is: the claim under which its process writes. A later one has a higher number."""

    flow_run_id: Id
    epoch: int


class Standing(NamedTuple):
    """How an outermost flow run stands, for the process that runs it: whether it is still its own, and is
    to continue."""

    process_id: Id
    epoch: int  # of the last claim; negative if its process does not say it with its records
    state_type: StateType | None
    cancellation: CancelRecord | None


class Claim(NamedTuple):
    """A run computes the value of a cache key, so that others that want it need not."""

    key: str
    run_id: Id
    process_id: Id
    created: Micros
    waits: Small = 0  # how many runs inside it wait for other claims
