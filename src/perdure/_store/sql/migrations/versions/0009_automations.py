"""Automations, the events that they have not seen, and their log."""

import sqlalchemy as sa
from alembic import op

from perdure._store.sql.tables import ID, Text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """What is there before has no automations."""
    op.create_table(
        "automation",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("definition", Text, nullable=False),
        sa.Column("paused", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("memory", Text, nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("automation_by_name", "automation", ["name"], unique=True)
    op.create_table(
        "automation_inbox",
        sa.Column("event_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "automation_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("automation_id", ID, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("event_id", ID, nullable=True),
        sa.Column("event_kind", Text, nullable=True),
        sa.Column("outcome", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("phase", Text, nullable=False),
        sa.Column("details", Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("automation_log_by_automation", "automation_log", ["automation_id", "id"])
    op.create_index(
        "automation_log_acting",
        "automation_log",
        ["id"],
        sqlite_where=sa.text("phase = 'acting'"),
        postgresql_where=sa.text("phase = 'acting'"),
    )
    op.create_index("automation_log_by_time", "automation_log", ["time"])
    op.create_table(
        "automation_file",
        sa.Column("automation_id", ID, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("version", Text, nullable=False),
        sa.Column("phase", Text, nullable=False),
        sa.PrimaryKeyConstraint("automation_id", "key"),
        sqlite_with_rowid=False,
    )

    op.create_index(
        "queued_run_by_queue",
        "queued_run",
        ["work_queue"],
        sqlite_where=sa.text("work_queue IS NOT NULL"),
        postgresql_where=sa.text("work_queue IS NOT NULL"),
    )


def downgrade() -> None:
    """Nothing is done on events any more."""
    op.drop_index("queued_run_by_queue", "queued_run")
    for table in ("automation_file", "automation_log", "automation_inbox", "automation"):
        op.drop_table(table)
