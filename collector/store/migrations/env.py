"""Alembic's entry: runs the migrations in the transaction that `open_store` hands over."""

from __future__ import annotations

from alembic import context

from collector.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
