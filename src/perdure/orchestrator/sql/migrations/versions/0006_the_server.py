"""What a server needs to answer quickly from many runs, and to look after them."""

import sqlalchemy as sa
from alembic import op

from perdure.orchestrator.sql.tables import Text

revision = "0006"
down_revision = "0005"


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


def downgrade() -> None:
    op.drop_table("api_token")
