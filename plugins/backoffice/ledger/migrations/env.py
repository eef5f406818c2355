"""Alembic's entry point. The caller hands over its connection, so that lock and upgrade are one transaction."""

from alembic import context

from backoffice.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
