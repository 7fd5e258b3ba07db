"""Deployments and the queue of runs in the database. Whoever claims locks the pool's row first, so that no two see the
same runs waiting, or the same room for more."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from perdure._model.records import CancelRecord, FlowKeyRecord, FlowRunRecord, Record, StartRecord, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple
from perdure._rooms.deployments.port import (
    SKIPPED,
    Deployment,
    DeploymentVersion,
    QueuedRun,
    ScheduleRecord,
    WorkerRecord,
)
from perdure._rooms.deployments.store.pools import SqlPools
from perdure._rooms.deployments.store.queues import SqlQueues
from perdure._rooms.deployments.tables import DEPLOYMENT, QUEUED_RUN, SCHEDULE, VERSION
from perdure._rooms.runs.tables import NOT_COMPLETED
from perdure._store.sql.access import Access
from perdure._store.sql.call_dedup import current_call
from perdure._store.sql.database import Connection

_IN_A_STATEMENT = 500  # ids
_AHEAD = 16  # waiting runs that are looked at beyond those that are wanted: some may not run yet
_GRACE: Micros = 30_000_000  # for a run that is cancelled for the next one
_FINAL = ", ".join(f"'{kind}'" for kind in FINAL)


class _Waiting(NamedTuple):
    """A run that is due, with what its deployment says of those beside it."""

    run: QueuedRun
    limit: int | None
    overlap: str
    state_type: str | None

    @property
    def is_over(self) -> bool:
        """Whether its run has ended: by hand, or by what a worker had started that was taken for gone."""
        is_resumed = self.state_type == StateType.CRASHED and self.run.starts > 0
        return self.state_type in FINAL and not is_resumed


class SqlDeployments(SqlPools, SqlQueues):
    """The deployments of a database, and its queues."""

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        mark = self._mark
        self._end_place = f"UPDATE queued_run SET phase = 'ended' WHERE flow_run_id = {mark}"
        self._end_ended = (
            f"UPDATE queued_run SET phase = 'ended', lease = NULL WHERE work_pool = {mark} AND phase = 'claimed'"
            " AND flow_run_id IN (SELECT f.id FROM flow_run AS f"
            # What becomes of one that crashed, its worker says.
            f" WHERE f.id = queued_run.flow_run_id AND f.state_type IN ({_FINAL}) AND f.state_type <> 'CRASHED')"
        )

    # Deployments

    def put(self, deployment: Deployment, version: DeploymentVersion) -> Deployment:
        """Make a deployment, or the next version of the one with its flow's name and its own; what is kept now."""
        mark = self._mark

        def work(connection: Connection) -> Deployment:
            where = f"WHERE flow_name = {mark} AND name = {mark}"
            names = deployment.flow_name, deployment.name
            kept = deployment._replace(version=1)
            add = self._sql.insert(DEPLOYMENT) + " ON CONFLICT (flow_name, name) DO NOTHING"
            if connection.execute(add, kept).rowcount == 1:
                connection.execute(self._sql.insert(VERSION), version._replace(deployment_id=kept.id, number=1))
                return kept
            # An update locks the row: of several deploys at once, each sees the version that the one before it made.
            connection.execute(f"UPDATE deployment SET updated = updated {where}", names)
            known = Deployment(*connection.execute(f"{self._sql.select(DEPLOYMENT)} {where}", names).fetchone())
            newest = connection.execute(
                f"SELECT digest FROM deployment_version WHERE deployment_id = {mark} AND number = {mark}",
                (known.id, known.version),
            ).fetchone()
            kept = deployment._replace(id=known.id, version=known.version, paused=known.paused, created=known.created)
            if newest is None or newest[0] != version.digest:
                query = f"SELECT max(number) FROM deployment_version WHERE deployment_id = {mark}"
                last: int | None = connection.execute(query, (known.id,)).fetchone()[0]
                kept = kept._replace(version=max(known.version, last or 0) + 1)
                made = version._replace(deployment_id=known.id, number=kept.version)
                connection.execute(self._sql.insert(VERSION), made)
            fields = Deployment._fields[3:]
            connection.execute(
                f"UPDATE deployment SET {', '.join(f'{each} = {mark}' for each in fields)} WHERE id = {mark}",
                (*kept[3:], known.id),
            )
            move = f"UPDATE queued_run SET work_pool = {mark} WHERE deployment_id = {mark} AND phase = 'waiting'"
            connection.execute(move, (kept.work_pool, known.id))
            return kept

        return self._writer.transact(work)

    def all(self, flow_name: str | None = None) -> Sequence[Deployment]:
        """All deployments, or those of a flow, sorted by flow and name."""
        return self._deployments({"flow_name": flow_name})

    def one(self, id: str) -> Deployment | None:
        """A deployment by its id."""
        return next(iter(self._deployments({"id": id})), None)

    def named(self, flow_name: str, name: str) -> Deployment | None:
        """A deployment by its flow's name and its own."""
        return next(iter(self._deployments({"flow_name": flow_name, "name": name})), None)

    def _deployments(self, chosen: Mapping[str, object]) -> list[Deployment]:
        return self._select(Deployment, DEPLOYMENT, chosen, "flow_name, name")

    def versions(self, deployment_id: str) -> Sequence[DeploymentVersion]:
        """The versions of a deployment, newest first."""
        chosen = {"deployment_id": deployment_id}
        return self._select(DeploymentVersion, VERSION, chosen, "number DESC")

    def pause(self, deployment_id: str, since: Micros | None) -> bool:
        """Have the schedules of a deployment make no runs, or (None) make them again; False if there is none."""
        return self._pause("deployment", {"id": deployment_id}, since)

    def delete(self, deployment_id: str, now: Micros) -> Sequence[str] | None:
        """Forget a deployment with its schedules, and cancel its runs that wait; their ids. None if there is none."""
        mark = self._mark

        def work(connection: Connection) -> list[str] | None:
            if connection.execute(f"DELETE FROM deployment WHERE id = {mark}", (deployment_id,)).rowcount == 0:
                return None
            # Here, since a worker may claim one at any other moment: what runs is left alone.
            query = f"SELECT flow_run_id FROM queued_run WHERE deployment_id = {mark} AND phase = 'waiting'"
            waiting = [id for (id,) in connection.execute(query, (deployment_id,)).fetchall()]
            for table in ("queued_run", "schedule", "deployment_version"):
                connection.execute(f"DELETE FROM {table} WHERE deployment_id = {mark}", (deployment_id,))
            kind, reason = StateType.CANCELLED, "Its deployment was deleted."
            self._writer.apply(connection, [StateRecord(id, False, kind, "Cancelled", reason, now) for id in waiting])
            return waiting

        return self._writer.transact(work)

    # Schedules

    def put_schedules(self, schedules: Sequence[ScheduleRecord], deployment_id: str) -> None:
        """Have a deployment have these schedules, and no others."""
        mark = self._mark

        def work(connection: Connection) -> None:
            query = self._sql.select(SCHEDULE, f"deployment_id = {mark}")
            # Locks the row: two who deploy at once do so one after the other.
            connection.execute(f"UPDATE deployment SET updated = updated WHERE id = {mark}", (deployment_id,))
            known = {row[1]: ScheduleRecord(*row) for row in connection.execute(query, (deployment_id,)).fetchall()}
            connection.execute(f"DELETE FROM schedule WHERE deployment_id = {mark}", (deployment_id,))
            for each in schedules:
                before = known.get(each.slug)
                if before is not None:
                    is_same = before.definition == each.definition
                    due = before.due if is_same else each.due
                    each = each._replace(seen=before.seen, due=due, paused=before.paused, created=before.created)
                connection.execute(self._sql.insert(SCHEDULE), each)

        self._writer.transact(work)

    def schedules(self, deployment_id: str | None = None) -> Sequence[ScheduleRecord]:
        """The schedules of a deployment, or all, sorted by deployment and slug."""
        return self._select(ScheduleRecord, SCHEDULE, {"deployment_id": deployment_id}, "deployment_id, slug")

    def due_schedules(self, now: Micros, limit: int) -> Sequence[ScheduleRecord]:
        """Schedules to be looked at now, longest due first; none of paused deployments, and none that are paused."""
        query = (
            f"SELECT {', '.join(f's.{each}' for each in ScheduleRecord._fields)} FROM schedule AS s"
            " JOIN deployment AS d ON d.id = s.deployment_id WHERE s.paused IS NULL AND d.paused IS NULL"
            f" AND s.due <= {self._mark} ORDER BY s.due LIMIT {self._mark}"
        )
        return self._access.all(ScheduleRecord, query, now, limit)

    def note_seen(self, schedules: Sequence[ScheduleRecord]) -> None:
        """Note how far schedules have been seen, and when they are due next; never back."""
        mark = self._mark
        rows = [(each.seen, each.due, each.deployment_id, each.slug, each.definition, each.seen) for each in schedules]
        statement = (
            f"UPDATE schedule SET seen = {mark}, due = {mark}"
            f" WHERE deployment_id = {mark} AND slug = {mark} AND definition = {mark} AND seen <= {mark}"
        )
        self._writer.transact(lambda connection: connection.executemany(statement, rows))

    def pause_schedule(self, deployment_id: str, slug: str, since: Micros | None) -> bool:
        """Have a schedule make no runs, or (None) make them again; False if there is none."""
        return self._pause("schedule", {"deployment_id": deployment_id, "slug": slug}, since)

    # The queue

    def enqueue(
        self, runs: Sequence[QueuedRun], keys: Sequence[FlowKeyRecord], records: Iterable[Record]
    ) -> Sequence[str]:
        """Create flow runs by their records, and put them in their queues, in one transaction; whose ids are new."""
        of_run: dict[str, list[Record]] = {run.flow_run_id: [] for run in runs}
        for record in records:
            of_run[_run_of(record)].append(record)
        key_of = {key.flow_run_id: key for key in keys}

        def work(connection: Connection) -> list[str]:
            made = [
                run
                for run in runs
                if (key := key_of.get(run.flow_run_id)) is None
                or connection.execute(self._sql.add_flow_key, key).rowcount
            ]
            self._writer.apply(connection, [record for run in made for record in of_run[run.flow_run_id]])
            for run in made:
                connection.execute(self._sql.insert(QUEUED_RUN), run)
            return [run.flow_run_id for run in made]

        return self._writer.transact(work) if runs else []

    def claim(self, worker: WorkerRecord, most: int, now: Micros, lease: Micros) -> Sequence[QueuedRun]:
        """Have a worker have runs of its pool that are due, `most` at most."""
        mark = self._mark
        due = f"SELECT 1 FROM queued_run WHERE work_pool = {mark} AND phase = 'waiting' AND due <= {mark} LIMIT 1"
        is_due = most > 0 and self._read(due, (worker.work_pool, now))  # those who look often lock nothing
        if not is_due and not self._came_before():
            return []

        def taken(connection: Connection) -> list[QueuedRun]:
            return self._claim_now(connection, worker, most, now, lease)

        def taken_before(connection: Connection) -> list[QueuedRun]:
            # Who got no answer has had nothing of them, and so has renewed no lease.
            where = f"work_pool = {mark} AND phase = 'claimed' AND worker_id = {mark} AND lease = {mark}"
            query = f"{self._sql.select(QUEUED_RUN, where)} ORDER BY priority, due, flow_run_id"
            return [
                QueuedRun(*row) for row in connection.execute(query, (worker.work_pool, worker.id, lease)).fetchall()
            ]

        return self._writer.transact_once(taken, taken_before)

    def _came_before(self) -> bool:
        """Whether what is done now is part of a call that has come before, and changed something."""
        call = current_call.get()
        known = [] if call is None else self._read(self._sql.delivered, (call.source,))
        return call is not None and any(sequence >= call.sequence for sequence, _ in known)

    def _claim_now(
        self, connection: Connection, worker: WorkerRecord, most: int, now: Micros, lease: Micros
    ) -> list[QueuedRun]:
        mark, pool = self._mark, worker.work_pool
        connection.execute(f"UPDATE work_pool SET turns = turns + 1 WHERE name = {mark}", (pool,))
        found = connection.execute(
            f"SELECT concurrency_limit, paused FROM work_pool WHERE name = {mark}", (pool,)
        ).fetchone()
        if found is None or found[1] is not None:
            return []
        connection.execute(self._end_ended, (pool,))
        running = self._counted(connection, pool)
        if found[0] is not None:
            most = min(most, found[0] - sum(running.values()))
        queues = self._rooms(connection, pool)
        taken: list[QueuedRun] = []
        noted = 0  # how many of them the database has
        changes: list[Record] = []
        for each in self._candidates(connection, pool, max(most, 0), now, queues):
            run = each.run
            if each.is_over:
                connection.execute(self._end_place, (run.flow_run_id,))
                continue
            if run.work_queue in queues and queues[run.work_queue] <= 0:
                continue
            limit = each.limit if each.limit is not None or each.overlap == "queue" else 1
            if limit is not None and running[run.deployment_id] >= limit:
                self._note_taken(connection, taken[noted:])  # what becomes of a run depends on those
                noted = len(taken)
                changes += self._held_up(connection, each, now)
                continue
            taken.append(run._replace(phase="claimed", worker_id=worker.id, lease=lease, starts=run.starts + 1))
            running[run.deployment_id] += 1
            if run.work_queue in queues:
                queues[run.work_queue] -= 1
            if len(taken) == most:
                break
        self._note_taken(connection, taken[noted:])
        self._writer.apply(connection, changes)
        return taken

    def _note_taken(self, connection: Connection, taken: Sequence[QueuedRun]) -> None:
        mark = self._mark
        for first in range(0, len(taken), _IN_A_STATEMENT):
            ids = [each.flow_run_id for each in taken[first : first + _IN_A_STATEMENT]]
            connection.execute(
                f"UPDATE queued_run SET phase = 'claimed', worker_id = {mark}, lease = {mark}, starts = starts + 1"
                f" WHERE flow_run_id IN ({', '.join([mark] * len(ids))})",
                (taken[0].worker_id, taken[0].lease, *ids),
            )

    def _counted(self, connection: Connection, pool: str) -> Counter[str]:
        """How many runs of each deployment have been claimed, and have not ended."""
        query = (
            "SELECT deployment_id, count(*) FROM queued_run"
            f" WHERE work_pool = {self._mark} AND phase = 'claimed' GROUP BY deployment_id"
        )
        return Counter(dict(connection.execute(query, (pool,)).fetchall()))

    def _rooms(self, connection: Connection, pool: str) -> dict[str, int]:
        """How many more runs each limited queue of a pool lets through."""
        query = (
            "SELECT w.name, w.concurrency_limit, w.paused, (SELECT count(*) FROM queued_run AS q"
            f" WHERE q.work_pool = w.work_pool AND q.phase = 'claimed' AND q.work_queue = w.name)"
            f" FROM work_queue AS w WHERE w.work_pool = {self._mark}"
        )
        rows = connection.execute(query, (pool,)).fetchall()
        return {
            name: 0 if paused is not None else limit - count
            for name, limit, paused, count in rows
            if limit is not None or paused is not None
        }

    def _candidates(
        self, connection: Connection, pool: str, most: int, now: Micros, queues: dict[str, int]
    ) -> Iterator[_Waiting]:
        """Runs that are due, by priority and time, as many as are taken: what may not run does not hide what may."""
        mark = self._mark
        full = [name for name, room in queues.items() if room <= 0]
        in_room = f" AND coalesce(q.work_queue, '') NOT IN ({', '.join(mark for _ in full)})" if full else ""
        # A deployment with as many runs as it may have is passed over here, however many of its runs wait.
        query = (
            f"SELECT {', '.join(f'q.{each}' for each in QueuedRun._fields)}, d.concurrency_limit, d.overlap,"
            " f.state_type FROM queued_run AS q JOIN deployment AS d ON d.id = q.deployment_id"
            " JOIN flow_run AS f ON f.id = q.flow_run_id"
            f" WHERE q.work_pool = {mark} AND q.phase = 'waiting' AND q.due <= {mark}"
            f" AND (q.priority, q.due, q.flow_run_id) > ({mark}, {mark}, {mark})"
            " AND NOT (d.overlap = 'queue' AND d.concurrency_limit IS NOT NULL AND d.concurrency_limit <="
            " (SELECT count(*) FROM queued_run AS c WHERE c.work_pool = q.work_pool AND c.phase = 'claimed'"
            " AND c.deployment_id = d.id))"
            f"{in_room} ORDER BY q.priority, q.due, q.flow_run_id LIMIT {mark}"
        )
        last, count = (-1, 0, ""), most + _AHEAD
        while most > 0:
            rows = connection.execute(query, (pool, now, *last, *full, count)).fetchall()
            found = [_Waiting(QueuedRun(*row[:-3]), *row[-3:]) for row in rows]
            yield from found
            if len(found) < count:
                return
            newest = found[-1].run
            last = newest.priority, newest.due, newest.flow_run_id

    def _held_up(self, connection: Connection, waiting: _Waiting, now: Micros) -> list[Record]:
        """What becomes of a run that is due while no more of its deployment may run, as the overlap policy says."""
        mark, run, overlap = self._mark, waiting.run, waiting.overlap
        others = (
            f"SELECT flow_run_id FROM queued_run WHERE deployment_id = {mark} AND phase = 'waiting' AND due <= {mark}"
            f" AND flow_run_id <> {mark} AND (due, flow_run_id)"
        )
        if overlap == "skip":
            return self._skip(connection, [run.flow_run_id], "An earlier run of its deployment still ran.", now)
        values = (run.deployment_id, now, run.flow_run_id, run.due, run.flow_run_id)
        if overlap == "queue_one":
            earlier = connection.execute(f"{others} < ({mark}, {mark}) LIMIT 1", values).fetchone()
            reason = "An earlier run of its deployment still ran, and another one waited."
            return [] if earlier is None else self._skip(connection, [run.flow_run_id], reason, now)
        if overlap == "cancel_running":
            later = connection.execute(f"{others} > ({mark}, {mark}) LIMIT 1", values).fetchone()
            if later is not None:
                reason = "A later run of its deployment was due before it could begin."
                return self._skip(connection, [run.flow_run_id], reason, now)
            query = f"SELECT flow_run_id FROM queued_run WHERE deployment_id = {mark} AND phase = 'claimed'"
            running = connection.execute(query, (run.deployment_id,)).fetchall()
            return [CancelRecord(id, "the next run of its deployment", now, _GRACE) for (id,) in running]
        return []

    def _skip(self, connection: Connection, ids: Sequence[str], reason: str, now: Micros) -> list[Record]:
        connection.executemany(self._end_place, [(id,) for id in ids])
        return [StateRecord(id, False, StateType.CANCELLED, SKIPPED, reason, now) for id in ids]

    def renew(self, worker_id: str, flow_run_ids: Sequence[str], lease: Micros) -> Sequence[str]:
        """Have a worker keep the runs that it has; those of them that it still has."""
        mark = self._mark
        statement = (
            f"UPDATE queued_run SET lease = {mark} WHERE flow_run_id = {mark} AND worker_id = {mark}"
            " AND phase = 'claimed'"
        )

        def work(connection: Connection) -> list[str]:
            return [id for id in flow_run_ids if connection.execute(statement, (lease, id, worker_id)).rowcount == 1]

        return self._writer.transact(work) if flow_run_ids else []

    def let_go(self, flow_run_id: str, worker_id: str, due: Micros | None) -> bool:
        """Have a run that a worker has wait again until it is `due`, or (None) end; False if it is not the worker's."""
        mark = self._mark
        phase, when = ("ended", "due") if due is None else ("waiting", mark)
        statement = (
            f"UPDATE queued_run SET phase = '{phase}', worker_id = NULL, lease = NULL, due = {when}"
            f" WHERE flow_run_id = {mark} AND worker_id = {mark} AND phase = 'claimed'"
        )
        values = (*(() if due is None else (due,)), flow_run_id, worker_id)
        return self._writer.execute_apart(statement, values) == 1

    def end_claimed(self, flow_run_ids: Sequence[str], worker_id: str) -> None:
        """Have the places of runs that a worker has end, since the runs have."""
        mark = self._mark

        def work(connection: Connection) -> None:
            for first in range(0, len(flow_run_ids), _IN_A_STATEMENT):
                ids = flow_run_ids[first : first + _IN_A_STATEMENT]
                connection.execute(
                    "UPDATE queued_run SET phase = 'ended', worker_id = NULL, lease = NULL"
                    f" WHERE worker_id = {mark} AND phase = 'claimed'"
                    f" AND flow_run_id IN ({', '.join([mark] * len(ids))})",
                    (worker_id, *ids),
                )

        if flow_run_ids:
            self._writer.transact(work)

    def end_waiting(self, records: Iterable[Record]) -> Sequence[str]:
        """End runs that wait, by the records of their states; those that a worker has by now are left alone."""
        of_run = {_run_of(record): record for record in records}
        statement = f"UPDATE queued_run SET phase = 'ended' WHERE flow_run_id = {self._mark} AND phase = 'waiting'"

        def work(connection: Connection) -> list[str]:
            ended = [id for id in of_run if connection.execute(statement, (id,)).rowcount == 1]
            self._writer.apply(connection, [of_run[id] for id in ended])
            return ended

        return self._writer.transact(work) if of_run else []

    def expired(self, work_pool: str, now: Micros) -> Sequence[QueuedRun]:
        """Runs of a pool that a worker has claimed, and has not said in time that it still has."""
        where = f"work_pool = {self._mark} AND phase = 'claimed' AND lease < {self._mark} ORDER BY flow_run_id"
        return self._access.all(QueuedRun, self._sql.select(QUEUED_RUN, where), work_pool, now)

    def take_over(self, flow_run_id: str, worker_id: str, now: Micros, lease: Micros) -> bool:
        """Have a worker have a run that another has claimed, whose lease has ended; False if it has not."""
        mark = self._mark
        statement = (
            f"UPDATE queued_run SET worker_id = {mark}, lease = {mark}"
            f" WHERE flow_run_id = {mark} AND phase = 'claimed' AND lease < {mark}"
        )
        return self._writer.execute_apart(statement, (worker_id, lease, flow_run_id, now)) == 1

    def wake(self, work_pool: str, now: Micros) -> Sequence[str]:
        """Have runs of a pool wait again that suspended themselves, and have been continued since; their ids."""
        query = (
            "SELECT q.flow_run_id FROM flow_run AS f JOIN queued_run AS q ON q.flow_run_id = f.id"
            f" WHERE f.state_type = 'PAUSED' AND f.{NOT_COMPLETED} AND f.state_name = 'Suspended'"
            f" AND q.phase = 'ended' AND q.work_pool = {self._mark}"
            " AND NOT EXISTS (SELECT 1 FROM run_wait AS w"
            " WHERE w.flow_run_id = f.id AND w.answer IS NULL AND substr(w.key, 1, 6) = 'pause ')"
        )
        found = [id for (id,) in self._read(query, (work_pool,))]
        statement = (
            f"UPDATE queued_run SET phase = 'waiting', due = {self._mark}, worker_id = NULL, lease = NULL"
            f" WHERE flow_run_id = {self._mark} AND phase = 'ended'"
        )

        def work(connection: Connection) -> list[str]:
            return [id for id in found if connection.execute(statement, (now, id)).rowcount == 1]

        return self._writer.transact(work) if found else []


def _run_of(record: Record) -> str:
    if isinstance(record, FlowRunRecord):
        return record.id
    assert isinstance(record, StateRecord | StartRecord), record  # what a run that waits is made of
    return record.run_id if isinstance(record, StateRecord) else record.flow_run_id


STORE = SqlDeployments
