"""Run by Alembic: applies migrations on the connection that the configuration carries."""

from alembic import context

from perdure._store.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
