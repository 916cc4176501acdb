"""A read-only picture of a database at one moment, as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from finport_ingestion.engine.sources.database.dialect import Dialect
from finport_ingestion.engine.sources.interface import Access


@contextmanager
def snapshot(access: Access, dialect: Dialect, *, relation: str) -> Iterator[sa.Connection]:
    """Connect and begin; the connection is closed when the block ends.

    Raises:
        SourceUnavailable, AccessDenied, ConfigError: It cannot be reached, or not like this; later errors of the
            driver too, in their kinds.
    """
    connection_id = access.connection.id if access.connection else ""
    try:
        engine = dialect.engine(access)
        try:
            with engine.connect() as connection:
                dialect.begin(connection, access.deadline)
                yield connection
        finally:
            engine.dispose()
    except sa.exc.DBAPIError as error:
        # Without SQLAlchemy's own text: it repeats the whole statement.
        orig = error.orig or error
        raise dialect.translated(orig, what=f"{access.source}: {relation}", connection_id=connection_id) from orig
