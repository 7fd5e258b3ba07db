"""Queries of the queues of runs: which places there are, and how far those of partitions are."""

from collections.abc import Sequence
from typing import Any

from perdure._platform.clock import Micros
from perdure._rooms.deployments.port import PartitionRun, QueueCount, QueuedRun, QueueFilter, RunSource, WaitingRuns
from perdure._rooms.deployments.tables import QUEUED_RUN
from perdure._store.sql.access import Access


class SqlQueues:
    """The queues of a database, as they are looked at."""

    _access: Access
    _mark: str

    def queued(self, filter: QueueFilter) -> Sequence[QueuedRun]:
        """Places in queues, those that are due last first."""
        return self._access.filtered(QUEUED_RUN, filter, "due DESC, flow_run_id DESC")

    def latest(self, now: Micros) -> Sequence[QueuedRun]:
        """The place of each deployment's run that was due last, if it has had one."""
        query = (
            f"SELECT {', '.join(f'q.{each}' for each in QueuedRun._fields)} FROM deployment AS d"
            " JOIN queued_run AS q ON q.flow_run_id = (SELECT l.flow_run_id FROM queued_run AS l"
            f" WHERE l.deployment_id = d.id AND l.due <= {self._mark} ORDER BY l.due DESC, l.flow_run_id DESC LIMIT 1)"
        )
        return self._access.all(QueuedRun, query, now)

    def partition_runs(self, deployment_id: str, work_queue: str | None = None) -> Sequence[PartitionRun]:
        """Runs of a deployment that are about partitions, those that are due first first; or those of a queue."""
        values: list[Any] = [deployment_id, *(() if work_queue is None else (work_queue,))]
        of_queue = "" if work_queue is None else f" AND q.work_queue = {self._mark}"
        query = (
            "SELECT q.partition, q.flow_run_id, f.state_type FROM queued_run AS q"
            f" JOIN flow_run AS f ON f.id = q.flow_run_id WHERE q.deployment_id = {self._mark}{of_queue}"
            " AND q.partition IS NOT NULL ORDER BY q.due, q.flow_run_id"
        )
        return self._access.all(PartitionRun, query, *values)

    def waiting(self, work_pools: Sequence[str]) -> Sequence[WaitingRuns]:
        """Of each deployment in these work pools the runs that schedules have made, and that wait; if there are any."""
        if not work_pools:
            return []
        # By their pools, since it is these that have an index of what waits.
        query = (
            "SELECT deployment_id, count(*), min(due) FROM queued_run"
            f" WHERE work_pool IN ({', '.join([self._mark] * len(work_pools))}) AND phase = 'waiting'"
            " AND schedule IS NOT NULL GROUP BY deployment_id"
        )
        return self._access.all(WaitingRuns, query, *work_pools)

    def sources(self, kind: str) -> Sequence[RunSource]:
        """Where the code of flow runs is from whose entry points have a source of this kind, such as "bundle"."""
        query = (
            "SELECT DISTINCT s.entry_point, f.state_type, f.state_name FROM flow_start AS s"
            f" JOIN flow_run AS f ON f.id = s.flow_run_id WHERE s.entry_point LIKE {self._mark}"
        )
        return self._access.all(RunSource, query, f'%"source"%"{kind}%')

    def counted(self, prefix: str) -> Sequence[QueueCount]:
        """How many runs of each queue whose name begins so are in which state."""
        mark = self._mark
        query = (
            "SELECT q.work_pool, q.work_queue, q.deployment_id, f.state_type, count(*), min(q.partition),"
            " max(q.partition), min(q.created) FROM queued_run AS q JOIN flow_run AS f ON f.id = q.flow_run_id"
            f" WHERE q.work_queue >= {mark} AND q.work_queue < {mark}"
            " GROUP BY q.work_pool, q.work_queue, q.deployment_id, f.state_type"
        )
        return self._access.all(QueueCount, query, prefix, f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}")
