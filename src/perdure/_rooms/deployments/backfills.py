"""Backfills: runs for a range of partitions, so many at once, in order.

A backfill is a work queue of its own (`backfill/ID`) with a limit, and a run in it for each partition. So its runs wait
behind those of schedules, are paused by pausing the queue, and how far it is, the runs say: nothing else is kept. A
partition is the same one for schedule, backfill and hand, so that what has a run is no hole.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from perdure._model.errors import DeploymentError, DeploymentMissing
from perdure._model.records import StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros, to_datetime
from perdure._platform.ids import new_id
from perdure._platform.named import NamedTuple
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import (
    DEFAULT_PRIORITY,
    Deployment,
    PartitionRun,
    QueueCount,
    QueueFilter,
    WorkQueue,
)
from perdure._rooms.deployments.runs import Wanted, make_runs
from perdure._scheduling.partitions import Partition
from perdure._store.protocol import Orchestrator

Order = Literal["oldest", "newest"]
Reprocess = Literal["none", "failed", "all"]

_PREFIX = "backfill/"
_BEHIND = 100  # how much lower the priority of its runs is than that of the deployment's others
_AT_ONCE = 500  # runs in one transaction
_FAILED = (StateType.FAILED, StateType.CRASHED)


class Backfill(NamedTuple):
    """How far a backfill is."""

    id: str
    deployment: Deployment
    first: str  # its partitions, in the order of their keys
    last: str
    max_active: int | None
    paused: Micros | None
    created: Micros
    counts: Mapping[str, int]  # of its runs, by the type of their state

    @property
    def done(self) -> int:
        """How many of its runs have ended."""
        return sum(count for state, count in self.counts.items() if state in FINAL)

    @property
    def total(self) -> int:
        """How many runs it has."""
        return sum(self.counts.values())


def states_of_partitions(of: Deployment, known: Orchestrator) -> dict[str, PartitionRun]:
    """The newest run of each partition of a deployment, by key; those that were skipped or cancelled do not count."""
    runs = known.deployments.partition_runs(of.id)
    return {run.partition: run for run in runs if run.state_type is not StateType.CANCELLED}


def planned(
    of: Deployment,
    first: str | None,
    last: str | None,
    order: Order,
    reprocess: Reprocess,
    now: Micros,
    known: Orchestrator,
) -> list[Partition]:
    """The partitions that a backfill would run, in its order.

    Raises:
        DeploymentError: the deployment has no partitions, or an option is wrong.
        InvalidPartition: one of the ends is none of its partitions.
    """
    slices = definition_of_text(of.definition).slices()
    if slices is None:
        raise DeploymentError(
            f"The deployment {of.flow_name}/{of.name} has no partitions to fill: deploy it with partitions=daily(...)."
        )
    if order not in ("oldest", "newest") or reprocess not in ("none", "failed", "all"):
        raise DeploymentError(f"order={order!r} is oldest or newest; reprocess={reprocess!r} is none, failed or all.")
    every = list(slices.until(to_datetime(now), first, last))
    if reprocess != "all":
        has = states_of_partitions(of, known)
        kept = {key for key, run in has.items() if not (reprocess == "failed" and run.state_type in _FAILED)}
        every = [each for each in every if each.key not in kept]
    return every if order == "oldest" else every[::-1]


def start_backfill(
    of: Deployment,
    partitions: Sequence[Partition],
    now: Micros,
    known: Orchestrator,
    *,
    max_active: int | None = None,
    parameters: Mapping[str, object] | None = None,
) -> str:
    """Make the runs of a backfill; its id.

    Raises:
        DeploymentError: there is nothing to fill.
        ParameterTypeError: the flow does not take the parameters.
    """
    if not partitions:
        raise DeploymentError("There is nothing to fill: every partition of the range has a run. See --reprocess.")
    id = new_id()
    queue = f"{_PREFIX}{id}"
    known.deployments.put_queue(WorkQueue(of.work_pool, queue, max_active, None))
    wanted = [
        Wanted(
            due=now + number,  # in this order, of one priority
            parameters=parameters or {},
            key=f"{queue}/{each.key}",
            partition=each,
            priority=(of.priority if of.priority is not None else DEFAULT_PRIORITY) + _BEHIND,
            work_queue=queue,
            tags=("backfill",),
        )
        for number, each in enumerate(partitions)
    ]
    for start in range(0, len(wanted), _AT_ONCE):
        make_runs(of, wanted[start : start + _AT_ONCE], now, known)
    return id


def backfills(known: Orchestrator) -> list[Backfill]:
    """All backfills, newest first."""
    counts: dict[str, list[QueueCount]] = {}
    for each in known.deployments.counted(_PREFIX):
        counts.setdefault(each.work_queue, []).append(each)
    deployments = {each.id: each for each in known.deployments.all()}
    pools = {each.work_pool for of in counts.values() for each in of}
    queues = {queue.name: queue for pool in pools for queue in known.deployments.queues(pool)}
    found = [
        _backfill(deployments[of[0].deployment_id], queues[name], of)
        for name, of in counts.items()
        if of[0].deployment_id in deployments and name in queues
    ]
    return sorted(found, key=lambda each: each.id, reverse=True)


def _backfill(of: Deployment, queue: WorkQueue, counts: Sequence[QueueCount]) -> Backfill:
    return Backfill(
        queue.name.removeprefix(_PREFIX),
        of,
        min(each.first or "" for each in counts),
        max(each.last or "" for each in counts),
        queue.concurrency_limit,
        queue.paused,
        min(each.created for each in counts),
        Counter({str(each.state_type): each.runs for each in counts}),
    )


def runs_of_backfill(of: Backfill, known: Orchestrator) -> list[PartitionRun]:
    """The runs of a backfill, by the keys of their partitions."""
    return sorted(known.deployments.partition_runs(of.deployment.id, f"{_PREFIX}{of.id}"))


def backfill_named(id: str, known: Orchestrator) -> Backfill:
    """A backfill by its id, or the beginning of it.

    Raises:
        DeploymentMissing: there is none, or several begin so.
    """
    found = [each for each in backfills(known) if each.id.startswith(id)]
    if len(found) != 1:
        count = "no backfill has" if not found else f"{len(found)} backfills have ids that begin with"
        raise DeploymentMissing(f"Of all, {count} {id!r}. `perdure backfill ls` lists them.")
    return found[0]


def pause_backfill(of: Backfill, since: Micros | None, known: Orchestrator) -> None:
    """Have no more runs of a backfill begin, or (None) have them begin again."""
    known.deployments.put_queue(WorkQueue(of.deployment.work_pool, f"{_PREFIX}{of.id}", of.max_active, since))


def cancel_backfill(of: Backfill, now: Micros, known: Orchestrator) -> int:
    """Cancel the runs of a backfill that have not begun; how many. Those that run are left alone."""
    pause_backfill(of, now, known)
    queue = f"{_PREFIX}{of.id}"
    filter = QueueFilter(work_pool=of.deployment.work_pool, work_queue=queue, phases=("waiting",))
    waiting = known.deployments.queued(filter)
    ends = [
        StateRecord(each.flow_run_id, False, StateType.CANCELLED, "Cancelled", "Its backfill was cancelled.", now)
        for each in waiting
    ]
    return len(known.deployments.end_waiting(ends))
