"""The orchestrator inside the process: one database, one writer, as many readers as threads ask."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from perdure import _rooms
from perdure._model.errors import EventError, OrchestratorError
from perdure._model.filters import is_declared
from perdure._model.records import (
    CancelRecord,
    Claim,
    DecisionRecord,
    InputRecord,
    Owner,
    ProcessRecord,
    Record,
    ResultRecord,
    Standing,
    StartRecord,
    StateRecord,
    WaitRecord,
)
from perdure._model.state_types import StateType
from perdure._model.tables import Table
from perdure._platform.clock import Micros, system_clock
from perdure._platform.lazy_import import LazyModule
from perdure._rooms.artifacts.store import SqlArtifacts
from perdure._rooms.blocks.store import SqlBlocks
from perdure._rooms.cache.records import CacheEntry, CacheFilter
from perdure._rooms.logs.store import SqlLogs
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.results.tables import INPUTS_ORDER, RESULT, RUN_INPUT
from perdure._rooms.runs.records import FailureCount, FailureFilter, FlowRun, RunCount, RunFilter, TaskRun
from perdure._rooms.runs.tables import DECISION, FLOW_RUN, FLOW_START, TASK_RUN
from perdure._rooms.variables.store import SqlVariables
from perdure._store import open_orchestrators
from perdure._store.rooms import store_of
from perdure._store.sql.access import Access
from perdure._store.sql.database import Connection, Database
from perdure._store.sql.ingest import Deliveries, Delivery
from perdure._store.sql.readers import Readers
from perdure._store.sql.reconnect import reaching
from perdure._store.sql.sqlite import SQLite
from perdure._store.sql.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from perdure._rooms.deployments.port import Deployments
    from perdure._rooms.events.port import Event, Services
    from perdure._rooms.limits.port import Limits
    from perdure._rooms.results.store import Pruner
    from perdure._rooms.tokens.store import Tokens
    from perdure._rooms.transactions.port import Transactions
    from perdure._store.sql import filtered_lists, queries
else:
    queries = LazyModule("perdure._store.sql.queries")
    filtered_lists = LazyModule("perdure._store.sql.filtered_lists")

P = TypeVar("P")
Row = tuple[Any, ...]
_READERS = 8  # connections that read at once; a further one waits


class EmbeddedOrchestrator(SqlArtifacts, SqlBlocks, SqlLogs, SqlVariables):
    """Keeps records in a SQLite file, or another `database`, which is opened at the first use.

    Many processes may use one file: each waits up to `timeout_seconds` for the others. What is reported is
    committed at the latest after about `report_interval_seconds`, with the next commit, or at the process's exit.
    With `synced`, what is committed survives a loss of power.
    """

    transactions: "Transactions"
    limits: "Limits"
    services: "Services"
    deployments: "Deployments"
    tokens: "Tokens"

    def __init__(
        self,
        database: Path | Database,
        *,
        timeout_seconds: float = 60.0,
        report_interval_seconds: float = 0.1,
        synced: bool = False,
    ) -> None:
        chosen: Database
        chosen = SQLite(database.absolute(), timeout_seconds, synced) if isinstance(database, Path) else database
        self._database = chosen
        self._statements = self._database.statements
        self._writer = Writer(self._database, report_interval_seconds)
        self._deliveries = Deliveries(self._writer, self._statements, self._writer.refusals)
        self._readers = Readers(partial(self._database.connect, reads=True), _READERS)
        self._access = Access(chosen, self._writer, self._read)
        self.report = self._writer.report  # type: ignore[method-assign]  # most calls there are, without one more each
        open_orchestrators.keep(self)

    def __getattr__(self, name: str) -> Any:
        """What is done for a room, which is made when it is first asked for."""
        made = self.__dict__[name] = store_of(name, self._access)
        return made

    def room(self, port: type[P]) -> P:
        """What is done for the room that a port is of."""
        found: P = getattr(self, _rooms.name_of(port))
        return found

    def report(self, records: Iterable[Record]) -> None:
        """Take the records and return at once; they are committed soon, in order."""
        self._writer.report(records)

    def commit(self, records: Iterable[Record]) -> None:
        """Take the records and return when they, and all reported before them, are committed."""
        self._writer.commit(records)

    def flush(self) -> None:
        """Return when all that was reported is committed."""
        self._writer.flush()

    def own(self, owner: Owner) -> None:
        """Write what is reported of a flow run under a claim, from now on."""
        self._writer.own(owner)

    def disown(self, flow_run_id: str) -> None:
        """The flow run has ended here, and all that was reported of it is committed."""
        self._writer.disown(flow_run_id)

    def hear_of_lost(self, hear: Callable[[Owner], None]) -> None:
        """Have a function called with each claim that was found to be lost."""
        self._writer.when_lost = hear

    def close(self) -> None:
        """Flush, close connections and end threads. Calling it again does nothing."""
        self._writer.close()
        for connection in self._readers.idle():
            connection.close()

    def deliver(self, delivery: Delivery) -> None:
        """Commit a batch that came from far, unless it is committed already.

        Raises:
            DeliveryGap: another one of its sender is wanted first.
        """
        self._deliveries.deliver(delivery)

    def abandon(self) -> None:
        """Close, as a killed process does: what was reported and is not committed is lost."""
        self._writer.abandon()
        self.close()

    def find_cached(self, key: str, now: Micros) -> ResultRecord | None:
        """The result that a cache key stands for, unless it has expired or is to be removed."""
        if self._writer.holds_keyed:
            self._writer.flush()
        return self._access.one(ResultRecord, self._statements.find_cached, key, now)

    def claim_key(self, claim: Claim, lost: str | None = None) -> bool:
        """Have a run compute the value of a cache key; False if the key has a claim, or a result, already."""
        if self._writer.holds_keyed:
            self._writer.flush()
        sql, writer = self._statements, self._writer
        result = (claim.key, claim.created, lost or "")
        if not sql.unclaim_key:
            return writer.execute_apart(sql.claim_key, (*claim, *result)) == 1
        back = (claim.key, claim.run_id, *result)
        return writer.execute_unless(sql.claim_key, (*claim, *result), sql.unclaim_key, back) == 1

    def take_over_key(self, held: Claim, claim: Claim) -> bool:
        """Have a claim go from one run to another; False if it is no longer the first one's."""
        parameters = (*claim[1:], held.key, held.run_id)
        return self._writer.execute(self._statements.take_over_key, parameters) == 1

    def claim_of(self, key: str) -> Claim | None:
        """Which run computes the value of a cache key now."""
        if self._writer.holds_keyed:
            self._writer.flush()
        return self._access.one(Claim, self._statements.claim_of, key)

    def note_wait(self, claim: tuple[str, str], count: int) -> None:
        """Count a run that waits inside the claim of a key by a run (1), or that does so no longer (-1)."""
        self._writer.execute(self._statements.note_wait, (count, *claim))

    def cache_entries(self, filter: CacheFilter) -> Sequence[CacheEntry]:
        """What cache keys stand for, the newest first, the expired ones too."""
        return self._access.listed(CacheEntry, queries.cache_entries(filter, self._access.select))

    def clear_cache(self, filter: CacheFilter) -> int:
        """Forget what cache keys stand for; how many."""
        return self._writer.execute(*self._database.compiled(queries.forget_cache(filter, self._access.select)))

    def flow_runs(self, filter: RunFilter) -> Sequence[FlowRun]:
        """The flow runs that the filter lets through, newest first, with everything reported until now."""
        if (found := self._runs_at_once(FLOW_RUN, "parent_flow_run_id", filter)) is not None:
            return found
        return self._access.listed(FlowRun, filtered_lists.flow_runs(filter, self._access.select))

    def task_runs(self, filter: RunFilter) -> Sequence[TaskRun]:
        """The task runs that the filter lets through, newest first, with everything reported until now."""
        if (found := self._runs_at_once(TASK_RUN, "flow_run_id", filter)) is not None:
            return found
        return self._access.listed(TaskRun, filtered_lists.task_runs(filter, self._access.select))

    def _runs_at_once(self, table: Table, parent: str, filter: RunFilter) -> "list[Any] | None":
        """The runs of a filter as programs have it; None for one of people's, which needs SQLAlchemy's import."""
        if len(filter.flow_run_ids) > 1 or not is_declared(filter._replace(flow_run_ids=())):
            return None
        self._writer.flush()
        below = {parent: filter.flow_run_ids[0]} if filter.flow_run_ids else {}
        return self._access.filtered(table, filter, "id DESC", below)

    def states(self, run_id: str) -> Sequence[StateRecord]:
        """All the states of a run, oldest first. What this process reports of it afterwards comes after them."""
        self._writer.flush()
        rows = self._read(self._statements.states, (run_id,))
        if rows:
            self._writer.follow(rows[-1][-1])
        return self._access.made(StateRecord, [row[:-1] for row in rows])

    def run_counts(self, run_ids: Sequence[str]) -> Sequence[RunCount]:
        """How many states and log lines are recorded of the runs, in the order of the ids."""
        states, logs = (
            {str(id): int(count) for id, count in self._access.select(query)} for query in queries.run_counts(run_ids)
        )
        return [RunCount(id, states.get(id, 0), logs.get(id, 0)) for id in run_ids]

    def failures(self, filter: FailureFilter) -> Sequence[FailureCount]:
        """How many flow runs have failed with which message, most runs first."""
        return self._access.listed(FailureCount, queries.failures(filter))

    def results(self, filter: ResultFilter) -> Sequence[ResultRecord]:
        """Records of results, newest first."""
        if is_declared(filter):
            self._writer.flush()
            return self._access.filtered(RESULT, filter, "run_id DESC")
        return self._access.listed(ResultRecord, filtered_lists.results(filter, self._access.select))

    def inputs_of(self, run_ids: Sequence[str]) -> Sequence[InputRecord]:
        """Which results went into the runs, sorted by run and name."""
        return self._access.those(RUN_INPUT, "run_id", run_ids, INPUTS_ORDER)

    def uses_of(self, run_ids: Sequence[str]) -> Sequence[InputRecord]:
        """Which runs were given the results of the runs, sorted by the run that was given it and by name."""
        return self._access.those(RUN_INPUT, "source_id", run_ids, INPUTS_ORDER)

    def decisions(self, run_ids: Sequence[str]) -> Sequence[DecisionRecord]:
        """Why the runs called their functions, or did not, newest first; runs with nothing to say are left out."""
        return self._access.those(DECISION, "run_id", run_ids, "run_id DESC")

    def source(self, digest: str) -> str | None:
        """What the digests of a task's source were made of, as in `SourceRecord`; None if it was not recorded."""
        self._writer.flush()
        rows = self._read(self._statements.source, (digest,))
        return rows[0][0] if rows else None

    def pruning(self) -> "Pruner":
        """What removing old results needs; close it when it is done."""
        from perdure._rooms.results.store import Pruner

        self._writer.flush()
        return Pruner(self._database)

    def start(self, flow_run_id: str) -> StartRecord | None:
        """How a flow run was begun; None if it was not recorded."""
        self._writer.flush()
        return self._access.one(StartRecord, self._statements.start, flow_run_id)

    def starts(self, flow_run_ids: Sequence[str]) -> Sequence[StartRecord]:
        """How flow runs were begun, sorted by id; those of which it was not recorded are left out."""
        return self._access.those(FLOW_START, "flow_run_id", flow_run_ids, "flow_run_id")

    def claim(
        self,
        seen: StateRecord,
        before: str,
        after: str,
        records: Iterable[Record],
        epochs: tuple[int, int] | None = None,
    ) -> bool:
        """Have a flow run go from one process to another, and commit the records; False if it is not as it was seen."""
        as_seen = (seen.run_id, before, seen.run_id, str(seen.type), seen.name, seen.time)
        if epochs is None:
            claim: tuple[str, Row] = (self._statements.claim_unfenced, (after, *as_seen))
        else:
            claim = (self._statements.claim, (after, epochs[1], *as_seen, epochs[0]))
        lock = (self._statements.lock_start, (seen.run_id,)) if self._statements.lock_start else None
        return self._writer.commit_together(list(records), unless=claim, claimed=seen.run_id, lock=lock)

    def standing(self, flow_run_id: str) -> Standing | None:
        """How an outermost flow run stands, for the process that runs it."""
        rows = self._read(self._statements.standing, (flow_run_id,))
        if not rows:
            return None
        process_id, epoch, state_type, asked_by, *rest = rows[0]
        request = None if asked_by is None else CancelRecord(flow_run_id, asked_by, *rest)
        return Standing(process_id, epoch, state_type and self._state_type(state_type), request)

    def cancellation(self, flow_run_id: str) -> CancelRecord | None:
        """The request to cancel a flow run, if there is one."""
        return self._access.one(CancelRecord, self._statements.cancellation, flow_run_id)

    def withdraw(self, flow_run_id: str) -> None:
        """Nobody wants the flow run to be cancelled any more."""
        self._writer.execute(self._statements.withdraw, (flow_run_id,))

    def waits(self, flow_run_id: str) -> Sequence[WaitRecord]:
        """What the steps of a flow run wait for, or have waited for, sorted by key."""
        self._writer.flush()
        return self._access.all(WaitRecord, self._statements.waits, flow_run_id)

    def answer(self, flow_run_id: str, key: str, answer: str) -> bool:
        """Answer a step that waits; False if it has been answered already."""
        return self._writer.execute(self._statements.answer, (answer, flow_run_id, key)) == 1

    def process(self, id: str) -> ProcessRecord | None:
        """A process that runs flows."""
        self._writer.flush()
        return self._access.one(ProcessRecord, self._statements.process, id)

    def finished_steps(self, flow_run_id: str) -> Sequence[ResultRecord]:
        """The results of what a flow run called itself, that completed and does not run again when it is resumed."""
        self._writer.flush()
        return self._access.all(ResultRecord, self._statements.finished_steps, flow_run_id, flow_run_id)

    def items(self, flow_run_id: str, step: str, first: int, end: int) -> Sequence[ResultRecord]:
        """The items of a generator with these numbers, by number; of several with one number, the newest first."""
        self._writer.flush()
        return self._access.all(ResultRecord, self._statements.items, flow_run_id, step, first, end)

    def begun_steps(self, flow_run_id: str) -> Sequence[tuple[str, str]]:
        """The subflow runs of a flow run that have not completed: what each is within it, as JSON, and its id."""
        self._writer.flush()
        return [(step, id) for step, id in self._read(self._statements.begun_steps, (flow_run_id,))]

    def unfinished_roots(self) -> Sequence[str]:
        """The ids of all outermost flow runs that are not at their end, or crashed, oldest first."""
        self._writer.flush()
        return [id for (id,) in self._read(self._statements.unfinished_roots, ())]

    @property
    def place(self) -> str:
        """Where the database is, for people; no password is in it."""
        return str(getattr(self._database, "path", None) or getattr(self._database, "place", "memory"))

    @property
    def is_read_only(self) -> bool:
        """Whether the database can be read, and not written."""
        return self._database.is_read_only

    @property
    def condition(self) -> tuple[str, int]:
        """What the database is, with its version, and its size in bytes."""
        return reaching(self._database, self._condition)

    def _condition(self) -> tuple[str, int]:
        connection = self._database.connect()
        try:
            return self._database.version(connection), self._database.sizes(connection)[0]
        finally:
            connection.close()

    @property
    def counts(self) -> tuple[int, int]:
        """How many records were taken by this process until now, and how many of them are committed."""
        return self._writer.counts

    @property
    def is_shared(self) -> bool:
        """Whether others than its user may write to the database: it is a server's, or has tokens for one."""
        return self._database.kind == "postgresql" or bool(self.tokens.all())

    def emit(self, event: "Event") -> bool:
        """Keep an event of a program's own, with deliveries to the hooks that subscribe to it; False if it is kept
        already."""
        from perdure._rooms.events.port import OF_STATES, deliveries_of

        if event.kind.startswith(OF_STATES):
            raise EventError(f"{event.kind!r} is a kind of the server's own events.")
        deliveries = deliveries_of([event], self.services.hooks(), system_clock())
        return self.services.add_events([event], deliveries) == 1

    def select(self, query: "Executable") -> list[Row]:
        """The rows of a query, with everything reported until now."""
        return self._access.select(query)

    def execute(self, statement: "Executable") -> int:
        """Commit a statement after all that was reported; how many rows it changed."""
        return self._writer.execute(*self._database.compiled(statement))

    def _read(self, statement: str, parameters: Row) -> list[Row]:
        if self._writer.closed:
            raise OrchestratorError("The orchestrator is closed and answers no more questions.")
        return reaching(self._database, lambda: self._read_once(statement, parameters))

    def _read_once(self, statement: str, parameters: Row) -> list[Row]:
        connection = self._readers.take()
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            self._readers.give_back(connection, self._database.is_lost(connection))

    def _state_type(self, text: str) -> StateType:
        try:
            return StateType(text)
        except ValueError as error:
            raise self._database.damaged(error) from None

    def begin_in_fork(self) -> None:
        """Leave the parent's connections, locks and records to the parent."""
        _abandon(self._readers.idle())
        self._readers = Readers(partial(self._database.connect, reads=True), _READERS)
        self._database.renew_lock()
        self._writer.begin_in_fork(_abandon)
        self._deliveries = Deliveries(self._writer, self._statements, self._writer.refusals)


def _abandon(connections: list[Connection]) -> None:
    """Never close these: closing a connection made before a fork could touch the files that the parent uses."""
    if connections:
        import ctypes

        for connection in connections:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
