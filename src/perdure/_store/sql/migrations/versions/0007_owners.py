"""The claim under which the owner of each flow run writes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Whoever has a run now has it by its first claim."""
    op.add_column("flow_start", sa.Column("epoch", sa.BigInteger(), nullable=False, server_default=sa.text("1")))


def downgrade() -> None:
    """Who has lost a run is not known any more."""
    op.drop_column("flow_start", "epoch")
