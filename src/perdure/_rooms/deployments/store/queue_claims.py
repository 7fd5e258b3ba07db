"""Claiming runs of a queue. Whoever claims locks the pool's row first, so that no two see the same runs waiting, or the
same room for more."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from perdure._model.records import Record, StateRecord
from perdure._model.state_types import FINAL, StateType
from perdure._platform.clock import Micros
from perdure._rooms.deployments.port import QueuedRun, WorkerRecord
from perdure._rooms.deployments.store.overlap import END_PLACE, Waiting, held_up
from perdure._rooms.deployments.tables import QUEUED_RUN
from perdure._store.sql.access import Access
from perdure._store.sql.call_dedup import current_call
from perdure._store.sql.database import Connection, Cursor, Row
from perdure._store.sql.statements import Statements
from perdure._store.sql.writer import Writer

_IN_A_STATEMENT = 500  # ids
_AHEAD = 16  # waiting runs that are looked at beyond those that are wanted: some may not run yet
_FIRST = (-1, 0, "")  # before all: a priority, a time, and an id
_FINAL = ", ".join(f"'{kind}'" for kind in FINAL)
_END_ENDED = (
    "UPDATE queued_run SET phase = 'ended', lease = NULL WHERE work_pool = {} AND phase = 'claimed'"
    " AND flow_run_id IN (SELECT f.id FROM flow_run AS f"
    # What becomes of one that crashed, its worker says.
    f" WHERE f.id = queued_run.flow_run_id AND f.state_type IN ({_FINAL}) AND f.state_type <> 'CRASHED')"
)
# How many runs of each deployment have been claimed, and have not ended; and whether its others have to wait.
_COUNTED = (
    "SELECT c.id, c.running, d.overlap = 'queue' AND d.concurrency_limit <= c.running FROM"
    " (SELECT deployment_id AS id, count(*) AS running FROM queued_run"
    " WHERE work_pool = {} AND phase = 'claimed' GROUP BY deployment_id) AS c"
    " LEFT JOIN deployment AS d ON d.id = c.id"
)
# How many runs each queue of a pool may have at once, and has.
_ROOMS = (
    "SELECT w.name, w.concurrency_limit, w.paused, (SELECT count(*) FROM queued_run AS q"
    " WHERE q.work_pool = w.work_pool AND q.phase = 'claimed' AND q.work_queue = w.name)"
    " FROM work_queue AS w WHERE w.work_pool = {}"
)


class SqlClaims:
    """Who has which runs of the queues of a database."""

    _mark: str
    _access: Access
    _sql: Statements
    _writer: Writer
    _read: Callable[[str, Row], list[Row]]

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
        is_unhurried = self._sql.unhurried and current_call.get() is None  # that a call has come is not to be undone
        with self._access.database.at_once(connection):  # others wait for the lock
            if is_unhurried:
                connection.execute(self._sql.unhurried)
            connection.execute(f"UPDATE work_pool SET turns = turns + 1 WHERE name = {mark}", (pool,))
            limited = connection.execute(
                f"SELECT concurrency_limit, paused FROM work_pool WHERE name = {mark}", (pool,)
            )
            connection.execute(_END_ENDED.format(mark), (pool,))
            counted = connection.execute(_COUNTED.format(mark), (pool,))
            in_queues = connection.execute(_ROOMS.format(mark), (pool,))
            # On a server, in the hope that nothing is full: it is one wait less for all who wait for the lock.
            page = self._next_page(pool, now, _FIRST, most + _AHEAD)
            hoped = connection.execute(*page) if self._sql.unhurried else None
        found = limited.fetchone()
        if found is None or found[1] is not None:
            return []
        by_deployment = counted.fetchall()
        running = Counter({id: count for id, count, _ in by_deployment})
        full = [id for id, _, is_full in by_deployment if is_full]
        if found[0] is not None:
            most = min(most, found[0] - sum(running.values()))
        queues = {
            name: 0 if paused is not None else limit - count
            for name, limit, paused, count in in_queues.fetchall()
            if limit is not None or paused is not None
        }
        taken: list[QueuedRun] = []
        noted = 0  # how many of them the database has
        changes: list[Record] = []
        for each in self._candidates(connection, pool, max(most, 0), now, queues, full, hoped):
            run = each.run
            if each.is_over:
                connection.execute(END_PLACE.format(self._mark), (run.flow_run_id,))
                continue
            if each.overlap is None:  # it was made while somebody deleted its deployment: nothing else would end it
                connection.execute(END_PLACE.format(self._mark), (run.flow_run_id,))
                reason = "Its deployment was deleted."
                changes.append(StateRecord(run.flow_run_id, False, StateType.CANCELLED, "Cancelled", reason, now))
                continue
            if run.work_queue in queues and queues[run.work_queue] <= 0:
                continue
            limit = each.limit if each.limit is not None or each.overlap == "queue" else 1
            if limit is not None and running[run.deployment_id] >= limit:
                self._note_taken(connection, taken[noted:])  # what becomes of a run depends on those
                noted = len(taken)
                changes += held_up(connection, each, now, self._mark)
                continue
            taken.append(run._replace(phase="claimed", worker_id=worker.id, lease=lease, starts=run.starts + 1))
            running[run.deployment_id] += 1
            if run.work_queue in queues:
                queues[run.work_queue] -= 1
            if len(taken) == most:
                break
        # With what is to be known before the COMMIT, since others wait until it is done; nothing more is written then.
        if not changes and current_call.get() is None:
            with self._access.database.at_once(connection, commits=True):
                self._note_taken(connection, taken[noted:])
            return taken
        self._note_taken(connection, taken[noted:])
        if is_unhurried:
            connection.execute(self._sql.hurried)
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

    def _candidates(
        self,
        connection: Connection,
        pool: str,
        most: int,
        now: Micros,
        queues: dict[str, int],
        deployments: Sequence[str],
        hoped: Cursor | None,
    ) -> Iterator[Waiting]:
        """Runs that are due, by priority and time, as many as are taken: what may not run does not hide what may.

        Nothing comes of the `deployments` that have as many runs as they may have, however many of their runs wait.
        `hoped` has the first of them if nothing is full.
        """
        full = [name for name, room in queues.items() if room <= 0]
        last, count = _FIRST, most + _AHEAD
        if full or deployments:
            hoped = None
        while most > 0:
            page = hoped
            if page is None:
                page = connection.execute(*self._next_page(pool, now, last, count, full, deployments))
            rows, hoped = page.fetchall(), None
            found = [Waiting(QueuedRun(*row[:-3]), *row[-3:]) for row in rows]
            yield from found
            if len(found) < count:
                return
            newest = found[-1].run
            last = newest.priority, newest.due, newest.flow_run_id

    def _next_page(
        self,
        pool: str,
        now: Micros,
        last: tuple[int, int, str],
        count: int,
        full: Sequence[str] = (),
        deployments: Sequence[str] = (),
    ) -> tuple[str, tuple[Any, ...]]:
        """The statement, and its values, of runs that are due after the last one, but of what is full."""
        mark = self._mark
        in_room = f" AND coalesce(work_queue, '') NOT IN ({', '.join(mark for _ in full)})" if full else ""
        of_others = f" AND deployment_id NOT IN ({', '.join(mark for _ in deployments)})" if deployments else ""
        # The places first, by their index: with thousands that wait, a database joins all of them else, and sorts.
        query = (
            f"SELECT {', '.join(f'q.{each}' for each in QueuedRun._fields)}, d.concurrency_limit, d.overlap,"
            f" f.state_type FROM (SELECT * FROM queued_run WHERE work_pool = {mark} AND phase = 'waiting'"
            f" AND due <= {mark} AND (priority, due, flow_run_id) > ({mark}, {mark}, {mark}){in_room}{of_others}"
            f" ORDER BY priority, due, flow_run_id LIMIT {mark}) AS q"
            " LEFT JOIN deployment AS d ON d.id = q.deployment_id LEFT JOIN flow_run AS f ON f.id = q.flow_run_id"
            " ORDER BY q.priority, q.due, q.flow_run_id"
        )
        return query, (pool, now, *last, *full, *deployments, count)

    def give_back(self, flow_run_ids: Sequence[str], worker_id: str) -> None:
        """Have runs that a worker has, and has begun nothing for, wait again, as if nobody had claimed them."""
        self._let_all_go("phase = 'waiting', starts = starts - 1", flow_run_ids, worker_id)

    def end_claimed(self, flow_run_ids: Sequence[str], worker_id: str) -> None:
        """Have the places of runs that a worker has end, since the runs have."""
        self._let_all_go("phase = 'ended'", flow_run_ids, worker_id)

    def _let_all_go(self, change: str, flow_run_ids: Sequence[str], worker_id: str) -> None:
        mark = self._mark

        def work(connection: Connection) -> None:
            for first in range(0, len(flow_run_ids), _IN_A_STATEMENT):
                ids = flow_run_ids[first : first + _IN_A_STATEMENT]
                connection.execute(
                    f"UPDATE queued_run SET {change}, worker_id = NULL, lease = NULL"
                    f" WHERE worker_id = {mark} AND phase = 'claimed'"
                    f" AND flow_run_id IN ({', '.join([mark] * len(ids))})",
                    (worker_id, *ids),
                )

        if flow_run_ids:
            self._writer.transact(work)
