"""Deployments, their schedules, and the queue of runs that workers take: records, and what is done with them.

A run of a deployment is a flow run in the state Scheduled, begun by nobody yet (`NOBODY` is its process), with a place
in the queue of its work pool. A worker claims the place, and starts a process; that process claims the run itself, as
one that resumes a crashed run does. So a run that was started twice by mistake begins once.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Protocol

from perdure._model.fields import Id, JsonObject, Small
from perdure._model.filters import Rows
from perdure._model.ports import reads
from perdure._model.records import FlowKeyRecord, Record
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple

SCHEDULED, LATE, SKIPPED = "Scheduled", "Late", "Skipped"  # names of states
DEFAULT_POOL = "default"
SERVED = "serve:"  # how the names of work pools begin whose runs one program starts itself, by `serve`
DEFAULT_PRIORITY = 100
TICK = "tick:"  # how the idempotency keys of schedules' ticks begin; the names of flow and deployment follow

# What becomes of a run that is due while as many runs of its deployment run as may: it is begun when one has ended; it
# is skipped; one of them waits and the others are skipped; those that run are cancelled for it.
Overlap = Literal["queue", "skip", "queue_one", "cancel_running"]


class Deployment(NamedTuple):
    """A flow made startable by name: the newest version of it."""

    id: Id
    flow_name: str
    name: str
    version: Small  # counted from 1
    work_pool: str
    work_queue: str | None
    priority: Small  # of its runs: lower ones are begun first
    concurrency_limit: Small | None  # how many of its runs may run at once
    overlap: Overlap
    paused: Micros | None  # since when somebody has its schedules make no runs
    definition: JsonObject  # a JSON object: see `perdure._rooms.deployments.definition`
    created: Micros
    updated: Micros


class DeploymentVersion(NamedTuple):
    """What a deployment was made of at a time; its runs keep the version that they were made with."""

    deployment_id: Id
    number: Small
    digest: str  # of the definition
    definition: JsonObject
    created: Micros
    created_by: str  # a user and a machine


class ScheduleRecord(NamedTuple):
    """When a deployment runs."""

    deployment_id: Id
    slug: str
    definition: JsonObject  # a JSON object: see `_scheduling.schedule`
    seen: Micros  # up to when its ticks have been made, or missed
    due: Micros | None  # when to look at it next; None if nothing comes any more
    paused: Micros | None  # since when somebody has it make no runs
    created: Micros


class QueuedRun(NamedTuple):
    """A run's place in the queue of a work pool."""

    flow_run_id: Id
    deployment_id: Id
    version: Small
    work_pool: str
    work_queue: str | None
    priority: Small
    due: Micros  # nobody begins it before
    schedule: str | None  # the slug of the schedule that made it
    tick: Micros | None  # the time by the schedule
    partition: str | None
    created: Micros
    phase: Literal["waiting", "claimed", "ended"] = "waiting"
    worker_id: Id | None = None  # whose it is, once claimed
    lease: Micros | None = None  # until when, unless the worker says that it is still there
    starts: Small = 0  # how often it was claimed


class WorkPool(NamedTuple):
    """Where runs wait for workers of one kind."""

    name: str
    type: str  # of its workers: "process", "docker", ...
    concurrency_limit: Small | None
    paused: Micros | None
    template: JsonObject  # a JSON object: what workers start, by default
    created: Micros


class WorkQueue(NamedTuple):
    """A named limit within a work pool."""

    work_pool: str
    name: str
    concurrency_limit: Small | None
    paused: Micros | None


class WorkerRecord(NamedTuple):
    """A process that takes runs from a work pool and starts them."""

    id: Id
    name: str
    work_pool: str
    type: str
    version: str  # of Perdure
    host: str
    pid: Small
    capacity: Small | None  # how many runs it starts at once
    running: Small
    started: Micros
    seen: Micros  # its last heartbeat


class PartitionRun(NamedTuple):
    """A run that is about a partition."""

    partition: str
    flow_run_id: Id
    state_type: StateType | None


class RunSource(NamedTuple):
    """Where the code of flow runs is from, and in which state these are."""

    entry_point: str  # a JSON object: see `StartRecord`
    state_type: StateType | None
    state_name: str | None


class WaitingRuns(NamedTuple):
    """How many runs that schedules have made of a deployment wait, and since when they are due."""

    deployment_id: Id
    runs: Small
    first: Micros


class QueueCount(NamedTuple):
    """How many runs of a queue are in a state, of which partitions, and since when."""

    work_pool: str
    work_queue: str
    deployment_id: Id
    state_type: StateType | None
    runs: Small
    first: str | None
    last: str | None
    created: Micros


class QueueFilter(NamedTuple):
    """Which places in queues, those that are due last first. A field that is None or empty does not filter."""

    flow_run_ids: Annotated[tuple[str, ...], Rows("flow_run_id IN ({})")] = ()
    deployment_id: Annotated[str | None, Rows("deployment_id = {}")] = None
    work_pool: Annotated[str | None, Rows("work_pool = {}")] = None
    work_queue: Annotated[str | None, Rows("work_queue = {}")] = None
    phases: Annotated[tuple[str, ...], Rows("phase IN ({})")] = ()
    worker_id: Annotated[str | None, Rows("worker_id = {}")] = None
    partitions: Annotated[tuple[str, ...], Rows("partition IN ({})")] = ()
    since: Annotated[Micros | None, Rows("due >= {}")] = None
    before: Annotated[Micros | None, Rows("due < {}")] = None
    limit: int | None = None


class Deployments(Protocol):
    """The deployments of a database, and its queues. Any thread may use it."""

    def put(self, deployment: Deployment, version: DeploymentVersion, function_name: str | None = None) -> Deployment:
        """Make a deployment, or the next version of the one with its flow's name and its own; what is kept now.

        A definition that is as before makes no version. Its id, when it was created and whether it is paused stay.
        `function_name` is the function's of a flow that was given no name: a deployment that an earlier version made
        under it is the same one, and is renamed.
        """

    @reads
    def signing_key_ids(self) -> Sequence[str]:
        """The ids of the signing keys of whoever keeps the database, as a server: it makes runs of nothing else."""

    @reads
    def all(self, flow_name: str | None = None) -> Sequence[Deployment]:
        """All deployments, or those of a flow by either of its names, sorted by flow and name."""

    @reads
    def one(self, id: str) -> Deployment | None:
        """A deployment by its id."""

    @reads
    def named(self, flow_name: str, name: str) -> Deployment | None:
        """A deployment by its flow's name, or else by the flow's other name, and its own."""

    @reads
    def versions(self, deployment_id: str) -> Sequence[DeploymentVersion]:
        """The versions of a deployment, newest first."""

    def pause(self, deployment_id: str, since: Micros | None) -> bool:
        """Have the schedules of a deployment make no runs, or (None) make them again; False if there is none."""

    def delete(self, deployment_id: str, now: Micros) -> Sequence[str] | None:
        """Forget a deployment with its schedules, and cancel its runs that wait; their ids. None if there is none."""

    def put_schedules(self, schedules: Sequence[ScheduleRecord], deployment_id: str) -> None:
        """Have a deployment have these schedules, and no others. Those that it has by their slugs stay as far seen
        as they are, and paused if somebody paused them."""

    @reads
    def schedules(self, deployment_id: str | None = None) -> Sequence[ScheduleRecord]:
        """The schedules of a deployment, or all, sorted by deployment and slug."""

    @reads
    def due_schedules(self, now: Micros, limit: int, served: Sequence[str] | None = None) -> Sequence[ScheduleRecord]:
        """Schedules to be looked at now, longest due first; none of paused deployments, and none that are paused.

        Of deployments that programs serve, those in the work pools `served` only; None: all.
        """

    def note_seen(self, schedules: Sequence[ScheduleRecord]) -> None:
        """Note how far schedules have been seen, and when they are due next; never back."""

    def pause_schedule(self, deployment_id: str, slug: str, since: Micros | None) -> bool:
        """Have a schedule make no runs, or (None) make them again; False if there is none."""

    def enqueue(
        self, runs: Sequence[QueuedRun], keys: Sequence[FlowKeyRecord], records: Iterable[Record]
    ) -> Sequence[str]:
        """Create flow runs by their records, and put them in their queues, in one transaction; whose ids are new.

        Of those with a key, only the first one is made: all others, whoever makes them at whatever time, are not.
        """

    @reads
    def run_of_key(self, deployment_id: str, key: str) -> str | None:
        """The id of the run that has an idempotency key, among those of a deployment's flow; None if none has it."""

    def claim(self, worker: WorkerRecord, most: int, now: Micros, lease: Micros) -> Sequence[QueuedRun]:
        """Have a worker have runs of its pool that are due, `most` at most; by priority, then those due longest.

        What may not run beside others of its deployment, as its overlap policy says, waits or is skipped. A call that
        comes a second time, since its answer was lost, gives the runs that it gave the first time.
        """

    def renew(self, worker_id: str, flow_run_ids: Sequence[str], lease: Micros) -> Sequence[str]:
        """Have a worker keep the runs that it has; those of them that it still has."""

    def let_go(self, flow_run_id: str, worker_id: str, due: Micros | None) -> bool:
        """Have a run that a worker has wait again until it is `due`, or (None) end; False if it is not the worker's."""

    def give_back(self, flow_run_ids: Sequence[str], worker_id: str) -> None:
        """Have runs that a worker has, and has begun nothing for, wait again, as if nobody had claimed them."""

    def end_claimed(self, flow_run_ids: Sequence[str], worker_id: str) -> None:
        """Have the places of runs that a worker has end, since the runs have."""

    def end_waiting(self, records: Iterable[Record]) -> Sequence[str]:
        """End runs that wait, by the records of their states; those that a worker has by now are left alone. Whose
        ids have ended."""

    @reads
    def expired(self, work_pool: str, now: Micros) -> Sequence[QueuedRun]:
        """Runs of a pool that a worker has claimed, and has not said in time that it still has."""

    def take_over(self, flow_run_id: str, worker_id: str, now: Micros, lease: Micros) -> bool:
        """Have a worker have a run that another has claimed, whose lease has ended; False if it has not."""

    @reads
    def partition_runs(self, deployment_id: str, work_queue: str | None = None) -> Sequence[PartitionRun]:
        """Runs of a deployment that are about partitions, those that are due first first; or those of a queue."""

    @reads
    def counted(self, prefix: str) -> Sequence[QueueCount]:
        """How many runs of each queue whose name begins so are in which state."""

    @reads
    def latest(self, now: Micros) -> Sequence[QueuedRun]:
        """The place of each deployment's run that was due last, if it has had one."""

    @reads
    def waiting(self, work_pools: Sequence[str]) -> Sequence[WaitingRuns]:
        """Of each deployment in these work pools the runs that schedules have made, and that wait; if there are any."""

    @reads
    def sources(self, kind: str) -> Sequence[RunSource]:
        """Where the code of flow runs is from whose entry points have a source of this kind, such as "bundle"."""

    def wake(self, work_pool: str, now: Micros) -> Sequence[str]:
        """Have runs of a pool wait again that suspended themselves, and have been continued since; their ids."""

    @reads
    def queued(self, filter: QueueFilter) -> Sequence[QueuedRun]:
        """Places in queues, those that are due last first."""

    def put_pool(self, pool: WorkPool) -> None:
        """Make a work pool, or change one; when it was created, and whether it is paused, stays."""

    @reads
    def pools(self) -> Sequence[WorkPool]:
        """All work pools, sorted by name."""

    def pause_pool(self, name: str, since: Micros | None) -> bool:
        """Have no run of a work pool be begun, or (None) have them begun again; False if there is none."""

    def delete_pool(self, name: str) -> bool:
        """Forget a work pool and its queues; False if there is none."""

    def put_queue(self, queue: WorkQueue) -> None:
        """Make a work queue, or change one."""

    @reads
    def queues(self, work_pool: str) -> Sequence[WorkQueue]:
        """The work queues of a pool, sorted by name."""

    def delete_queue(self, work_pool: str, name: str) -> bool:
        """Forget a work queue: its runs are limited by their pool only; False if there is none."""

    def beat(self, worker: WorkerRecord) -> None:
        """Note that a worker is there."""

    @reads
    def workers(self, work_pool: str | None = None) -> Sequence[WorkerRecord]:
        """The workers of a pool, or all, sorted by pool and name."""

    def forget_worker(self, id: str) -> None:
        """A worker has ended."""


PORT = Deployments
