"""Large results of PostgreSQL as Arrow, through ADBC: a second session that sees the picture of the first.

ADBC decodes the binary COPY protocol in C. What it does not decode exactly was cast to text by the statement.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

from finport_ingestion.engine.sources.database.postgresql_connecting import address
from finport_ingestion.engine.sources.database.postgresql_errors import translated
from finport_ingestion.engine.sources.database.session import admitted
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_BYTES = 16 << 20


def is_installed() -> bool:
    """Whether the driver is: it comes with the extra `databases`."""
    return importlib.util.find_spec("adbc_driver_postgresql") is not None


def arrow_batches(
    connection: sa.Connection, statement: sa.Select[Any], access: Access, *, what: str
) -> Generator[pa.RecordBatch, None, None]:
    """The rows of `statement` as `connection` sees them; decimals as text.

    Raises:
        FinportError: The driver's errors, in our kinds.
    """
    from adbc_driver_manager import Error

    copied = _as_text(connection, statement)
    try:
        with admitted(access):
            session = _session(connection, access)
        with closing(session), closing(session.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
            cursor.execute(copied)
            with closing(_reader(cursor)) as reader:
                yield from reader
    except Error as error:
        raise translated(error, what=what, connection_id=access.connection.id if access.connection else "") from None


def _session(connection: sa.Connection, access: Access) -> Any:
    """A session in the same picture, as read-only and as bounded as the first."""
    from adbc_driver_postgresql import dbapi

    driver: Any = connection.connection.driver_connection
    picture = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    timeout = connection.exec_driver_sql("SHOW statement_timeout").scalar_one()
    session = dbapi.connect(address(access, encrypted=driver.pgconn.ssl_in_use), autocommit=True)
    try:
        with closing(session.cursor()) as cursor:
            for setting in (
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                f"SET TRANSACTION SNAPSHOT '{picture}'",
                f"SET LOCAL statement_timeout = '{timeout}'",
                "SET LOCAL TIME ZONE 'UTC'",
                "SET LOCAL intervalstyle = 'iso_8601'",
            ):
                cursor.execute(setting)
    except BaseException:
        session.close()
        raise
    return session


def _reader(cursor: Any) -> Any:
    """Of the batches; its errors hold the SQLSTATE, those of what `fetch_record_batch` gives do not."""
    from adbc_driver_manager._reader import AdbcRecordBatchReader

    handle = cursor.fetch_arrow()  # it must live until the reader has taken it over
    return AdbcRecordBatchReader._import_from_c(handle.address)  # noqa: SLF001 - as the driver itself does


def _as_text(connection: sa.Connection, statement: sa.Select[Any]) -> str:
    """With its values in it, as psycopg quotes them: COPY takes no parameters."""
    compiled = statement.compile(dialect=connection.dialect)
    driver: Any = connection.connection.driver_connection
    return psycopg.ClientCursor(driver).mogrify(str(compiled), compiled.params)
