"""DuckDB: a file, read with its own Arrow."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import (
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import values
from finport_ingestion.engine.sources.database.duckdb_session import engine_of
from finport_ingestion.engine.sources.database.local_file import database_file
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.database.statement import described, named_table, subquery
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NESTED = re.compile(r"^(STRUCT|MAP|UNION)\(|\[\d*\]$")
_ROUNDED_IN_JSON = re.compile(r"DECIMAL|HUGEINT|UBIGINT|BIGNUM")
"""DuckDB's `to_json` makes doubles of these; its own spelling of lists and structs keeps them."""
_BATCH_ROWS = 100_000
_PLAIN = {
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), LogicalType("integer")
    ),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), LogicalType("timestamp")),
    "TIMESTAMP WITH TIME ZONE": LogicalType("timestamp", time_zone="UTC"),
    "UBIGINT": LogicalType("decimal", 20, 0),
    "BOOLEAN": LogicalType("boolean"),
    "DOUBLE": LogicalType("float"),
    "VARCHAR": LogicalType("text"),
    "JSON": LogicalType("json"),
    "DATE": LogicalType("date"),
    "TIME": LogicalType("time"),
    "BLOB": LogicalType("binary"),
}
_AS_TEXT = {"HUGEINT": LogicalType("decimal", 39, 0), "UHUGEINT": LogicalType("decimal", 39, 0)}
"""Arrow's 128 bits hold 38 digits: these are read as text, and come as a decimal of 256."""


class DuckdbDialect:
    """See the module."""

    def engine(self, access: Access) -> sa.Engine:
        """See the protocol."""
        return engine_of(database_file(access))

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """See the protocol."""
        driver: Any = connection.connection.driver_connection
        driver.driver.begin(deadline)

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """Table and query alike are asked for no rows, to hear their columns."""
        if options.table:
            table = named_table(connection, options.table, source=source)
            key = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
            description = described(connection, table, source=source)
            rows: sa.FromClause = sa.table(
                table.name, *(sa.column(each[0]) for each in description), schema=table.schema
            )
            return Relation(name=options.table, rows=rows, columns=_columns(rows, description), key=tuple(key))
        description = described(connection, subquery(str(options.query), ()), source=source)
        rows = subquery(str(options.query), [each[0] for each in description])
        return Relation(name="the query", rows=rows, columns=_columns(rows, description))

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """None: every decimal has its digits."""
        return {}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """See the protocol."""
        return _batches(connection, statement, access=access, what=what)

    def spelled(self, value: Any) -> str:
        """See the protocol."""
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """See the protocol."""
        return values.parsed(text, column.kind)

    def protection(self, connection: sa.Connection) -> str:
        """See the protocol."""
        return "as a local file"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return _translated(error, what=what, connection_id=connection_id)


def _batches(
    connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str
) -> Generator[pa.RecordBatch, None, None]:
    compiled = statement.compile(dialect=connection.dialect)
    parameters = [compiled.params[name] for name in getattr(compiled, "positiontup", None) or ()]
    driver: Any = connection.connection.driver_connection
    try:
        yield from driver.driver.arrow(str(compiled), parameters, rows=_BATCH_ROWS)
    except (duckdb.Error, OSError) as error:
        connection_id = access.connection.id if access.connection else ""
        raise _translated(error, what=what, connection_id=connection_id) from None


def _columns(rows: sa.FromClause, description: Sequence[Any]) -> tuple[Column, ...]:
    return tuple(_column(rows.c[each[0]], str(each[1])) for each in description)


def _column(stored: sa.ColumnElement[Any], declared: str) -> Column:
    name, text = str(stored.key), sa.cast(stored, sa.String())
    if match := _DECIMAL.fullmatch(declared):
        kind = LogicalType("decimal", int(match[1]), int(match[2]))
        return Column(name=name, type=kind, selected=stored, ordered=stored)
    if declared in _PLAIN:
        finer = declared == "TIMESTAMP_NS"
        return Column(name=name, type=_PLAIN[declared], selected=stored, ordered=stored, finer_than_microseconds=finer)
    if declared in _AS_TEXT:
        return Column(name=name, type=_AS_TEXT[declared], selected=text, ordered=stored)
    if declared == "FLOAT":
        # By its shortest spelling: 1.1 is 1.1, not the double nearest to the float nearest to it.
        return Column(name=name, type=LogicalType("float"), selected=sa.cast(text, sa.Double()), ordered=stored)
    if _NESTED.search(declared) and not _ROUNDED_IN_JSON.search(declared):
        document = sa.cast(sa.func.to_json(stored), sa.String())
        return Column(name=name, type=LogicalType("json"), selected=document, ordered=document)
    return Column(name=name, type=LogicalType("text"), selected=text, ordered=text)


def _translated(error: BaseException, *, what: str, connection_id: str) -> FinportError:
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in str(error):
        return DeadlineExceeded(
            f"{what}: the statement was not done when the time of the step was used up.",
            hint="raise the step's timeout, or read in partitions",
        )
    if isinstance(error, duckdb.CatalogException):
        return SourceItemMissing(f"{what}: {_first_line(error)}", hint="check 'table' or 'query' of the source")
    if isinstance(error, duckdb.PermissionException):
        return ConfigError(
            f"{what}: a query may read nothing but its own database.",
            hint="take other files and addresses out of 'query', and make them sources of their own",
        )
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        # These messages quote values.
        return FormatError(f"{what}: a value cannot be converted as the query asks.", hint="check the query")
    if isinstance(error, duckdb.IOException) and "not a valid" in str(error):
        return FormatError(
            f"{what}: the file is no DuckDB database, or of another version.", hint="check it, or restore it"
        )
    if isinstance(error, duckdb.IOException | OSError):
        return SourceUnavailable(
            f"{what}: DuckDB cannot read now: {_first_line(error)}",
            hint=f"check the file of connection '{connection_id}', and whether another process writes it",
        )
    if isinstance(error, duckdb.ProgrammingError | duckdb.InvalidInputException):
        return ConfigError(f"{what}: DuckDB refuses the query: {_first_line(error)}", hint="correct 'query'")
    return PermanentError(f"{what}: DuckDB fails ({type(error).__name__}).", hint="see its documentation")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
