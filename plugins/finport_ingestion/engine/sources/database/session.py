"""A read-only picture of a database at one moment, as long as a block lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from finport_ingestion.engine.errors import FinportError, SourceUnavailable
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.database.dialect import Dialect
from finport_ingestion.engine.sources.interface import Access


@contextmanager
def snapshot(access: Access, dialect: Dialect, *, relation: str) -> Iterator[sa.Connection]:
    """Connect and begin; the connection is closed when the block ends.

    Raises:
        SourceUnavailable, AccessDenied, ConfigError: It cannot be reached, or not like this; later errors of the
            driver too, in their kinds.
        RateLimited: It may not be contacted before the deadline.
    """
    with told_in_our_errors(access, dialect, relation=relation):
        engine = dialect.engine(access)
        try:
            with _begun(engine, access, dialect, relation=relation) as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def told_in_our_errors(access: Access, dialect: Dialect, *, relation: str) -> Iterator[None]:
    """The driver's errors within the block as ours."""
    connection_id = access.connection.id if access.connection else ""
    try:
        yield
    except sa.exc.DBAPIError as error:
        # Without SQLAlchemy's own text: it repeats the whole statement.
        orig = error.orig or error
        raise dialect.translated(orig, what=f"{access.source}: {relation}", connection_id=connection_id) from orig


@contextmanager
def admitted(access: Access) -> Iterator[None]:
    """The block logs in: the gate lets it begin, and hears how it went.

    A refused login is an answer: the source is there. Whether a long reading comes to its end says nothing about that.
    """
    access.gate.admit(access.deadline)
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        there = isinstance(error, FinportError) and not isinstance(error, SourceUnavailable)
        access.gate.report(Answer(outcome="good" if there else "failed", seconds=time.monotonic() - began))
        raise
    access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))


@contextmanager
def _begun(engine: sa.Engine, access: Access, dialect: Dialect, *, relation: str) -> Iterator[sa.Connection]:
    with admitted(access), told_in_our_errors(access, dialect, relation=relation):
        connection = engine.connect()
        try:
            dialect.begin(connection, access.deadline)
        except BaseException:
            connection.close()
            raise
    with connection:
        yield connection
