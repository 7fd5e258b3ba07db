"""What steers runs from outside, and what several steps keep together."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Tables and columns, each beside what it is for."""
    # Why runs ran, or did not.
    op.create_table(
        "decision",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=True),
        sa.Column("components", sa.Text(), nullable=True),
        sa.Column("arguments", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("other_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    _add_transactions()
    _add_steering()
    # Items of generators, by which one is resumed.
    op.add_column("result", sa.Column("item_of", sa.String(length=36), nullable=True))
    op.add_column("result", sa.Column("number", sa.BigInteger(), nullable=True))
    of_items = sa.text("item_of IS NOT NULL")
    columns = ["item_of", "step", "number"]
    op.create_index("result_by_item", "result", columns, sqlite_where=of_items, postgresql_where=of_items)


def _add_transactions() -> None:
    """Steps that are committed together, and idempotency keys of flow runs."""
    op.create_table(
        "txn",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("txn_by_key", "txn", ["key"], unique=True)
    op.create_index("txn_by_flow_run", "txn", ["flow_run_id"])
    op.create_table(
        "txn_step",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=False),
        sa.Column("block", sa.String(length=36), nullable=False),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("module", sa.Text(), nullable=True),
        sa.Column("storage_id", sa.String(length=36), nullable=True),
        sa.Column("storage_key", sa.Text(), nullable=True),
        sa.Column("staged", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("txn_step_by_place", "txn_step", ["transaction_id", "place"])
    op.create_table(
        "txn_value",
        sa.Column("transaction_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "flow_key",
        sa.Column("flow_name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("flow_name", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("flow_key_by_run", "flow_key", ["flow_run_id"])


def _add_steering() -> None:
    """Who wants a flow run to be cancelled; what its steps wait for."""
    op.create_table(
        "cancellation",
        sa.Column("flow_run_id", sa.String(length=36), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("grace", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flow_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_wait",
        sa.Column("flow_run_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asks", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("flow_run_id", "key"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_index("result_by_item", "result")
    op.drop_column("result", "number")
    op.drop_column("result", "item_of")
    for table in ("run_wait", "cancellation", "flow_key", "txn_value", "txn_step", "txn", "source", "decision"):
        op.drop_table(table)
