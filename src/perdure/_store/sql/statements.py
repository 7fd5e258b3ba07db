"""The SQL of all writing and of the hot reads, derived from the records' fields.

Plain text, since SQLAlchemy's import costs more than a small flow; portable between SQLite and PostgreSQL.
"""

from typing import Literal

from perdure._model.records import (
    ArtifactRecord,
    BlockRecord,
    CacheRecord,
    CancelRecord,
    Claim,
    DecisionRecord,
    FlowKeyRecord,
    FlowRunRecord,
    InputRecord,
    LogRecord,
    ProcessRecord,
    ResultRecord,
    SourceRecord,
    StartRecord,
    StateRecord,
    StepRecord,
    TaskRunRecord,
    TransactionRecord,
    ValueRecord,
    VariableRecord,
    WaitRecord,
)
from perdure._model.state_types import ABANDONED

RUN_STATE = ("state_type", "state_name", "state_message", "state_time", "started", "ended", "run_count")
_NEWEST = (*RUN_STATE[:4], "ended")  # what a run's row repeats of its newest state
DELIVERY = ("source", "sequence", "outcome", "time")
STATE_ROW = ("run_id", "arrival", "of_task", "type", "name", "message", "time")

# What a run's row holds while only its states are known: they may arrive, from another process, before the run.
_UNKNOWN = {
    "flow_run": {"name": "''", "flow_name": "''", "tags": "'[]'", "parameters": "'{}'"},
    "task_run": {"name": "''", "task_name": "''", "task_key": "''", "tags": "'[]'"},
}

# The columns that may be NULL, in whichever table.
_OPTIONAL = {
    *("flow_version", "parent_flow_run_id", "parent_task_run_id", "flow_run_id", "task_run_id"),
    *("state_type", "state_name", "state_message", "state_time", "started", "ended", "message"),
    *("value", "storage_id", "storage_key", "serializer", "size", "digest", "expires", "cache_key"),
    *("began", "entry_point", "arguments", "components"),
    *("other_id", "detail"),
    *("committed", "module", "staged"),
    *("askew", "step", "retention", "item_of", "number", "preview", "doomed", "removed"),
    *("asks", "answer"),
    "description",
}
_FLAGS = ("of_task", "is_exception")
MARKS = ("doomed", "removed")  # of a result; the report of a new one clears them


class Statements:
    """The statements with one mark for parameters: `?` for SQLite, `%s` for PostgreSQL.

    `absent` may stand for None in a row. Python's sqlite3 asks its adapters about every None, which takes
    longer than binding three texts; a number that no column ever holds is bound at once. `flag` marks what is true or
    false, which comes as 1 or 0. `share` ends a query whose rows nobody may change before the transaction's end.
    """

    def __init__(self, mark: str = "?", absent: float | None = 0.5, flag: str = "?", share: str = "") -> None:
        self.mark = mark
        self.share = share
        self._flag = flag
        self.absent = absent
        self._optional = mark if absent is None else f"NULLIF({mark}, {absent})"
        self.create_flow_run = self._create_run("flow_run", FlowRunRecord._fields)
        self.create_task_run = self._create_run("task_run", TaskRunRecord._fields)
        self.advance_flow_run = self._advance_run("flow_run")
        self.advance_task_run = self._advance_run("task_run")
        self.amend_flow_run = self._advance_run("flow_run", of="past")
        self.amend_task_run = self._advance_run("task_run", of="past")
        self.rename_flow_run = f"UPDATE flow_run SET name = {mark} WHERE id = {mark}"
        self.rename_task_run = f"UPDATE task_run SET name = {mark} WHERE id = {mark}"
        self.add_tag = self._insert("run_tag", ("of_task", "tag", "run_id")) + " ON CONFLICT DO NOTHING"
        self.add_state = self._insert("state", STATE_ROW)
        self.add_past_state = self._insert("state", STATE_ROW) + " ON CONFLICT DO NOTHING"
        self.add_log = self._insert("log", LogRecord._fields)
        own_fields = tuple(field for field in ResultRecord._fields if field not in MARKS)
        self.put_result = self._upsert("result", (*own_fields, "askew")) + "".join(
            f", {column} = NULL" for column in MARKS
        )
        # Only what was doomed at that very time is removed: a result that was reported since is another one.
        self.mark_result = (
            f"UPDATE result SET doomed = {mark}, removed = {self._optional}"
            f" WHERE run_id = {mark} AND removed IS NULL"
            f" AND (CAST({self._optional} AS bigint) IS NULL OR doomed = {mark})"
        )
        self.add_input = self._insert("run_input", InputRecord._fields) + " ON CONFLICT DO NOTHING"
        self.put_process = self._upsert("process", ProcessRecord._fields)
        self.put_start = self._upsert("flow_start", StartRecord._fields)
        self.put_cancellation = self._upsert("cancellation", CancelRecord._fields)
        self.put_wait = self._upsert("run_wait", WaitRecord._fields, keys=2)
        self.put_cache_entry = self._upsert("cache_entry", CacheRecord._fields)
        self.put_decision = self._decide()
        self.add_source = self._insert("source", SourceRecord._fields) + " ON CONFLICT DO NOTHING"
        self.source = f"SELECT parts FROM source WHERE digest = {mark}"
        # A process that uses a storage without a name does not take away the name under which another one saved it.
        self.put_block = self._upsert("block", BlockRecord._fields).replace(
            "name = excluded.name", "name = coalesce(excluded.name, block.name)"
        )
        self.free_slug = f"UPDATE block SET name = NULL WHERE type = {mark} AND name = {mark} AND id <> {mark}"
        self.forget_block = f"UPDATE block SET name = NULL WHERE id = {mark}"
        self.find_cached = (
            f"SELECT {', '.join('r.' + field for field in ResultRecord._fields)}"
            " FROM cache_entry AS c JOIN result AS r ON r.run_id = c.run_id"
            f" WHERE c.key = {mark} AND (c.expires IS NULL OR c.expires > {mark}) AND r.doomed IS NULL"
        )
        has_result = (
            "EXISTS (SELECT 1 FROM cache_entry AS c JOIN result AS r ON r.run_id = c.run_id"
            f" WHERE c.key = {mark} AND (c.expires IS NULL OR c.expires > {mark}) AND r.doomed IS NULL"
            f" AND c.run_id <> {mark})"
        )
        # One statement, so that no result can come between the look and the claim. What the entry of one run leads to
        # may be known to be lost: that entry does not count.
        self.claim_key = (
            f"INSERT INTO cache_claim ({', '.join(Claim._fields)}) SELECT {', '.join(mark for _ in Claim._fields)}"
            f" WHERE NOT {has_result} ON CONFLICT DO NOTHING"
        )
        # On a server, a statement looks, and may wait then for who lets go of the claim, in the transaction in which
        # the result comes. Only the next statement sees that: it takes the claim back.
        self.unclaim_key = share and f"DELETE FROM cache_claim WHERE key = {mark} AND run_id = {mark} AND {has_result}"
        self.take_over_key = (
            f"UPDATE cache_claim SET run_id = {mark}, process_id = {mark}, created = {mark}, waits = {mark}"
            f" WHERE key = {mark} AND run_id = {mark}"
        )
        self.release_key = f"DELETE FROM cache_claim WHERE key = {mark} AND run_id = {mark}"
        self.note_wait = f"UPDATE cache_claim SET waits = waits + {mark} WHERE key = {mark} AND run_id = {mark}"
        self.claim_of = f"SELECT {', '.join(Claim._fields)} FROM cache_claim WHERE key = {mark}"
        self.start = f"SELECT {', '.join(StartRecord._fields)} FROM flow_start WHERE flow_run_id = {mark}"
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
        # Of an owner that does not say its epoch: a negative one.
        self.claim_unfenced = f"UPDATE flow_start SET process_id = {mark}, epoch = -abs(epoch) - 1{as_seen}"
        self.standing = (
            "SELECT s.process_id, s.epoch, f.state_type, c.asked_by, c.time, c.grace FROM flow_start AS s"
            " LEFT JOIN flow_run AS f ON f.id = s.flow_run_id"
            f" LEFT JOIN cancellation AS c ON c.flow_run_id = s.flow_run_id WHERE s.flow_run_id = {mark}"
        )
        self.cancellation = f"SELECT {', '.join(CancelRecord._fields)} FROM cancellation WHERE flow_run_id = {mark}"
        self.withdraw = f"DELETE FROM cancellation WHERE flow_run_id = {mark}"
        self.waits = f"SELECT {', '.join(WaitRecord._fields)} FROM run_wait WHERE flow_run_id = {mark} ORDER BY key"
        self.answer = (
            f"UPDATE run_wait SET answer = {mark} WHERE flow_run_id = {mark} AND key = {mark} AND answer IS NULL"
        )
        self.process = f"SELECT {', '.join(ProcessRecord._fields)} FROM process WHERE id = {mark}"
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
            f"SELECT {', '.join(ResultRecord._fields)} FROM result WHERE item_of = {mark} AND step = {mark}"
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
        self._of_transactions()
        self._of_artifacts()
        self._of_deliveries()
        self.block = f"SELECT {', '.join(BlockRecord._fields)} FROM block WHERE id = {mark}"
        state_fields = ", ".join((*StateRecord._fields, "arrival"))
        self.states = f"SELECT {state_fields} FROM state WHERE run_id = {mark} ORDER BY arrival"

    def _decide(self) -> str:
        """Take a decision; its last parameter is the cache key once more, for the run that it stood for until now.

        That a result was lost stays known when its run says that it computed the value instead.
        """
        *own_fields, other = DecisionRecord._fields
        stood_for = f"(SELECT run_id FROM cache_entry WHERE key = {self._optional})"
        values = f"{self._marks(tuple(own_fields))}, coalesce({self._optional}, {stood_for})"
        then = ", ".join(f"{column} = excluded.{column}" for column in ("cache_key", "components", "arguments"))
        first = ", ".join(
            f"{column} = CASE WHEN excluded.why = 'computed' THEN decision.{column} ELSE excluded.{column} END"
            for column in ("why", "detail", other)
        )
        return (
            f"INSERT INTO decision ({', '.join((*own_fields, other))}) VALUES ({values})"
            f" ON CONFLICT (run_id) DO UPDATE SET {then}, {first}"
        )

    def _of_transactions(self) -> None:
        mark = self.mark
        transaction, step = ", ".join(TransactionRecord._fields), ", ".join(StepRecord._fields)
        self.open_transaction = (
            self._insert("txn", TransactionRecord._fields)
            + " ON CONFLICT (key) DO UPDATE SET flow_run_id = excluded.flow_run_id"
        )
        self.transaction = f"SELECT {transaction} FROM txn WHERE key = {mark}"
        self.unfinished_transactions = (
            f"SELECT {transaction} FROM txn WHERE flow_run_id = {mark} AND EXISTS (SELECT 1 FROM txn_step AS s"
            " WHERE s.transaction_id = txn.id AND s.phase IN ('staged', 'committed')) ORDER BY created DESC, id DESC"
        )
        place = f"(SELECT coalesce(MAX(place), 0) + 1 FROM txn_step WHERE transaction_id = {mark})"
        self.add_step = (
            f"INSERT INTO txn_step ({step}, place) VALUES ({self._marks(StepRecord._fields)}, {place})"
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
            self._insert("txn_value", ValueRecord._fields)
            + " ON CONFLICT (transaction_id, name) DO UPDATE SET value = excluded.value"
        )
        self.values = f"SELECT name, value FROM txn_value WHERE transaction_id = {mark}"
        self.add_flow_key = self._insert("flow_key", FlowKeyRecord._fields) + " ON CONFLICT DO NOTHING"
        self.run_of_key = f"SELECT flow_run_id FROM flow_key WHERE flow_name = {mark} AND key = {mark}"
        self.key_of_run = f"SELECT key FROM flow_key WHERE flow_run_id = {mark}"

    def _of_artifacts(self) -> None:
        mark = self.mark
        # The key may be NULL here, unlike those of other tables.
        fields = ArtifactRecord._fields
        marks = ", ".join(self._optional if field == "key" else self._marks((field,)) for field in fields)
        newer = ", ".join(f"{field} = excluded.{field}" for field in fields[1:])
        self.put_artifact = (
            f"INSERT INTO artifact ({', '.join(fields)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {newer}"
        )
        self.change_artifact = (
            f"UPDATE artifact SET updated = {mark}, data = {mark} WHERE id = {mark} AND updated <= {mark}"
        )
        self.forget_artifact = f"DELETE FROM artifact WHERE id = {mark}"
        variable = ", ".join(VariableRecord._fields)
        self.variable = f"SELECT {variable} FROM variable WHERE name = {mark}"
        self.variables = f"SELECT {variable} FROM variable ORDER BY name"
        self.add_variable = self._insert("variable", VariableRecord._fields) + " ON CONFLICT (name) DO NOTHING"
        self.put_variable = (
            self._insert("variable", VariableRecord._fields)
            + " ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated = excluded.updated"
        )
        self.forget_variable = f"DELETE FROM variable WHERE name = {mark}"

    def _of_deliveries(self) -> None:
        mark = self.mark
        self.deliver_any = (
            self._insert("delivery", DELIVERY) + " ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence,"
            " outcome = excluded.outcome, time = excluded.time WHERE delivery.sequence < excluded.sequence"
        )
        self.deliver_next = (
            f"UPDATE delivery SET sequence = {mark}, time = {mark} WHERE source = {mark} AND sequence = {mark}"
        )
        self.delivered = f"SELECT sequence, outcome FROM delivery WHERE source = {mark}"
        self.note_outcome = f"UPDATE delivery SET outcome = {mark} WHERE source = {mark}"
        self.forget_deliveries = f"DELETE FROM delivery WHERE time < {mark}"

    def _marks(self, columns: tuple[str, ...]) -> str:
        special = dict.fromkeys(_OPTIONAL, self._optional) | dict.fromkeys(_FLAGS, self._flag)
        return ", ".join(special.get(column, self.mark) for column in columns)

    def _insert(self, table: str, columns: tuple[str, ...]) -> str:
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({self._marks(columns)})"

    def _upsert(self, table: str, columns: tuple[str, ...], keys: int = 1) -> str:
        """The first columns are the key; a row of the same key is replaced."""
        updates = ", ".join(f"{column} = excluded.{column}" for column in columns[keys:])
        return f"{self._insert(table, columns)} ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {updates}"

    def _create_run(self, table: str, fields: tuple[str, ...]) -> str:
        """Take a run, with its state; where it is known already, keep its name and the later of the states."""
        known = ", ".join(f"{field} = excluded.{field}" for field in fields if field not in ("id", "name"))
        return (
            f"{self._insert(table, fields + RUN_STATE)} ON CONFLICT (id) DO UPDATE SET {known}, {_later(table)},"
            f" name = CASE WHEN {table}.name = '' THEN excluded.name ELSE {table}.name END, {_running(table)}"
        )

    def _advance_run(self, table: str, of: Literal["now", "past"] = "now") -> str:
        """Take a run's newest state; the row of a run that is not known yet is begun with it.

        One of the past counts only if it is later than the state that the run is in.
        """
        unknown = _UNKNOWN[table]
        columns = ("id", "created", *RUN_STATE)
        newest = ", ".join(f"{column} = excluded.{column}" for column in _NEWEST) if of == "now" else _later(table)
        return (
            f"INSERT INTO {table} ({', '.join(columns)}, {', '.join(unknown)})"
            f" VALUES ({self._marks(columns)}, {', '.join(unknown.values())})"
            f" ON CONFLICT (id) DO UPDATE SET {newest}, {_running(table)}"
        )


def _later(table: str) -> str:
    """The later of two states."""
    later = f"excluded.state_time >= coalesce({table}.state_time, excluded.state_time)"
    return ", ".join(
        f"{column} = CASE WHEN {later} THEN excluded.{column} ELSE {table}.{column} END" for column in _NEWEST
    )


def _running(table: str) -> str:
    return f"started = coalesce({table}.started, excluded.started), run_count = {table}.run_count + excluded.run_count"
