"""Work pools, their queues and workers in the database."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from perdure._model.errors import WorkerError
from perdure._model.tables import Table
from perdure._platform.clock import Micros
from perdure._rooms.deployments.port import WorkerRecord, WorkPool, WorkQueue
from perdure._rooms.deployments.tables import WORK_POOL, WORK_QUEUE, WORKER
from perdure._store.sql.access import Access
from perdure._store.sql.database import Connection

_LONGEST_NAME = 500  # characters: pools of what is served have the names of a flow and a deployment
R = TypeVar("R", bound=tuple[object, ...])


class SqlPools:
    """Where the runs of deployments wait, and who starts them."""

    def __init__(self, access: Access) -> None:
        self._access, self._writer, self._read, self._sql = access, access.writer, access.read, access.sql
        self._mark = access.sql.mark

    def put_pool(self, pool: WorkPool) -> None:
        """Make a work pool, or change one; when it was created, and whether it is paused, stays.

        Raises:
            WorkerError: its name is none.
        """
        if not pool.name.strip() or len(pool.name) > _LONGEST_NAME:
            raise WorkerError(f"A work pool's name is text, up to {_LONGEST_NAME} characters: not {pool.name!r:.100}.")
        statement = self._sql.insert(WORK_POOL, tuple(WORK_POOL.columns)) + (
            " ON CONFLICT (name) DO UPDATE SET type = excluded.type, template = excluded.template,"
            " concurrency_limit = excluded.concurrency_limit"
        )
        self._writer.execute_apart(statement, (*pool, 0))

    def pools(self) -> Sequence[WorkPool]:
        """All work pools, sorted by name."""
        return self._select(WorkPool, WORK_POOL, {}, "name")

    def pause_pool(self, name: str, since: Micros | None) -> bool:
        """Have no run of a work pool be begun, or (None) have them begun again; False if there is none."""
        return self._pause("work_pool", {"name": name}, since)

    def delete_pool(self, name: str) -> bool:
        """Forget a work pool and its queues; False if there is none."""
        mark = self._mark

        def work(connection: Connection) -> bool:
            connection.execute(f"DELETE FROM work_queue WHERE work_pool = {mark}", (name,))
            return connection.execute(f"DELETE FROM work_pool WHERE name = {mark}", (name,)).rowcount == 1

        return self._writer.transact(work)

    def put_queue(self, queue: WorkQueue) -> None:
        """Make a work queue, or change one."""
        self._writer.execute_apart(self._sql.upsert(WORK_QUEUE), queue)

    def queues(self, work_pool: str) -> Sequence[WorkQueue]:
        """The work queues of a pool, sorted by name."""
        return self._select(WorkQueue, WORK_QUEUE, {"work_pool": work_pool}, "name")

    def delete_queue(self, work_pool: str, name: str) -> bool:
        """Forget a work queue: its runs are limited by their pool only; False if there is none."""
        statement = f"DELETE FROM work_queue WHERE work_pool = {self._mark} AND name = {self._mark}"
        return self._writer.execute_apart(statement, (work_pool, name)) == 1

    def beat(self, worker: WorkerRecord) -> None:
        """Note that a worker is there."""
        newer = " ON CONFLICT (id) DO UPDATE SET running = excluded.running, seen = excluded.seen"
        self._writer.execute_apart(self._sql.insert(WORKER) + newer, worker)

    def workers(self, work_pool: str | None = None) -> Sequence[WorkerRecord]:
        """The workers of a pool, or all, sorted by pool and name."""
        return self._select(WorkerRecord, WORKER, {"work_pool": work_pool}, "work_pool, name")

    def forget_worker(self, id: str) -> None:
        """A worker has ended."""
        self._writer.execute_apart(f"DELETE FROM worker WHERE id = {self._mark}", (id,))

    def _select(self, kind: type[R], table: Table, chosen: Mapping[str, object], order: str) -> list[R]:
        given = {column: value for column, value in chosen.items() if value is not None}
        where = " AND ".join(["1 = 1", *(f"{column} = {self._mark}" for column in given)])
        return self._access.all(kind, f"{self._sql.select(table, where)} ORDER BY {order}", *given.values())

    def _pause(self, table: str, chosen: Mapping[str, object], since: Micros | None) -> bool:
        where = " AND ".join(f"{column} = {self._mark}" for column in chosen)
        statement = f"UPDATE {table} SET paused = {self._mark} WHERE {where}"
        return self._writer.execute_apart(statement, (since, *chosen.values())) == 1
