"""Alembic's entry: runs the migrations on the engine that `open_store` hands over."""

from __future__ import annotations

from alembic import context

from collector.store.schema import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()
