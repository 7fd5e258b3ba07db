"""Results under users' keys that events are to be made of, and the versions of these that have been seen."""

import sqlalchemy as sa
from alembic import op

from perdure._store.sql.tables import ID, Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """What was written before becomes no event."""
    op.create_table(
        "named_result",
        sa.Column("arrival", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("of_task", sa.Boolean(), nullable=False),
        sa.Column("storage_id", ID, nullable=False),
        sa.Column("storage_key", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("type", Text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("arrival", "run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("named_result_by_run", "named_result", ["run_id"])
    op.create_table(
        "result_version",
        sa.Column("storage_id", ID, nullable=False),
        sa.Column("storage_key", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("storage_id", "storage_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("result_version_by_run", "result_version", ["run_id"])


def downgrade() -> None:
    """Results become no events any more."""
    op.drop_table("result_version")
    op.drop_table("named_result")
