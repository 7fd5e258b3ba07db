"""The tables, for SQLite and PostgreSQL alike. Columns of reported and returned records stand in the records' order.

Changing a table takes three steps: this file, a migration, and `python -m perdure._store.sql.schema`,
which writes the text that a new SQLite file is made with. Tests hold the three together.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    text,
)
from sqlalchemy import Text as _Text

metadata = MetaData()
# Text is compared by its bytes, as SQLite does it, whatever the language of a PostgreSQL database.
Text = _Text().with_variant(_Text(collation="C"), "postgresql")
ID = String(36).with_variant(String(36, collation="C"), "postgresql")

# What queries must say, to the letter, to be answered by the index of the rows of which it holds.
NOT_COMPLETED = "state_type <> 'COMPLETED'"
NOT_UNPERSISTED = "kind <> 'unpersisted'"
OWN_KEY_LENGTH = 32
# Of the keys that Perdure makes, each of one result, an index would cost a tenth of a commit: they are random.
CHOSEN_KEY = f"length(storage_key) <> {OWN_KEY_LENGTH}"
LARGE_SIZE = 4_096  # bytes
LARGE = f"size >= {LARGE_SIZE}"


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that are looked for: those that are not, most, cost nothing when they are written."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _table(name: str, *parts: Column[object] | Index) -> Table:
    # Most keys are time-ordered ids: clustering the rows by them saves a second tree, a third of the writing.
    return Table(name, metadata, *parts, sqlite_with_rowid=False)


def _state_columns() -> list[Column[object]]:
    """What a run's row repeats of its states, so that listing runs reads one table."""
    return [
        Column("state_type", Text),
        Column("state_name", Text),
        Column("state_message", Text),
        Column("state_time", BigInteger),
        Column("started", BigInteger),
        Column("ended", BigInteger),
        Column("run_count", Integer, nullable=False),
    ]


flow_run = _table(
    "flow_run",
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("flow_name", Text, nullable=False),
    Column("flow_version", Text),
    Column("parent_flow_run_id", ID),
    Column("parent_task_run_id", ID),
    Column("tags", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    *_state_columns(),
    Index("flow_run_by_flow", "flow_name", "id"),
    Index("flow_run_by_parent", "parent_flow_run_id", "id"),
    Index("flow_run_by_name", "name", "id"),
    _partial("flow_run_by_state", "state_type", "id", where=NOT_COMPLETED),
    _partial("flow_run_by_flow_state", "flow_name", "state_type", "id", where=NOT_COMPLETED),
)

task_run = _table(
    "task_run",
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("task_name", Text, nullable=False),
    Column("task_key", Text, nullable=False),
    Column("flow_run_id", ID),
    Column("parent_task_run_id", ID),
    Column("tags", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    *_state_columns(),
    # Ids sort by age, so the primary key serves for "newest first": each index more costs 5% of a commit.
    Index("task_run_by_task", "task_name", "id"),
    Index("task_run_by_flow_run", "flow_run_id", "id"),
    _partial("task_run_by_state", "state_type", "id", where=NOT_COMPLETED),
    _partial("task_run_by_task_state", "task_name", "state_type", "id", where=NOT_COMPLETED),
    _partial("task_run_by_flow_run_state", "flow_run_id", "state_type", "id", where=NOT_COMPLETED),
)

run_tag = _table(
    "run_tag",
    Column("of_task", Boolean, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("run_id", ID, primary_key=True),
)

_is_event = text("NOT of_task OR type IN ('FAILED', 'CRASHED')")
state = _table(
    "state",
    Column("run_id", ID, primary_key=True),
    Column("arrival", BigInteger, primary_key=True, autoincrement=False),  # see `Arrivals`
    Column("of_task", Boolean, nullable=False),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text),
    Column("time", BigInteger, nullable=False),
    # What becomes events: most states are of tasks that do not fail, and cost nothing.
    Index("state_by_arrival", "arrival", sqlite_where=_is_event, postgresql_where=_is_event),
)

_is_item = text("item_of IS NOT NULL")
result = _table(
    "result",
    Column("run_id", ID, primary_key=True),
    Column("of_task", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("is_exception", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("value", Text),
    Column("storage_id", ID),
    Column("storage_key", Text),
    Column("serializer", Text),
    Column("size", BigInteger),
    Column("digest", Text),
    Column("expires", BigInteger),
    Column("cache_key", Text),
    Column("step", Text),
    Column("retention", Text),
    Column("doomed", BigInteger),
    Column("removed", BigInteger),
    Column("preview", Text),  # after all that pruning reads, which so passes over none of its pages
    Column("item_of", ID),
    Column("number", BigInteger),
    Column("askew", BigInteger),  # when it was made, where that is far from the time in the run's id
    Index("result_by_type", "type", "run_id"),
    _partial("result_by_place", "kind", "storage_id", "run_id", where=NOT_UNPERSISTED),
    _partial("result_by_key", "storage_key", where=CHOSEN_KEY),
    _partial("result_by_askew", "askew", where="askew IS NOT NULL"),
    _partial("result_by_size", "size", where=LARGE),
    _partial("result_by_exception", "run_id", where="is_exception"),
    _partial("result_by_doom", "run_id", where="doomed IS NOT NULL"),
    Index("result_by_item", "item_of", "step", "number", sqlite_where=_is_item, postgresql_where=_is_item),
)

run_input = _table(
    "run_input",
    Column("run_id", ID, primary_key=True),
    Column("source_id", ID, primary_key=True),
    Column("name", Text, primary_key=True),
    Index("run_input_by_source", "source_id"),  # the rest of the key follows by itself
)

process = _table(
    "process",
    Column("id", ID, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("began", Text),
    Column("started", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
)

flow_start = _table(
    "flow_start",
    Column("flow_run_id", ID, primary_key=True),
    Column("process_id", ID, nullable=False),
    Column("entry_point", Text),
    Column("arguments", Text),
    Column("step", Text),
    Column("epoch", BigInteger, nullable=False, server_default=text("1")),  # of its claim; see `fencing`
)

cancellation = _table(
    "cancellation",
    Column("flow_run_id", ID, primary_key=True),
    Column("asked_by", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("grace", BigInteger, nullable=False),
)

run_wait = _table(
    "run_wait",
    Column("flow_run_id", ID, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("asks", Text),
    Column("answer", Text),
)

cache_entry = _table(
    "cache_entry",
    Column("key", Text, primary_key=True),
    Column("run_id", ID, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("components", Text),
    Index("cache_entry_by_created", "created", "key"),
    Index("cache_entry_by_run", "run_id"),
)

decision = _table(
    "decision",
    Column("run_id", ID, primary_key=True),
    Column("why", Text, nullable=False),
    Column("cache_key", Text),
    Column("components", Text),
    Column("arguments", Text),
    Column("detail", Text),
    Column("other_id", ID),
)

source = _table(
    "source",
    Column("digest", Text, primary_key=True),
    Column("parts", Text, nullable=False),
)

cache_claim = _table(
    "cache_claim",
    Column("key", Text, primary_key=True),
    Column("run_id", ID, nullable=False),
    Column("process_id", ID, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("waits", Integer, nullable=False),
)

txn = _table(
    "txn",
    Column("id", ID, primary_key=True),
    Column("key", Text, nullable=False),
    Column("flow_run_id", ID),
    Column("created", BigInteger, nullable=False),
    Column("committed", BigInteger),
    Index("txn_by_key", "key", unique=True),
    Index("txn_by_flow_run", "flow_run_id"),
)

txn_step = _table(
    "txn_step",
    Column("run_id", ID, primary_key=True),
    Column("transaction_id", ID, nullable=False),
    Column("block", ID, nullable=False),
    Column("task_key", Text, nullable=False),
    Column("module", Text),
    Column("storage_id", ID),
    Column("storage_key", Text),
    Column("staged", Text),
    Column("phase", Text, nullable=False),
    Column("place", Integer, nullable=False),  # in the order in which they ended
    Index("txn_step_by_place", "transaction_id", "place"),
)

txn_value = _table(
    "txn_value",
    Column("transaction_id", ID, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

flow_key = _table(
    "flow_key",
    Column("flow_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("flow_run_id", ID, nullable=False),
    Index("flow_key_by_run", "flow_run_id"),
)

delivery = _table(
    "delivery",
    Column("source", ID, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("outcome", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Index("delivery_by_time", "time"),
)

log = Table(
    "log",
    metadata,
    # SQLite numbers rows by itself only where the key is its own INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("flow_run_id", ID),
    Column("task_run_id", ID),
    Column("time", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("logger", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index("log_by_flow_run", "flow_run_id", "time"),
    Index("log_by_task_run", "task_run_id", "time"),
)

_is_named = text("name IS NOT NULL")
block = _table(
    "block",
    Column("id", ID, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text),
    Column("data", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Index("block_by_slug", "type", "name", unique=True, sqlite_where=_is_named, postgresql_where=_is_named),
)

api_token = _table(  # sessions of the page are rows with a parent
    "api_token",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("parent_id", Text),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
    Column("used", BigInteger),
)

concurrency_limit = _table(
    "concurrency_limit",
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("decay", Float),
    Column("created", BigInteger, nullable=False),
    Column("turns", BigInteger, nullable=False),  # how often somebody came: each has a place in the line
    Column("drawn", Float, nullable=False),  # slots that had not come back at `drawn_at`
    Column("drawn_at", BigInteger, nullable=False),
)

limit_slot = _table(
    "limit_slot",
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("occupy", Integer, nullable=False),
    Column("process_id", ID, nullable=False),
    Column("run_id", ID),
    Column("asked", BigInteger, nullable=False),
    Column("taken", BigInteger),
    Column("place", BigInteger, nullable=False),
    Index("limit_slot_by_place", "name", "place"),
)

service = _table(
    "service",
    Column("name", Text, primary_key=True),
    Column("process_id", ID, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("outcome", Text),
    Column("cursor", BigInteger),
)

event = _table(
    "event",
    Column("id", ID, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("run_id", ID, nullable=False),
    Column("flow_name", Text),
    Column("payload", Text, nullable=False),
    Index("event_by_run", "run_id", "id"),
    Index("event_by_kind", "kind", "id"),
    Index("event_by_time", "time"),
)

hook = _table(
    "hook",
    Column("id", ID, primary_key=True),
    Column("way", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text),
    Column("kinds", Text, nullable=False),
    Column("flow_name", Text),
    Column("private", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
)

_waits = text("state = 'waiting'")
hook_delivery = _table(
    "hook_delivery",
    Column("id", ID, primary_key=True),
    Column("hook_id", ID, nullable=False),
    Column("event_id", ID, nullable=False),
    Column("state", Text, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("outcome", Text),
    Index("hook_delivery_once", "event_id", "hook_id", unique=True),
    Index("hook_delivery_by_due", "due", sqlite_where=_waits, postgresql_where=_waits),
)

_has_key = text("key IS NOT NULL")
artifact = _table(
    "artifact",
    Column("id", ID, primary_key=True),
    Column("key", Text),
    Column("kind", Text, nullable=False),
    Column("flow_run_id", ID),
    Column("task_run_id", ID),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Column("description", Text),
    Index("artifact_by_key", "key", "id", sqlite_where=_has_key, postgresql_where=_has_key),
    Index("artifact_by_flow_run", "flow_run_id", "id"),
)

variable = _table(
    "variable",
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

deployment = _table(
    "deployment",
    Column("id", ID, primary_key=True),
    Column("flow_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("work_pool", Text, nullable=False),
    Column("work_queue", Text),
    Column("priority", Integer, nullable=False),
    Column("concurrency_limit", Integer),
    Column("overlap", Text, nullable=False),
    Column("paused", BigInteger),
    Column("definition", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Index("deployment_by_name", "flow_name", "name", unique=True),
)

deployment_version = _table(
    "deployment_version",
    Column("deployment_id", ID, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)

schedule = _table(
    "schedule",
    Column("deployment_id", ID, primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("due", BigInteger),
    Column("paused", BigInteger),
    Column("created", BigInteger, nullable=False),
    _partial("schedule_by_due", "due", where="paused IS NULL"),
)

queued_run = _table(
    "queued_run",
    Column("flow_run_id", ID, primary_key=True),
    Column("deployment_id", ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("work_pool", Text, nullable=False),
    Column("work_queue", Text),
    Column("priority", Integer, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("schedule", Text),
    Column("tick", BigInteger),
    Column("partition", Text),
    Column("created", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("worker_id", ID),
    Column("lease", BigInteger),
    Column("starts", Integer, nullable=False),
    _partial("queued_run_waiting", "work_pool", "priority", "due", "flow_run_id", where="phase = 'waiting'"),
    _partial("queued_run_claimed", "work_pool", "deployment_id", where="phase = 'claimed'"),
    Index("queued_run_by_deployment", "deployment_id", "due"),
    _partial("queued_run_by_partition", "deployment_id", "partition", where="partition IS NOT NULL"),
)

work_pool = _table(
    "work_pool",
    Column("name", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("concurrency_limit", Integer),
    Column("paused", BigInteger),
    Column("template", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("turns", BigInteger, nullable=False),  # how often somebody claimed: who does locks the row
)

work_queue = _table(
    "work_queue",
    Column("work_pool", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("concurrency_limit", Integer),
    Column("paused", BigInteger),
)

worker = _table(
    "worker",
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("work_pool", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("capacity", Integer),
    Column("running", Integer, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
)
