"""What a server needs to answer quickly from many runs, and to look after them."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from perdure._store.sql.clock_skew import is_clock_skewed
from perdure._store.sql.tables import ID, Text
from perdure._store.sql.tags import rendered_all

revision = "0006"
down_revision = "0005"

_NOT_COMPLETED = "state_type <> 'COMPLETED'"
# Table, index, columns, and of which rows it is.
_INDICES: list[tuple[str, str, list[str], str | None]] = [
    ("flow_run", "flow_run_by_name", ["name", "id"], None),
    ("flow_run", "flow_run_by_state", ["state_type", "id"], _NOT_COMPLETED),
    ("flow_run", "flow_run_by_flow_state", ["flow_name", "state_type", "id"], _NOT_COMPLETED),
    ("task_run", "task_run_by_state", ["state_type", "id"], _NOT_COMPLETED),
    ("task_run", "task_run_by_task_state", ["task_name", "state_type", "id"], _NOT_COMPLETED),
    ("task_run", "task_run_by_flow_run_state", ["flow_run_id", "state_type", "id"], _NOT_COMPLETED),
    ("result", "result_by_type", ["type", "run_id"], None),
    ("result", "result_by_place", ["kind", "storage_id", "run_id"], "kind <> 'unpersisted'"),
    ("result", "result_by_key", ["storage_key"], "length(storage_key) <> 32"),
    ("result", "result_by_askew", ["askew"], "askew IS NOT NULL"),
    ("result", "result_by_size", ["size"], "size >= 4096"),
    ("result", "result_by_exception", ["run_id"], "is_exception"),
    ("result", "result_by_doom", ["run_id"], "doomed IS NOT NULL"),
    ("cache_entry", "cache_entry_by_created", ["created", "key"], None),
    ("cache_entry", "cache_entry_by_run", ["run_id"], None),
]


def upgrade() -> None:
    """Tables and indices, each beside what it is for."""
    _add_limits()
    _add_services()
    _add_artifacts()
    _add_deliveries()
    # Who may talk to the server.
    op.create_table(
        "api_token",
        sa.Column("id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("scope", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("parent_id", Text),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("revoked", sa.BigInteger()),
        sa.Column("used", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    # Lists and filters over a million runs.
    op.create_table(
        "run_tag",
        sa.Column("of_task", sa.Boolean(), nullable=False),
        sa.Column("tag", Text, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("of_task", "tag", "run_id"),
        sqlite_with_rowid=False,
    )
    _tell_tags("flow_run", of_task=False)
    _tell_tags("task_run", of_task=True)
    op.add_column("result", sa.Column("askew", sa.BigInteger(), nullable=True))
    _mark_clock_skewed()
    for table, name, columns, where in _INDICES:
        rows = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=rows, postgresql_where=rows)


def _pages(columns: str, table: str, where: str = "true") -> Iterator[Sequence[Any]]:
    """Rows by their first column, which is the key."""
    key, after = columns.partition(",")[0], ""
    query = sa.text(f"SELECT {columns} FROM {table} WHERE {key} > :after AND {where} ORDER BY {key} LIMIT 10000")
    while rows := op.get_bind().execute(query, {"after": after}).all():
        yield rows
        after = rows[-1][0]


def _mark_clock_skewed() -> None:
    for rows in _pages("run_id, created", "result"):
        skewed = [{"id": id, "created": created} for id, created in rows if is_clock_skewed(id, created)]
        if skewed:
            op.get_bind().execute(sa.text("UPDATE result SET askew = :created WHERE run_id = :id"), skewed)


def _tell_tags(table: str, of_task: bool) -> None:
    tag = sa.table("run_tag", sa.column("of_task", sa.Boolean()), sa.column("tag"), sa.column("run_id"))
    for rows in _pages("id, tags", table, "tags <> '[]'"):
        tagged = [(id, each) for id, tags in rows for each in rendered_all(tags)]
        op.get_bind().execute(sa.insert(tag), [{"of_task": of_task, "tag": each, "run_id": id} for id, each in tagged])


def downgrade() -> None:
    op.drop_index("state_by_arrival", "state")
    for table in (
        "variable",
        "artifact",
        "hook_delivery",
        "hook",
        "event",
        "service",
        "limit_slot",
        "concurrency_limit",
    ):
        op.drop_table(table)
    for table, name, _, _ in reversed(_INDICES):
        op.drop_index(name, table)
    op.drop_column("result", "askew")
    op.drop_table("run_tag")
    for table in ("api_token", "delivery"):
        op.drop_table(table)


def _add_limits() -> None:
    """How many may be at something at once, and who is."""
    op.create_table(
        "concurrency_limit",
        sa.Column("name", Text, nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("decay", sa.Float(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("turns", sa.BigInteger(), nullable=False),
        sa.Column("drawn", sa.Float(), nullable=False),
        sa.Column("drawn_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "limit_slot",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("occupy", sa.Integer(), nullable=False),
        sa.Column("process_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("limit_slot_by_place", "limit_slot", ["name", "place"])


def _add_services() -> None:
    """The services of servers, the events that they create, and the hooks that receive them."""
    is_event = sa.text("NOT of_task OR type IN ('FAILED', 'CRASHED')")
    op.create_index("state_by_arrival", "state", ["arrival"], sqlite_where=is_event, postgresql_where=is_event)
    op.create_table(
        "service",
        sa.Column("name", Text, nullable=False),
        sa.Column("process_id", ID, nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("outcome", Text, nullable=True),
        sa.Column("cursor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("id", ID, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("flow_name", Text, nullable=True),
        sa.Column("payload", Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_by_run", "event", ["run_id", "id"])
    op.create_index("event_by_kind", "event", ["kind", "id"])
    op.create_index("event_by_time", "event", ["time"])
    op.create_table(
        "hook",
        sa.Column("id", ID, nullable=False),
        sa.Column("way", Text, nullable=False),
        sa.Column("shown", Text, nullable=False),
        sa.Column("url", Text, nullable=False),
        sa.Column("secret", Text, nullable=True),
        sa.Column("kinds", Text, nullable=False),
        sa.Column("flow_name", Text, nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hook_delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("hook_id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", Text, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("hook_delivery_once", "hook_delivery", ["event_id", "hook_id"], unique=True)
    waits = sa.text("state = 'waiting'")
    op.create_index("hook_delivery_by_due", "hook_delivery", ["due"], sqlite_where=waits, postgresql_where=waits)


def _add_artifacts() -> None:
    """Artifacts of runs, and variables."""
    op.create_table(
        "artifact",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", Text, nullable=True),
        sa.Column("kind", Text, nullable=False),
        sa.Column("flow_run_id", ID, nullable=True),
        sa.Column("task_run_id", ID, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("data", Text, nullable=False),
        sa.Column("description", Text, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    has_key = sa.text("key IS NOT NULL")
    op.create_index("artifact_by_key", "artifact", ["key", "id"], sqlite_where=has_key, postgresql_where=has_key)
    op.create_index("artifact_by_flow_run", "artifact", ["flow_run_id", "id"])
    op.create_table(
        "variable",
        sa.Column("name", Text, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )


def _add_deliveries() -> None:
    """What came from far already."""
    op.create_table(
        "delivery",
        sa.Column("source", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
        sqlite_with_rowid=False,
    )
    op.create_index("delivery_by_time", "delivery", ["time"])
