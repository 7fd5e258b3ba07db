"""What is kept of a result for how long, what may be shown of it, and which results went into which run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("result", sa.Column("step", sa.Text(), nullable=True))
    op.add_column("result", sa.Column("retention", sa.Text(), nullable=True))
    op.add_column("result", sa.Column("doomed", sa.BigInteger(), nullable=True))
    op.add_column("result", sa.Column("removed", sa.BigInteger(), nullable=True))
    op.add_column("result", sa.Column("preview", sa.Text(), nullable=True))
    op.create_table(
        "run_input",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "source_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("run_input_by_source", "run_input", ["source_id"], unique=False)


def downgrade() -> None:
    op.drop_table("run_input")
    for column in ("preview", "removed", "doomed", "retention", "step"):
        op.drop_column("result", column)
