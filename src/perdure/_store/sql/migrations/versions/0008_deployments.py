"""Deployments, their schedules, work pools, and the queue of runs that workers take."""

import sqlalchemy as sa
from alembic import op

from perdure._store.sql.tables import ID, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """What is there before has no deployments."""
    _add_deployments()
    _add_queues()


def _add_deployments() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", ID, nullable=False),
        sa.Column("flow_name", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("work_pool", Text, nullable=False),
        sa.Column("work_queue", Text, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("concurrency_limit", sa.Integer(), nullable=True),
        sa.Column("overlap", Text, nullable=False),
        sa.Column("paused", sa.BigInteger(), nullable=True),
        sa.Column("definition", Text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("deployment_by_name", "deployment", ["flow_name", "name"], unique=True)
    op.create_table(
        "deployment_version",
        sa.Column("deployment_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("definition", Text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("created_by", Text, nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedule",
        sa.Column("deployment_id", ID, nullable=False),
        sa.Column("slug", Text, nullable=False),
        sa.Column("definition", Text, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "slug"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "schedule_by_due",
        "schedule",
        ["due"],
        sqlite_where=sa.text("paused IS NULL"),
        postgresql_where=sa.text("paused IS NULL"),
    )


def _add_queues() -> None:
    op.create_table(
        "queued_run",
        sa.Column("flow_run_id", ID, nullable=False),
        sa.Column("deployment_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("work_pool", Text, nullable=False),
        sa.Column("work_queue", Text, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("schedule", Text, nullable=True),
        sa.Column("tick", sa.BigInteger(), nullable=True),
        sa.Column("partition", Text, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("phase", Text, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("flow_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("queued_run_by_deployment", "queued_run", ["deployment_id", "due"])
    op.create_index(
        "queued_run_by_partition",
        "queued_run",
        ["deployment_id", "partition"],
        sqlite_where=sa.text("partition IS NOT NULL"),
        postgresql_where=sa.text("partition IS NOT NULL"),
    )
    op.create_index(
        "queued_run_claimed",
        "queued_run",
        ["work_pool", "deployment_id"],
        sqlite_where=sa.text("phase = 'claimed'"),
        postgresql_where=sa.text("phase = 'claimed'"),
    )
    op.create_index(
        "queued_run_waiting",
        "queued_run",
        ["work_pool", "priority", "due", "flow_run_id"],
        sqlite_where=sa.text("phase = 'waiting'"),
        postgresql_where=sa.text("phase = 'waiting'"),
    )
    op.create_table(
        "work_pool",
        sa.Column("name", Text, nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("concurrency_limit", sa.Integer(), nullable=True),
        sa.Column("paused", sa.BigInteger(), nullable=True),
        sa.Column("template", Text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("turns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "work_queue",
        sa.Column("work_pool", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("concurrency_limit", sa.Integer(), nullable=True),
        sa.Column("paused", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("work_pool", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "worker",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("work_pool", Text, nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("version", Text, nullable=False),
        sa.Column("host", Text, nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Runs that wait are never begun."""
    for table in ("worker", "work_queue", "work_pool", "queued_run", "schedule", "deployment_version", "deployment"):
        op.drop_table(table)
