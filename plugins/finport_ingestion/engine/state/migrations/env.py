"""What Alembic runs: migrate on the connection that `state/schema.py` hands in, inside its transaction."""

from __future__ import annotations

from alembic import context

from finport_ingestion.engine.state.api_tables import METADATA
from finport_ingestion.engine.state.tables import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
