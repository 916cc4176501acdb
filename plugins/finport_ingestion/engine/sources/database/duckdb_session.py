"""A DuckDB file under SQLAlchemy: read-only, closed to every other file and to the network, ended at the deadline."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.sources.database.one_session import PlainDialect, Session

_ONLY_THIS_FILE: dict[str, Any] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_SCHEMAS = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
_NAMES = (
    "SELECT {kind}_name FROM duckdb_{kind}s() WHERE database_name = current_database() AND NOT internal"
    " AND schema_name = ? ORDER BY {kind}_name"
)
_KEY = (
    "SELECT constraint_column_names FROM duckdb_constraints() WHERE database_name = current_database()"
    " AND schema_name = ? AND table_name = ? AND constraint_type = 'PRIMARY KEY'"
)


class DuckdbDriver:
    """The session of one file; its errors are those of the module `duckdb`."""

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect(path, read_only=True, config=_ONLY_THIS_FILE)
        self._timer: threading.Timer | None = None
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET lock_configuration = true")

    def begin(self, deadline: Deadline) -> None:
        """One picture from here on; at the deadline whatever runs is interrupted."""
        self._timer = threading.Timer(deadline.bound(deadline.seconds_left()), self._connection.interrupt)
        self._timer.daemon = True
        self._timer.start()
        self._connection.begin()

    def execute(self, statement: str, parameters: Sequence[Any]) -> Any:
        return self._connection.execute(statement, list(parameters))

    def arrow(self, statement: str, parameters: Sequence[Any], *, rows: int) -> Generator[pa.RecordBatch, None, None]:
        """The result in batches of about so many rows, without holding it whole."""
        # As long as a result is open, the connection takes no other statement.
        with closing(self._connection.sql(statement, params=list(parameters)).to_arrow_reader(rows)) as reader:
            yield from reader

    def rollback(self) -> None:
        with suppress(duckdb.TransactionException):
            self._connection.rollback()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._connection.close()


class DuckdbSql(PlainDialect):
    """What SQLAlchemy has to know of DuckDB to read from it."""

    name = "finport_duckdb"
    driver = "duckdb"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return duckdb

    def get_schema_names(self, connection: sa.Connection, **options: Any) -> list[str]:
        return list(connection.exec_driver_sql(_SCHEMAS).scalars())

    def get_table_names(self, connection: sa.Connection, schema: str | None = None, **options: Any) -> list[str]:
        return self._names(connection, "table", schema)

    def get_view_names(self, connection: sa.Connection, schema: str | None = None, **options: Any) -> list[str]:
        return self._names(connection, "view", schema)

    def has_table(self, connection: sa.Connection, table_name: str, schema: str | None = None, **options: Any) -> bool:
        return table_name in [*self._names(connection, "table", schema), *self._names(connection, "view", schema)]

    def get_pk_constraint(
        self, connection: sa.Connection, table_name: str, schema: str | None = None, **options: Any
    ) -> Any:
        columns = connection.exec_driver_sql(_KEY, (schema or "main", table_name)).scalar()
        return {"constrained_columns": columns or [], "name": None}

    def _names(self, connection: sa.Connection, kind: str, schema: str | None) -> list[str]:
        return list(connection.exec_driver_sql(_NAMES.format(kind=kind), (schema or "main",)).scalars())


registry.register(DuckdbSql.name, __name__, DuckdbSql.__name__)


def engine_of(path: Path) -> sa.Engine:
    """Opens the file when it is connected to."""
    return sa.create_engine(
        f"{DuckdbSql.name}://", creator=lambda: Session(DuckdbDriver(path)), poolclass=sa.NullPool, hide_parameters=True
    )
