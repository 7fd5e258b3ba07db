"""Deployments and the queue of runs in the database."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from perdure._model.errors import DeploymentError, RecordRefused
from perdure._model.flow_names import deployment_spellings, is_same_flow, spellings
from perdure._model.records import FlowKeyRecord, FlowRunRecord, Record, StartRecord, StateRecord
from perdure._model.state_types import StateType
from perdure._platform.clock import Micros
from perdure._platform.keyring import KeyRing
from perdure._rooms.deployments.port import (
    SERVED,
    TICK,
    Deployment,
    DeploymentVersion,
    QueuedRun,
    ScheduleRecord,
)
from perdure._rooms.deployments.store.pools import SqlPools
from perdure._rooms.deployments.store.queue_claims import SqlClaims
from perdure._rooms.deployments.store.queues import SqlQueues
from perdure._rooms.deployments.tables import DEPLOYMENT, QUEUED_RUN, SCHEDULE, VERSION
from perdure._rooms.runs.tables import NOT_COMPLETED
from perdure._settings import settings
from perdure._store.sql.database import Connection

_IN_A_STATEMENT = 500  # ids
_TICK = re.compile(f"{TICK}([^/]+)/([^/]+)/(.*)", re.DOTALL)  # its key: the names of flow and deployment, and the rest


class SqlDeployments(SqlClaims, SqlPools, SqlQueues):
    """The deployments of a database, and its queues."""

    # Deployments

    def put(self, deployment: Deployment, version: DeploymentVersion, function_name: str | None = None) -> Deployment:
        """Make a deployment, or the next version of the one with its flow's name and its own; what is kept now."""
        mark = self._mark

        def work(connection: Connection) -> Deployment:
            self._rename(deployment, function_name, connection)
            where = f"WHERE flow_name = {mark} AND name = {mark}"
            names = deployment.flow_name, deployment.name
            kept = deployment._replace(version=1)
            add = self._sql.insert(DEPLOYMENT) + " ON CONFLICT (flow_name, name) DO NOTHING"
            if connection.execute(add, kept).rowcount == 1:
                key_name = f"UPDATE deployment SET key_name = {mark} WHERE id = {mark}"
                connection.execute(key_name, (self._key_name(kept, function_name, connection), kept.id))
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

    def signing_key_ids(self) -> Sequence[str]:
        """The ids of the signing keys of this process."""
        keys = settings.current().results_signing_keys
        return () if keys is None else tuple(key.id for key in KeyRing.parse(keys.reveal()))

    def _rename(self, to: Deployment, function_name: str | None, connection: Connection) -> None:
        """Have the deployment that is the same one under its flow's other name be called as it is deployed now.

        The keys of its runs stay under the name that it had first, so that they hold for all of its runs. What was
        deployed of another function is not the same one: that was given the name.

        Raises:
            DeploymentError: both names are there, and what has the one that is deployed is of another function.
        """
        mark, flow, name = self._mark, to.flow_name, to.name
        where = f"WHERE flow_name IN ({mark}, {mark}) OR key_name = {mark}"
        names = flow, function_name or flow, flow
        # Locks the rows: of two who deploy it at once by both names, the second finds it renamed.
        connection.execute(f"UPDATE deployment SET updated = updated {where}", names)
        query = f"SELECT id, flow_name, name, definition FROM deployment {where} ORDER BY id"
        rows = connection.execute(query, names).fetchall()
        function = _function_of(to.definition)
        there = next((definition for _, of, own, definition in rows if (of, own) == (flow, name)), None)
        ours = [row for row in rows if _function_of(row[3]) == function and tuple(row[1:3]) != (flow, name)]
        same = [row for row in ours if row[2] == name]
        if name == flow:  # it was given no name of its own
            same += [row for row in ours if row[2] == row[1]]
        if not same:
            return
        id, of, own, _ = same[0]
        if there is None:
            connection.execute(
                f"UPDATE deployment SET flow_name = {mark}, name = {mark}, key_name = coalesce(key_name, flow_name)"
                f" WHERE id = {mark}",
                (flow, name, id),
            )
        elif _function_of(there) != function:
            raise DeploymentError(
                f"The deployment {of}/{own} is of {function!r}, and would be called {flow}/{name} now, which is a"
                f" deployment of {_function_of(there)!r}. Nothing was changed. Give one of the flows another name, or"
                " delete the deployment that is not wanted any more."
            )

    def _key_name(self, of: Deployment, function_name: str | None, connection: Connection) -> str | None:
        """Under which name the keys of a new deployment's runs are: not under one that another flow's are under."""
        mark, function = self._mark, _function_of(of.definition)
        query = (
            f"SELECT definition FROM deployment WHERE flow_name <> {mark} AND coalesce(key_name, flow_name) = {mark}"
        )
        rows = connection.execute(query, (of.flow_name, function_name or of.flow_name)).fetchall()
        if all(_function_of(definition) == function for (definition,) in rows):
            return function_name
        return f"{of.flow_name} of {function}"

    def all(self, flow_name: str | None = None) -> Sequence[Deployment]:
        """All deployments, or those of a flow, sorted by flow and name."""
        names = (None,) if flow_name is None else spellings(flow_name)
        return [each for name in names for each in self._deployments({"flow_name": name})]

    def one(self, id: str) -> Deployment | None:
        """A deployment by its id."""
        return next(iter(self._deployments({"id": id})), None)

    def named(self, flow_name: str, name: str) -> Deployment | None:
        """A deployment by its flow's name, or else by the flow's other name, and its own."""
        names = deployment_spellings(flow_name, name)
        found = (each for flow, own in names for each in self._deployments({"flow_name": flow, "name": own}))
        return next(found, None)

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

    def due_schedules(self, now: Micros, limit: int, served: Sequence[str] | None = None) -> Sequence[ScheduleRecord]:
        """Schedules to be looked at now, longest due first; none of paused deployments, and none that are paused."""
        among = ""
        if served is not None:
            among = f" AND (substr(d.work_pool, 1, {len(SERVED)}) <> '{SERVED}'"
            among += f" OR d.work_pool IN ({', '.join([self._mark] * len(served))}))" if served else ")"
        query = (
            f"SELECT {', '.join(f's.{each}' for each in ScheduleRecord._fields)} FROM schedule AS s"
            " JOIN deployment AS d ON d.id = s.deployment_id WHERE s.paused IS NULL AND d.paused IS NULL"
            f" AND s.due <= {self._mark}{among} ORDER BY s.due LIMIT {self._mark}"
        )
        return self._access.all(ScheduleRecord, query, now, *(served or ()), limit)

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
        of_run = _by_run(runs, keys, records)
        deployment_of = {run.flow_run_id: run.deployment_id for run in runs}

        def work(connection: Connection) -> list[str]:
            ids = dict.fromkeys(deployment_of[key.flow_run_id] for key in keys)
            rows = [row for id in ids for row in connection.execute(self._key_names, (id,)).fetchall()]
            names = dict(rows)
            key_of = {key.flow_run_id: _scoped(key, names.get(deployment_of[key.flow_run_id])) for key in keys}
            made = [
                run
                for run in runs
                if (key := key_of.get(run.flow_run_id)) is None
                or connection.execute(self._sql.add_flow_key, key).rowcount
            ]
            self._writer.apply(connection, [record for run in made for record in of_run[run.flow_run_id]])
            self._access.database.put(connection, self._sql.insert(QUEUED_RUN), made)
            return [run.flow_run_id for run in made]

        return self._writer.transact(work) if runs else []

    def run_of_key(self, deployment_id: str, key: str) -> str | None:
        """The id of the run that a deployment's runs with an idempotency key are."""
        of = f"SELECT coalesce(key_name, flow_name), key_name FROM deployment WHERE id = {self._mark}"
        for flow_name, key_name in self._read(of, (deployment_id,)):
            scoped = _scoped(FlowKeyRecord(flow_name, key, ""), key_name)
            for (id,) in self._read(self._sql.run_of_key, scoped[:2]):
                return str(id)
        return None

    @property
    def _key_names(self) -> str:
        return f"SELECT id, key_name FROM deployment WHERE id = {self._mark}"

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
        """Runs of a pool whose lease has expired: a worker has claimed them, and has not renewed it in time."""
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


def _by_run(
    runs: Sequence[QueuedRun], keys: Sequence[FlowKeyRecord], records: Iterable[Record]
) -> dict[str, list[Record]]:
    """The records of runs that are to wait, by their ids.

    Raises:
        RecordRefused: a run is not created by them, so that its place would be that of a run which there is not; or a
            record or a key is of another run.
    """
    of_run: dict[str, list[Record]] = {run.flow_run_id: [] for run in runs}
    for id, record in ((_run_of(each), each) for each in records):
        if id not in of_run:
            raise RecordRefused(f"A {type(record).__name__} is of the run {id!r}, which is put in no queue.")
        of_run[id].append(record)
    for key in keys:
        if key.flow_run_id not in of_run:
            raise RecordRefused(
                f"The key {key.key!r} is that of the run {key.flow_run_id!r}, which is put in no queue."
            )
    for id, own in of_run.items():
        if not {FlowRunRecord, StateRecord} <= {type(each) for each in own}:
            raise RecordRefused(f"The run {id!r} cannot wait in a queue: no record creates it, or none says its state.")
    return of_run


def _function_of(definition: str) -> str:
    """The name of the function that a definition is of."""
    entry = json.loads(definition).get("entry_point", {})
    return str(entry.get("code") or entry.get("target", "")).rpartition(":")[2].rpartition(".")[2]


def _scoped(key: FlowKeyRecord, key_name: str | None) -> FlowKeyRecord:
    """A key as it is kept: under the name that its deployment had first, which is in the keys of ticks, too."""
    if key_name is None:
        return key
    text = key.key
    tick = _TICK.fullmatch(text)
    if tick is not None and is_same_flow(key_name, tick[1]):
        text = f"{TICK}{key_name}/{key_name if tick[2] == tick[1] else tick[2]}/{tick[3]}"
    return key._replace(flow_name=key_name, key=text)


def _run_of(record: Record) -> str:
    if isinstance(record, FlowRunRecord):
        return record.id
    if not isinstance(record, StateRecord | StartRecord):  # what a run that waits is made of
        raise RecordRefused(f"A run that waits is made by no {type(record).__name__}.")
    return record.run_id if isinstance(record, StateRecord) else record.flow_run_id


STORE = SqlDeployments
