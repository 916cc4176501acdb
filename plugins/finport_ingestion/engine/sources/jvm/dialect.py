"""A database behind a JDBC driver, as the SQL source wants it. Only the child process imports this."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ConfigError, FinportError
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import values
from finport_ingestion.engine.sources.database.relation import Column, Relation, decimal_type
from finport_ingestion.engine.sources.database.statement import checked_names, named_table, subquery
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.jvm.described import Described
from finport_ingestion.engine.sources.jvm.errors import translated
from finport_ingestion.engine.sources.jvm.machine import Error
from finport_ingestion.engine.sources.jvm.session import driver_of, engine_of

if TYPE_CHECKING:
    from finport_ingestion.engine.sources.sql import RelationOptions

_BLOCK_ROWS = 50_000


class JdbcDialect:
    """See the module."""

    def __init__(self, *, driver_class: str, url: str, properties: Mapping[str, str]) -> None:
        self._driver_class = driver_class
        self._url = url
        self._properties = properties

    def engine(self, access: Access) -> sa.Engine:
        """The address was checked before this process began.

        Raises:
            ConfigError: The jars hold no such driver, or it takes no such url.
        """
        try:
            driver = driver_of(self._driver_class)
        except TypeError as error:
            raise ConfigError(
                f"{access.source}: the jars hold no class {self._driver_class}.",
                hint="correct 'driverClass', or 'driver_path' in the connection's extra",
            ) from error
        if not driver.acceptsURL(self._url):
            raise ConfigError(
                f"{access.source}: {self._driver_class} takes no such url.", hint="correct 'driverClass' or 'url'"
            )
        return engine_of(self._driver_class, self._url, self._properties)

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """See the protocol."""
        _driver(connection).begin(deadline)

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """Table and query alike are asked for no rows, to hear their columns."""
        if options.table:
            table = named_table(connection, options.table, source=source)
            key = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
            columns = _described(connection, table, source=source)
            rows: sa.FromClause = sa.table(table.name, *(sa.column(each.name) for each in columns), schema=table.schema)
            return Relation(name=options.table, rows=rows, columns=_columns(rows, columns), key=tuple(key))
        columns = _described(connection, subquery(str(options.query), ()), source=source)
        rows = subquery(str(options.query), [each.name for each in columns])
        return Relation(name="the query", rows=rows, columns=_columns(rows, columns))

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """Counted in a pass over the values."""
        columns = [column for column in relation.columns if column.type is None]
        if not columns:
            return {}
        widest = dict.fromkeys((column.name for column in columns), (0, 0))
        statement = sa.select(*(column.selected for column in columns)).select_from(relation.rows).where(*where)
        for batch in _batches(connection, statement):
            for column, texts in zip(columns, batch.columns, strict=True):
                widest[column.name] = _wider(widest[column.name], texts)
        return {name: decimal_type(*digits) for name, digits in widest.items()}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """See the protocol."""
        return _told(connection, statement, access=access, what=what)

    def spelled(self, value: Any) -> str:
        """See the protocol."""
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """See the protocol. Text is refused: in which order a database has it, its driver does not say."""
        if column.kind in ("text", "json"):
            raise ConfigError(
                f"column '{column.name}' is text, whose order differs between databases.",
                hint="use a number, date or time as 'incremental' or 'partitions' of a jdbc source",
            )
        return values.parsed(text, column.kind)

    def protection(self, connection: sa.Connection) -> str:
        """What the driver calls its database: it does not say how it is protected; the url did."""
        facts = _driver(connection).facts
        return f"from {facts.getDatabaseProductName()} {facts.getDatabaseMajorVersion()}"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return translated(error, what=what, connection_id=connection_id)


def _driver(connection: sa.Connection) -> Any:
    session: Any = connection.connection.driver_connection
    return session.driver


def _told(
    connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str
) -> Generator[pa.RecordBatch, None, None]:
    try:
        yield from _batches(connection, statement)
    except Error as error:
        connection_id = access.connection.id if access.connection else ""
        raise translated(error, what=what, connection_id=connection_id) from None


def _batches(connection: sa.Connection, statement: sa.Select[Any]) -> Generator[pa.RecordBatch, None, None]:
    compiled = statement.compile(dialect=connection.dialect)
    parameters = [compiled.params[name] for name in getattr(compiled, "positiontup", None) or ()]
    yield from _driver(connection).arrow(str(compiled), parameters, rows=_BLOCK_ROWS)


def _described(connection: sa.Connection, rows: sa.FromClause, *, source: str) -> Sequence[Described]:
    statement = sa.select(sa.text("*")).select_from(rows).where(sa.text("1 = 0"))
    with connection.execute(statement) as result:
        found: Any = result.cursor.description if result.cursor else ()
    checked_names([each.name for each in found], source=source)
    return tuple(found)


def _columns(rows: sa.FromClause, described: Sequence[Described]) -> tuple[Column, ...]:
    return tuple(
        Column(
            name=each.name,
            type=each.type,
            selected=rows.c[each.name],
            ordered=rows.c[each.name],
            finer_than_microseconds=each.finer_than_microseconds,
            as_text=rows.c[each.name],
            sorts=not each.is_large,
        )
        for each in described
    )


def _wider(widest: tuple[int, int], texts: pa.Array) -> tuple[int, int]:
    """The most digits before and behind the point, so far and of these numbers."""
    digits = pc.replace_substring(texts, "-", "")
    point = pc.find_substring(digits, ".")
    length = pc.utf8_length(digits)
    whole = pc.max(pc.if_else(pc.less(point, 0), length, point)).as_py()
    scale = pc.max(pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(length, point), 1))).as_py()
    return max(widest[0], whole or 0), max(widest[1], scale or 0)
