"""The SQL of all writing and of the hot reads, derived from the records' fields.

Plain text, since SQLAlchemy's import costs more than a small flow; portable between SQLite and PostgreSQL.
"""

from threading import Lock
from typing import TYPE_CHECKING, Literal

from perdure._model.records import (
    Claim,
    DecisionRecord,
    FlowRunRecord,
    LogRecord,
    ResultRecord,
    StateRecord,
    StepRecord,
    TaskRunRecord,
)
from perdure._model.state_types import ABANDONED
from perdure._model.tables import Table
from perdure._rooms.cache.expiry import has_not_expired
from perdure._rooms.results.tables import RESULT, RUN_INPUT
from perdure._rooms.runs.tables import (
    CANCELLATION,
    DECISION,
    DELIVERY,
    FLOW_RUN,
    FLOW_START,
    PROCESS,
    RUN_TAG,
    RUN_WAIT,
    SOURCE,
    STATE,
    TASK_RUN,
)
from perdure._store.sql.clauses import Clauses

RUN_STATE = ("state_type", "state_name", "state_message", "state_time", "started", "ended", "run_count")
_NEWEST = (*RUN_STATE[:4], "ended")  # what a run's row repeats of its newest state
STATE_ROW = tuple(STATE.columns)

# What a run's row holds while only its states are known: they may arrive, from another process, before the run.
_UNKNOWN = {
    "flow_run": {"name": "''", "flow_name": "''", "tags": "'[]'", "parameters": "'{}'"},
    "task_run": {"name": "''", "task_name": "''", "task_key": "''", "tags": "'[]'"},
}

MARKS = ("doomed", "removed")  # of a result; the report of a new one clears them


class Statements(Clauses):
    """The statements, as attributes. Those that not all programs need are made when the first of them is wanted."""

    def __init__(self, mark: str = "?", absent: float | None = 0.5, flag: str = "?", share: str = "") -> None:
        super().__init__(mark, absent, flag, share)
        self._later = [
            *(self._of_logs, self._of_blocks, self._of_cache, self._of_transactions, self._of_artifacts),
            *(self._of_variables, self._of_deliveries, self._of_named_results),
        ]
        self._lock = Lock()
        self.create_flow_run = self._create_run(FLOW_RUN, FlowRunRecord._fields)
        self.create_task_run = self._create_run(TASK_RUN, TaskRunRecord._fields)
        self.advance_flow_run = self._advance_run(FLOW_RUN)
        self.advance_task_run = self._advance_run(TASK_RUN)
        self.amend_flow_run = self._advance_run(FLOW_RUN, of="past")
        self.amend_task_run = self._advance_run(TASK_RUN, of="past")
        self.rename_flow_run = f"UPDATE flow_run SET name = {mark} WHERE id = {mark}"
        self.rename_task_run = f"UPDATE task_run SET name = {mark} WHERE id = {mark}"
        self.add_tag = self.insert(RUN_TAG, ("of_task", "tag", "run_id")) + " ON CONFLICT DO NOTHING"
        self.add_state = self.insert(STATE, STATE_ROW)
        self.add_past_state = self.insert(STATE, STATE_ROW) + " ON CONFLICT DO NOTHING"
        own_fields = tuple(field for field in ResultRecord._fields if field not in MARKS)
        self.put_result = self.upsert(RESULT, (*own_fields, "askew")) + "".join(
            f", {column} = NULL" for column in MARKS
        )
        plain_fields = own_fields[: own_fields.index("value")]
        # All else of it becomes NULL: what is not inserted is so in `excluded`, too.
        _, _, updates = self.put_result.partition(" ON CONFLICT ")
        self.put_plain_result = f"{self.insert(RESULT, plain_fields)} ON CONFLICT {updates}"
        # What a run that succeeds is written with. Each row stands for itself, so that some of them fit one statement.
        self.of_runs = frozenset({self.create_task_run, self.add_state, self.put_plain_result, self.put_result})
        # Only what is pending deletion since that very time is removed: a result reported since is another one.
        self.mark_result = (
            f"UPDATE result SET doomed = {mark}, removed = {self.optional},"
            # With a document that is in the row itself.
            f" value = CASE WHEN CAST({self.optional} AS bigint) IS NULL THEN value END"
            f" WHERE run_id = {mark} AND removed IS NULL"
            f" AND (CAST({self.optional} AS bigint) IS NULL OR doomed = {mark})"
        )
        self.add_input = self.insert(RUN_INPUT) + " ON CONFLICT DO NOTHING"
        self.put_process = self.upsert(PROCESS)
        self.put_start = self.upsert(FLOW_START)
        self.put_cancellation = self.upsert(CANCELLATION)
        self.put_wait = self.upsert(RUN_WAIT)
        self.put_decision = self._decide()
        self.add_source = self.insert(SOURCE) + " ON CONFLICT DO NOTHING"
        self.source = f"SELECT parts FROM source WHERE digest = {mark}"
        self.start = self.select(FLOW_START, f"flow_run_id = {mark}")
        # All who want a run meet at its row of flow_start; with the first one's claim, it is as they saw it no longer.
        as_seen = (
            f" WHERE flow_run_id = {mark} AND process_id = {mark}"
            f" AND EXISTS (SELECT 1 FROM flow_run AS f WHERE f.id = {mark}"
            f" AND f.state_type = {mark} AND f.state_name = {mark} AND f.state_time = {mark})"
        )
        self.claim = f"UPDATE flow_start SET process_id = {mark}, epoch = {mark}{as_seen} AND epoch = {mark}"
        self.epoch = f"SELECT epoch FROM flow_start WHERE flow_run_id = {mark}{share}"
        # On a server, who claims a run may wait for the owner's last transaction: only a later statement sees that one.
        self.lock_start = share and f"SELECT epoch FROM flow_start WHERE flow_run_id = {mark} FOR UPDATE"
        # Of a transaction whose loss in a crash of the server undoes nothing that anybody relies on: who waits for its
        # locks does not wait for the disk, too.
        self.unhurried = share and "SET LOCAL synchronous_commit = off"
        self.hurried = share and "SET LOCAL synchronous_commit TO DEFAULT"
        # Of an owner that does not say its epoch: a negative one.
        self.claim_unfenced = f"UPDATE flow_start SET process_id = {mark}, epoch = -abs(epoch) - 1{as_seen}"
        self.standing = (
            "SELECT s.process_id, s.epoch, f.state_type, c.asked_by, c.time, c.grace FROM flow_start AS s"
            " LEFT JOIN flow_run AS f ON f.id = s.flow_run_id"
            f" LEFT JOIN cancellation AS c ON c.flow_run_id = s.flow_run_id WHERE s.flow_run_id = {mark}"
        )
        self.cancellation = self.select(CANCELLATION, f"flow_run_id = {mark}")
        self.withdraw = f"DELETE FROM cancellation WHERE flow_run_id = {mark}"
        self.waits = self.select(RUN_WAIT, f"flow_run_id = {mark} ORDER BY key")
        self.answer = (
            f"UPDATE run_wait SET answer = {mark} WHERE flow_run_id = {mark} AND key = {mark} AND answer IS NULL"
        )
        self.process = self.select(PROCESS, f"id = {mark}")
        result_fields = ", ".join("r." + field for field in ResultRecord._fields)
        self.finished_steps = " UNION ALL ".join(
            f"SELECT {result_fields} FROM {table} AS t JOIN result AS r ON r.run_id = t.id"
            f" WHERE t.{flow_run} = {mark} AND t.parent_task_run_id IS NULL"
            " AND t.state_type IN ('COMPLETED', 'FAILED') AND r.step IS NOT NULL AND r.doomed IS NULL"
            # A flow that was tried again after a failure runs again what had failed by then.
            " AND NOT (r.is_exception AND EXISTS (SELECT 1 FROM state AS s"
            f" WHERE s.run_id = t.{flow_run} AND s.name = 'AwaitingRetry'"
            " AND s.arrival > (SELECT MAX(arrival) FROM state WHERE run_id = t.id)))"
            for table, flow_run in (("task_run", "flow_run_id"), ("flow_run", "parent_flow_run_id"))
        )
        self.items = (
            f"{self.select(RESULT)} WHERE item_of = {mark} AND step = {mark}"
            f" AND number >= {mark} AND number < {mark} AND doomed IS NULL ORDER BY number, run_id DESC"
        )
        self.begun_steps = (
            "SELECT s.step, s.flow_run_id FROM flow_run AS f JOIN flow_start AS s ON s.flow_run_id = f.id"
            f" WHERE f.parent_flow_run_id = {mark} AND s.step IS NOT NULL AND f.state_type <> 'COMPLETED'"
        )
        self.unfinished_roots = (
            "SELECT f.id FROM flow_run AS f JOIN flow_start AS s ON s.flow_run_id = f.id"
            " WHERE f.parent_flow_run_id IS NULL"
            " AND f.state_type NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')"
            f" AND f.state_name <> '{ABANDONED}' ORDER BY f.id"
        )
        state_fields = ", ".join((*StateRecord._fields, "arrival"))
        self.states = f"SELECT {state_fields} FROM state WHERE run_id = {mark} ORDER BY arrival"
        self.newest_arrival = f"SELECT max(arrival) FROM state WHERE run_id = {mark}"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> str:
            """Make statements until the one is there that is wanted."""
            with self._lock:
                while name not in self.__dict__ and self._later:
                    self._later.pop(0)()
            return object.__getattribute__(self, name)

    def _decide(self) -> str:
        """Take a decision; its last parameter is the cache key once more, for the run that it stood for until now.

        That a result was lost stays known when its run says that it computed the value instead.
        """
        *own_fields, other = DecisionRecord._fields
        stood_for = f"(SELECT run_id FROM cache_entry WHERE key = {self.optional})"
        values = f"{self.marks(DECISION, own_fields)}, coalesce({self.optional}, {stood_for})"
        then = ", ".join(f"{column} = excluded.{column}" for column in ("cache_key", "components", "arguments"))
        first = ", ".join(
            f"{column} = CASE WHEN excluded.why = 'computed' THEN decision.{column} ELSE excluded.{column} END"
            for column in ("why", "detail", other)
        )
        return (
            f"INSERT INTO decision ({', '.join((*own_fields, other))}) VALUES ({values})"
            f" ON CONFLICT (run_id) DO UPDATE SET {then}, {first}"
        )

    def _of_logs(self) -> None:
        from perdure._rooms.logs.tables import LOG

        self.add_log = self.insert(LOG, LogRecord._fields)

    def _of_blocks(self) -> None:
        from perdure._rooms.blocks.tables import BLOCK

        mark = self.mark
        # A process that uses a storage without a name does not take away the name under which another one saved it.
        self.put_block = self.upsert(BLOCK).replace(
            "name = excluded.name", "name = coalesce(excluded.name, block.name)"
        )
        self.free_slug = f"UPDATE block SET name = NULL WHERE type = {mark} AND name = {mark} AND id <> {mark}"
        self.forget_block = f"UPDATE block SET name = NULL WHERE id = {mark}"
        self.block = self.select(BLOCK, f"id = {mark}")

    def _of_named_results(self) -> None:
        from perdure._rooms.events.tables import NAMED_RESULT, NamedResult

        # Where nobody makes events, nobody would ever take them away.
        self.add_named_result = (
            f"INSERT INTO named_result ({', '.join(NamedResult._fields)})"
            f" SELECT {self.marks(NAMED_RESULT, NamedResult._fields)}"
            " WHERE EXISTS (SELECT 1 FROM service WHERE name = 'events' AND cursor IS NOT NULL) ON CONFLICT DO NOTHING"
        )

    def _of_cache(self) -> None:
        from perdure._rooms.cache.tables import CACHE_CLAIM, CACHE_ENTRY

        mark = self.mark
        self.put_cache_entry = self.upsert(CACHE_ENTRY)
        is_fresh = has_not_expired("c.expires", mark)
        self.find_cached = (
            f"SELECT {', '.join('r.' + field for field in ResultRecord._fields)}"
            " FROM cache_entry AS c JOIN result AS r ON r.run_id = c.run_id"
            f" WHERE c.key = {mark} AND {is_fresh} AND r.doomed IS NULL"
        )
        has_result = (
            "EXISTS (SELECT 1 FROM cache_entry AS c JOIN result AS r ON r.run_id = c.run_id"
            f" WHERE c.key = {mark} AND {is_fresh} AND r.doomed IS NULL"
            f" AND c.run_id <> {mark})"
        )
        # One statement, so that no result can come between the look and the claim. What the entry of one run leads to
        # may be known to be lost: that entry does not count.
        self.claim_key = (
            f"INSERT INTO cache_claim ({', '.join(Claim._fields)}) SELECT {', '.join(mark for _ in Claim._fields)}"
            f" WHERE NOT {has_result} ON CONFLICT DO NOTHING"
        )
        # On a server, a statement looks, and may wait then for who releases the claim, in the transaction in which
        # the result comes. Only the next statement sees that: it takes the claim back.
        self.unclaim_key = (
            self.share and f"DELETE FROM cache_claim WHERE key = {mark} AND run_id = {mark} AND {has_result}"
        )
        self.take_over_key = (
            f"UPDATE cache_claim SET run_id = {mark}, process_id = {mark}, created = {mark}, waits = {mark}"
            f" WHERE key = {mark} AND run_id = {mark}"
        )
        self.release_key = f"DELETE FROM cache_claim WHERE key = {mark} AND run_id = {mark}"
        self.note_wait = f"UPDATE cache_claim SET waits = waits + {mark} WHERE key = {mark} AND run_id = {mark}"
        self.claim_of = self.select(CACHE_CLAIM, f"key = {mark}")

    def _of_transactions(self) -> None:
        from perdure._rooms.transactions.tables import FLOW_KEY, TXN, TXN_STEP, TXN_VALUE

        mark = self.mark
        step = ", ".join(StepRecord._fields)
        self.open_transaction = self.insert(TXN) + " ON CONFLICT (key) DO UPDATE SET flow_run_id = excluded.flow_run_id"
        self.transaction = self.select(TXN, f"key = {mark}")
        self.unfinished_transactions = (
            f"{self.select(TXN)} WHERE flow_run_id = {mark} AND EXISTS (SELECT 1 FROM txn_step AS s"
            " WHERE s.transaction_id = txn.id AND s.phase IN ('staged', 'committed')) ORDER BY created DESC, id DESC"
        )
        place = f"(SELECT coalesce(MAX(place), 0) + 1 FROM txn_step WHERE transaction_id = {mark})"
        self.add_step = (
            f"INSERT INTO txn_step ({step}, place) VALUES ({self.marks(TXN_STEP, StepRecord._fields)}, {place})"
            " ON CONFLICT DO NOTHING"
        )
        self.steps = (
            f"SELECT {step} FROM txn_step WHERE transaction_id = {mark} AND phase IN ('staged', 'committed')"
            " ORDER BY place, run_id"
        )
        self.committed_steps = (
            f"SELECT {', '.join('r.' + field for field in ResultRecord._fields)}"
            f" FROM txn_step AS s JOIN result AS r ON r.run_id = s.run_id WHERE s.transaction_id = {mark}"
            " AND s.phase IN ('committed', 'ended') AND r.step IS NOT NULL AND r.doomed IS NULL ORDER BY s.place"
        )
        self.end_step = f"UPDATE txn_step SET phase = {mark}, staged = NULL WHERE run_id = {mark}"
        self.commit_transaction = f"UPDATE txn SET committed = {mark} WHERE id = {mark}"
        self.commit_steps = (
            "UPDATE txn_step SET phase = CASE WHEN module IS NULL THEN 'ended' ELSE 'committed' END,"
            " staged = CASE WHEN module IS NULL THEN NULL ELSE staged END"
            f" WHERE transaction_id = {mark} AND phase = 'staged'"
        )
        self.put_value = (
            self.insert(TXN_VALUE) + " ON CONFLICT (transaction_id, name) DO UPDATE SET value = excluded.value"
        )
        self.values = f"SELECT name, value FROM txn_value WHERE transaction_id = {mark}"
        self.add_flow_key = self.insert(FLOW_KEY) + " ON CONFLICT DO NOTHING"
        self.run_of_key = f"SELECT flow_run_id FROM flow_key WHERE flow_name = {mark} AND key = {mark}"
        self.key_of_run = f"SELECT key FROM flow_key WHERE flow_run_id = {mark}"

    def _of_artifacts(self) -> None:
        from perdure._rooms.artifacts.tables import ARTIFACT

        mark = self.mark
        self.put_artifact = self.upsert(ARTIFACT)
        self.change_artifact = (
            f"UPDATE artifact SET updated = {mark}, data = {mark} WHERE id = {mark} AND updated <= {mark}"
        )
        self.forget_artifact = f"DELETE FROM artifact WHERE id = {mark}"

    def _of_variables(self) -> None:
        from perdure._rooms.variables.tables import VARIABLE

        mark = self.mark
        self.variable = self.select(VARIABLE, f"name = {mark}")
        self.variables = f"{self.select(VARIABLE)} ORDER BY name"
        self.add_variable = self.insert(VARIABLE) + " ON CONFLICT (name) DO NOTHING"
        self.put_variable = (
            self.insert(VARIABLE)
            + " ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated = excluded.updated"
        )
        self.forget_variable = f"DELETE FROM variable WHERE name = {mark}"

    def _of_deliveries(self) -> None:
        mark = self.mark
        self.deliver_any = (
            self.insert(DELIVERY) + " ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence,"
            " outcome = excluded.outcome, time = excluded.time WHERE delivery.sequence < excluded.sequence"
        )
        self.deliver_next = (
            f"UPDATE delivery SET sequence = {mark}, time = {mark} WHERE source = {mark} AND sequence = {mark}"
        )
        self.delivered = f"SELECT sequence, outcome FROM delivery WHERE source = {mark}"
        self.note_outcome = f"UPDATE delivery SET outcome = {mark} WHERE source = {mark}"
        self.forget_deliveries = f"DELETE FROM delivery WHERE time < {mark}"

    def _create_run(self, table: Table, fields: tuple[str, ...]) -> str:
        """Take a run, with its state; where it is known already, keep its name and the later of the states."""
        name, known = (
            table.name,
            ", ".join(f"{field} = excluded.{field}" for field in fields if field not in ("id", "name")),
        )
        return (
            f"{self.insert(table, fields + RUN_STATE)} ON CONFLICT (id) DO UPDATE SET {known}, {_later(name)},"
            f" name = CASE WHEN {name}.name = '' THEN excluded.name ELSE {name}.name END, {_running(name)}"
        )

    def _advance_run(self, table: Table, of: Literal["now", "past"] = "now") -> str:
        """Take a run's newest state; the row of a run that is not known yet is begun with it.

        One of the past counts only if it is later than the state that the run is in.
        """
        name, unknown = table.name, _UNKNOWN[table.name]
        columns = ("id", "created", *RUN_STATE)
        newest = ", ".join(f"{column} = excluded.{column}" for column in _NEWEST) if of == "now" else _later(name)
        return (
            f"INSERT INTO {name} ({', '.join(columns)}, {', '.join(unknown)})"
            f" VALUES ({self.marks(table, columns)}, {', '.join(unknown.values())})"
            f" ON CONFLICT (id) DO UPDATE SET {newest}, {_running(name)}"
        )


def _later(table: str) -> str:
    """The later of two states."""
    later = f"excluded.state_time >= coalesce({table}.state_time, excluded.state_time)"
    return ", ".join(
        f"{column} = CASE WHEN {later} THEN excluded.{column} ELSE {table}.{column} END" for column in _NEWEST
    )


def _running(table: str) -> str:
    return f"started = coalesce({table}.started, excluded.started), run_count = {table}.run_count + excluded.run_count"
