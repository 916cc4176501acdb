"""SQLite, whose columns promise little: a value that is not of its column's type is an error, never a guess."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import values
from finport_ingestion.engine.sources.database.local_file import database_file
from finport_ingestion.engine.sources.database.relation import Column, Relation, decimal_type
from finport_ingestion.engine.sources.database.sqlite_values import as_decimal, exact, stored_type
from finport_ingestion.engine.sources.database.statement import named_table
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions

_STEPS_BETWEEN_CHECKS = 100_000
_VIEW = "finport_query"
_MISSING = re.compile(r"no such table")


class SqliteDialect:
    """See the module."""

    def engine(self, access: Access) -> sa.Engine:
        """Opens the file for reading only, so that a wrong path makes no database."""
        path = database_file(access)
        url = sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
        timeout_seconds = access.deadline.bound(access.request_timeout_seconds)
        return sa.create_engine(
            url,
            poolclass=sa.NullPool,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": timeout_seconds},
        )

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """The first read takes the picture; the deadline is looked at while SQLite computes."""
        deadline.check()
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: deadline.seconds_left() <= 0, _STEPS_BETWEEN_CHECKS)
        connection.exec_driver_sql("BEGIN")

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """A query becomes a temporary view: a view says what type its columns were declared with."""
        if options.table:
            table = named_table(connection, options.table, source=source)
            key = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
            declared = _declared(connection, table.name, table.schema)
            rows: sa.FromClause = sa.table(table.name, *(sa.column(name) for name in declared), schema=table.schema)
            return Relation(
                name=options.table,
                rows=rows,
                columns=tuple(_column(rows.c[name], kind) for name, kind in declared.items()),
                key=tuple(key),
                row_id=_row_id(connection, table),
            )
        query = str(options.query).strip().rstrip(";")
        connection.exec_driver_sql(f"CREATE TEMP VIEW {_VIEW} AS {query}\n")
        declared = _declared(connection, _VIEW, "temp")
        rows = sa.table(_VIEW, *(sa.column(name) for name in declared), schema="temp")
        columns = tuple(_column(rows.c[name], kind) for name, kind in declared.items())
        return Relation(name="the query", rows=rows, columns=columns)

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """Counted in a pass over the values; what is no number fails when it is read."""
        columns = [column for column in relation.columns if column.type is None]
        return {column.name: _widest(connection, relation, column, where) for column in columns}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """None: the driver gives rows."""
        return None

    def spelled(self, value: Any) -> str:
        """Times as SQLite writes them, without zeros at the end: no other spelling of a moment sorts before."""
        if isinstance(value, datetime):
            text = value.isoformat(sep=" ")
            return text.rstrip("0").rstrip(".") if "." in text else text
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """Text for everything that SQLite stores as text; it compares a text with a number column as a number."""
        return values.parsed(text, column.kind) if column.kind in ("integer", "float") else text

    def protection(self, connection: sa.Connection) -> str:
        """See the protocol."""
        return "as a local file"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return _translated(error, what=what, connection_id=connection_id)


def _declared(connection: sa.Connection, table: str, schema: str | None) -> dict[str, str]:
    """Columns and their declared types, in order."""
    found = connection.execute(
        sa.text("SELECT name, type FROM pragma_table_xinfo(:table, :schema) WHERE hidden <> 1 ORDER BY cid"),
        {"table": table, "schema": schema or "main"},
    )
    return {row.name: row.type for row in found}


def _column(stored: sa.ColumnElement[Any], declaration: str) -> Column:
    kind = stored_type(declaration)
    # Both spellings of ISO 8601 in one order.
    ordered = sa.func.replace(stored, "T", " ") if kind and kind.kind == "timestamp" else stored
    return Column(name=str(stored.key), type=kind, selected=stored, ordered=ordered, exact=exact(kind))


def _row_id(connection: sa.Connection, table: sa.TableClause) -> sa.ColumnElement[Any] | None:
    column: sa.ColumnElement[Any] = sa.literal_column("rowid")
    try:
        connection.execute(sa.select(column).select_from(table).limit(0))
    except sa.exc.OperationalError:
        # A table WITHOUT ROWID, or a view.
        return None
    return column


def _widest(
    connection: sa.Connection, relation: Relation, column: Column, where: Sequence[sa.ColumnElement[bool]]
) -> LogicalType:
    whole, scale = 0, 0
    statement = sa.select(column.selected).select_from(relation.rows).where(*where, column.selected.is_not(None))
    for value in connection.scalars(statement.distinct()):
        try:
            digits = as_decimal(value).as_tuple()
        except ValueError:
            continue
        exponent = int(digits.exponent)
        scale = max(scale, -exponent)
        whole = max(whole, len(digits.digits) + exponent)
    return decimal_type(whole, scale)


def _translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    name = str(getattr(error, "sqlite_errorname", ""))
    if name.startswith("SQLITE_INTERRUPT"):
        return DeadlineExceeded(
            f"{what}: the statement was not done when the time of the step was used up.",
            hint="raise the step's timeout, read in partitions, or add an index",
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")) or "decode" in str(error):
        return FormatError(f"{what}: the file is no intact SQLite database in UTF-8.", hint="check it, or restore it")
    if name.startswith(("SQLITE_PERM", "SQLITE_AUTH")):
        return AccessDenied(f"{what}: the file cannot be read.", hint="give the worker's user the right to read it")
    if _MISSING.search(str(error)):
        return SourceItemMissing(f"{what}: {error}.", hint="check 'table' or 'query' of the source")
    if name in ("SQLITE_ERROR", "SQLITE_READONLY") or isinstance(error, sqlite3.ProgrammingError):
        return ConfigError(f"{what}: SQLite refuses the query ({error}).", hint="correct 'query' of the source")
    return SourceUnavailable(
        f"{what}: SQLite cannot read now ({name or error}).", hint=f"check the file of connection '{connection_id}'"
    )
