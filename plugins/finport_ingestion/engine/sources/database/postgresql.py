"""PostgreSQL, through psycopg."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import postgresql_arrow, postgresql_connecting, values
from finport_ingestion.engine.sources.database.postgresql_errors import translated
from finport_ingestion.engine.sources.database.relation import Column, Relation, decimal_type
from finport_ingestion.engine.sources.database.statement import described, named_table, subquery
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions

_UTC = LogicalType("timestamp", time_zone="UTC")
_TYPES = {
    16: LogicalType("boolean"),
    17: LogicalType("binary"),
    19: LogicalType("text"),
    20: LogicalType("integer"),
    21: LogicalType("integer"),
    23: LogicalType("integer"),
    25: LogicalType("text"),
    701: LogicalType("float"),
    1042: LogicalType("text"),
    1043: LogicalType("text"),
    1082: LogicalType("date"),
    1083: LogicalType("time"),
    1114: LogicalType("timestamp"),
    1184: _UTC,
}
"""By the oid of pg_type, which is the same in every database."""
_NUMERIC, _MONEY = 1700, 790
_FLOAT4 = 700
_JSON = {114, 3802}
_ARROW_FROM_ROWS = 20_000


class PostgresqlDialect:
    """See the module."""

    def __init__(self, *, arrow_from_rows: int = _ARROW_FROM_ROWS) -> None:
        """See the module.

        Args:
            arrow_from_rows: Results of so many rows are worth a session of another driver.
        """
        self._arrow_from_rows = arrow_from_rows

    def engine(self, access: Access) -> sa.Engine:
        """See the protocol."""
        where = postgresql_connecting.server(access)
        return sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: postgresql_connecting.connected(access, where, what=f"{access.source}: PostgreSQL"),
            poolclass=sa.NullPool,
            hide_parameters=True,
            use_native_hstore=False,
            isolation_level="REPEATABLE READ",
        )

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """Read only, in UTC, and no statement outlives the deadline."""
        milliseconds = max(1, int(deadline.bound(deadline.seconds_left()) * 1000))
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        connection.exec_driver_sql("SET LOCAL intervalstyle = 'iso_8601'")

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """Table and query alike are asked for no rows, to hear their columns."""
        if options.table:
            table = named_table(connection, options.table, source=source)
            key = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
            description = described(connection, table, source=source)
            rows: sa.FromClause = sa.table(
                table.name, *(sa.column(each.name) for each in description), schema=table.schema
            )
            columns = _columns(connection, rows, description)
            return Relation(name=options.table, rows=rows, columns=columns, key=tuple(key))
        description = described(connection, subquery(str(options.query), ()), source=source)
        rows = subquery(str(options.query), [each.name for each in description])
        return Relation(name="the query", rows=rows, columns=_columns(connection, rows, description))

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """Computed by the server; NaN and infinity have no digits and fail when they are read."""
        columns = [column for column in relation.columns if column.type is None]
        digits = [
            expression
            for column in columns
            for expression in (
                sa.func.max(sa.func.length(sa.cast(sa.func.trunc(sa.func.abs(column.selected)), sa.Text))),
                sa.func.max(sa.func.scale(column.selected)),
            )
        ]
        row = connection.execute(sa.select(*digits).select_from(relation.rows).where(*where)).one()
        found = zip(columns, row[::2], row[1::2], strict=True)
        return {column.name: decimal_type(whole or 0, scale or 0) for column, whole, scale in found}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """Through ADBC, where it is installed and the result is large."""
        if (rows is not None and rows < self._arrow_from_rows) or not postgresql_arrow.is_installed():
            return None
        return postgresql_arrow.arrow_batches(connection, statement, access, what=what)

    def spelled(self, value: Any) -> str:
        """See the protocol."""
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """See the protocol."""
        return values.parsed(text, column.kind)

    def protection(self, connection: sa.Connection) -> str:
        """Asks libpq, which made the connection."""
        driver: Any = connection.connection.driver_connection
        return "over TLS" if driver.pgconn.ssl_in_use else "without TLS"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return translated(error, what=what, connection_id=connection_id)


def _columns(connection: sa.Connection, rows: sa.FromClause, description: Sequence[Any]) -> tuple[Column, ...]:
    unknown = {each.type_code for each in description} - set(_TYPES) - _JSON - {_NUMERIC, _MONEY}
    nested = _nested(connection, unknown) if unknown else set()
    return tuple(_column(rows.c[each.name], each, nested=each.type_code in nested) for each in description)


def _nested(connection: sa.Connection, oids: set[int]) -> set[int]:
    """Those of the types that are arrays or rows."""
    catalogue = sa.table("pg_type", sa.column("oid"), sa.column("typcategory"), schema="pg_catalog")
    wanted = sa.cast(catalogue.c.oid, sa.BigInteger).in_(sorted(oids))
    return set(connection.scalars(sa.select(catalogue.c.oid).where(wanted, catalogue.c.typcategory.in_(["A", "C"]))))


def _column(stored: sa.ColumnElement[Any], description: Any, *, nested: bool) -> Column:
    name, oid = description.name, description.type_code
    if oid in (_NUMERIC, _MONEY):
        number = stored if oid == _NUMERIC else sa.cast(stored, sa.Numeric())
        return Column(name=name, type=_declared(description), selected=number, ordered=number)
    if oid == _FLOAT4:
        # By its shortest spelling: 1.1 is 1.1, not the double nearest to the float nearest to it.
        double: sa.ColumnElement[Any] = sa.cast(sa.cast(stored, sa.Text()), sa.Double())
        return Column(name=name, type=LogicalType("float"), selected=double, ordered=stored)
    if kind := _TYPES.get(oid):
        # Text is compared by its bytes, as a watermark is, not by the rules of some language.
        ordered = _by_bytes(stored) if kind.kind == "text" else stored
        return Column(name=name, type=kind, selected=stored, ordered=ordered)
    text = sa.cast(sa.func.to_json(stored) if nested else stored, sa.Text())
    kind = LogicalType("json" if nested or oid in _JSON else "text")
    return Column(name=name, type=kind, selected=text, ordered=_by_bytes(text))


def _by_bytes(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Text in the order of its bytes."""
    return sa.collate(sa.type_coerce(text, sa.Text()), "C")


def _declared(description: Any) -> LogicalType | None:
    precision, scale = description.precision, description.scale
    if precision is None or scale is None or not 0 <= scale <= precision <= 76:
        return None
    return LogicalType("decimal", precision, scale)
