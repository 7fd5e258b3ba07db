"""What a server needs to answer quickly from many runs, and to look after them."""

import json

import sqlalchemy as sa
from alembic import op

from perdure.orchestrator.sql.tables import ID, Text

revision = "0006"
down_revision = "0005"

_NOT_COMPLETED = "state_type <> 'COMPLETED'"
# Table, index, columns, and of which rows it is.
_INDICES: list[tuple[str, str, list[str], str | None]] = [
    ("flow_run", "flow_run_by_name", ["name", "id"], None),
    ("flow_run", "flow_run_by_state", ["state_type", "id"], _NOT_COMPLETED),
    ("flow_run", "flow_run_by_flow_state", ["flow_name", "state_type", "id"], _NOT_COMPLETED),
    ("task_run", "task_run_by_name", ["name", "id"], None),
    ("task_run", "task_run_by_state", ["state_type", "id"], _NOT_COMPLETED),
    ("task_run", "task_run_by_task_state", ["task_name", "state_type", "id"], _NOT_COMPLETED),
    ("task_run", "task_run_by_flow_run_state", ["flow_run_id", "state_type", "id"], _NOT_COMPLETED),
    ("result", "result_by_type", ["type", "run_id"], None),
    ("result", "result_by_created", ["created"], None),
    ("result", "result_by_kind", ["kind", "run_id"], "kind <> 'unpersisted'"),
    ("result", "result_by_storage", ["storage_id", "run_id"], "storage_id IS NOT NULL"),
    ("result", "result_by_key", ["storage_key"], "storage_key IS NOT NULL"),
    ("result", "result_by_size", ["size"], "size >= 4096"),
    ("result", "result_by_exception", ["run_id"], "is_exception"),
    ("result", "result_by_doom", ["run_id"], "doomed IS NOT NULL"),
    ("cache_entry", "cache_entry_by_created", ["created", "key"], None),
    ("cache_entry", "cache_entry_by_run", ["run_id"], None),
]


def upgrade() -> None:
    """Tables and indices, each beside what it is for."""
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
    for table, name, columns, where in _INDICES:
        rows = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=rows, postgresql_where=rows)


def _tell_tags(table: str, of_task: bool) -> None:
    connection = op.get_bind()
    tag = sa.table("run_tag", sa.column("of_task", sa.Boolean()), sa.column("tag"), sa.column("run_id"))
    after = ""
    while rows := connection.execute(
        sa.text(f"SELECT id, tags FROM {table} WHERE id > :after AND tags <> '[]' ORDER BY id LIMIT 10000"),
        {"after": after},
    ).all():
        told = [
            {"of_task": of_task, "tag": json.dumps(each)[1:-1], "run_id": id}
            for id, tags in rows
            for each in set(json.loads(tags))
        ]
        connection.execute(sa.insert(tag), told)
        after = rows[-1][0]


def downgrade() -> None:
    for table, name, _, _ in reversed(_INDICES):
        op.drop_index(name, table)
    op.drop_table("run_tag")
    op.drop_table("api_token")
