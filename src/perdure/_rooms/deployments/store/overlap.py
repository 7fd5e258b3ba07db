"""What becomes of a run that is due while no more of its deployment may run: what its `overlap=` says.

It is decided where runs are claimed, under the lock of the pool, so that no two decide for the same deployment at once.
"""

from perdure._model.records import CancelRecord, Record, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.deployments.port import SKIPPED, QueuedRun
from perdure._store.sql.database import Connection

END_PLACE = "UPDATE queued_run SET phase = 'ended' WHERE flow_run_id = {}"
_GRACE: Micros = 30_000_000  # for a run that is cancelled for the next one


class Waiting(NamedTuple):
    """A run that is due, with what its deployment says of those beside it."""

    run: QueuedRun
    limit: int | None
    overlap: str | None
    state_type: str | None

    @property
    def is_over(self) -> bool:
        """Whether its run is gone, or has ended: by hand, or by what a worker had started that was taken for gone."""
        if self.state_type is None:
            return True
        is_resumed = self.state_type == StateType.CRASHED and self.run.starts > 0
        return self.state_type in FINAL and not is_resumed


def held_up(connection: Connection, waiting: Waiting, now: Micros, mark: str) -> list[Record]:
    """The changes that the overlap policy makes: the run is skipped, or those that run are cancelled; or it waits."""
    run, overlap = waiting.run, waiting.overlap
    others = (
        f"SELECT flow_run_id FROM queued_run WHERE deployment_id = {mark} AND phase = 'waiting' AND due <= {mark}"
        f" AND flow_run_id <> {mark} AND (due, flow_run_id)"
    )
    if overlap == "skip":
        return _skip(connection, run.flow_run_id, "An earlier run of its deployment still ran.", now, mark)
    values = (run.deployment_id, now, run.flow_run_id, run.due, run.flow_run_id)
    if overlap == "queue_one":
        earlier = connection.execute(f"{others} < ({mark}, {mark}) LIMIT 1", values).fetchone()
        reason = "An earlier run of its deployment still ran, and another one waited."
        return [] if earlier is None else _skip(connection, run.flow_run_id, reason, now, mark)
    if overlap == "cancel_running":
        later = connection.execute(f"{others} > ({mark}, {mark}) LIMIT 1", values).fetchone()
        if later is not None:
            reason = "A later run of its deployment was due before it could begin."
            return _skip(connection, run.flow_run_id, reason, now, mark)
        query = f"SELECT flow_run_id FROM queued_run WHERE deployment_id = {mark} AND phase = 'claimed'"
        running = connection.execute(query, (run.deployment_id,)).fetchall()
        return [CancelRecord(id, "the next run of its deployment", now, _GRACE) for (id,) in running]
    return []


def _skip(connection: Connection, id: str, reason: str, now: Micros, mark: str) -> list[Record]:
    connection.execute(END_PLACE.format(mark), (id,))
    return [StateRecord(id, False, StateType.CANCELLED, SKIPPED, reason, now)]
