"""What a server needs to answer quickly from many runs, and to look after them."""

import sqlalchemy as sa
from alembic import op

from perdure.orchestrator.sql.tables import ID, Text

revision = "0006"
down_revision = "0005"

# Table, index, columns, and of which rows it is.
_INDICES: list[tuple[str, str, list[str], str | None]] = [
    ("flow_run", "flow_run_by_name", ["name", "id"], None),
    ("flow_run", "flow_run_by_state", ["state_type", "id"], "state_type <> 'COMPLETED'"),
    ("task_run", "task_run_by_state", ["state_type", "id"], "state_type <> 'COMPLETED'"),
    ("result", "result_by_type", ["type", "run_id"], None),
    ("result", "result_by_created", ["created"], None),
    ("result", "result_by_storage", ["storage_id", "run_id"], "storage_id IS NOT NULL"),
    ("result", "result_by_key", ["storage_key"], "storage_key IS NOT NULL"),
    ("result", "result_by_size", ["size"], "size >= 65536"),
    ("result", "result_by_exception", ["run_id"], "is_exception"),
    ("result", "result_by_doom", ["run_id"], "doomed IS NOT NULL"),
]
_TAGS = {
    "sqlite": "INSERT OR IGNORE INTO run_tag SELECT {of_task}, value, {table}.id FROM {table}, json_each(tags)"
    " WHERE tags <> '[]'",
    "postgresql": "INSERT INTO run_tag SELECT {of_task}, json_array_elements_text(tags::json), id FROM {table}"
    " WHERE tags <> '[]' ON CONFLICT DO NOTHING",
}


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
    for table in ("flow_run", "task_run"):
        op.execute(_TAGS[op.get_bind().dialect.name].format(table=table, of_task=str(table == "task_run").upper()))
    op.create_index("run_tag_by_run", "run_tag", ["run_id"])
    for table, name, columns, where in _INDICES:
        rows = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=rows, postgresql_where=rows)


def downgrade() -> None:
    for table, name, _, _ in reversed(_INDICES):
        op.drop_index(name, table)
    op.drop_table("run_tag")
    op.drop_table("api_token")
