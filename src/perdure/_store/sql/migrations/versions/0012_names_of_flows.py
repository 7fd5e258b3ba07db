"""Under which name of its flow the idempotency keys of a deployment's runs are, once that has another name."""

import sqlalchemy as sa
from alembic import op

from perdure._store.sql.tables import Text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """No deployment has been renamed before."""
    op.add_column("deployment", sa.Column("key_name", Text, nullable=True))


def downgrade() -> None:
    """Deployments have the names again that earlier versions know them by, where nothing else has them now."""
    name = "CASE WHEN deployment.name = deployment.flow_name THEN deployment.key_name ELSE deployment.name END"
    op.execute(
        f"UPDATE deployment SET flow_name = key_name, name = {name} WHERE"
        " replace(key_name, '_', '-') = replace(deployment.flow_name, '_', '-') AND NOT EXISTS"
        f" (SELECT 1 FROM deployment AS other WHERE other.flow_name = deployment.key_name AND other.name = {name})"
    )
    op.drop_column("deployment", "key_name")
