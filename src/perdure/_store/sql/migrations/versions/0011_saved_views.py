"""Views that a team shares; and how long runs that did not complete took, in the indices of these."""

import sqlalchemy as sa
from alembic import op

from perdure._store.sql.tables import ID, Text

revision = "0011"
down_revision = "0010"
_INDICES = {
    "task_run_by_state": ["state_type", "id"],
    "task_run_by_task_state": ["task_name", "state_type", "id"],
    "task_run_by_flow_run_state": ["flow_run_id", "state_type", "id"],
}


def upgrade() -> None:
    """No view is saved before."""
    op.create_table(
        "saved_view",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("page", Text, nullable=False),
        sa.Column("search", Text, nullable=False),
        sa.Column("owner", Text, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    _index("started", "ended")


def downgrade() -> None:
    """Views are forgotten."""
    op.drop_table("saved_view")
    _index()


def _index(*more: str) -> None:
    where = sa.text("state_type <> 'COMPLETED'")
    for name, columns in _INDICES.items():
        op.drop_index(name, "task_run")
        op.create_index(name, "task_run", [*columns, *more], sqlite_where=where, postgresql_where=where)
