"""One JDBC session under SQLAlchemy. Only the child process imports this."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import jpype
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.logical import to_arrow
from finport_ingestion.engine.sources.database.columnar import fitted
from finport_ingestion.engine.sources.database.one_session import PlainDialect, Session
from finport_ingestion.engine.sources.jvm import machine
from finport_ingestion.engine.sources.jvm.columns import Block
from finport_ingestion.engine.sources.jvm.described import Described, Kind

_MODERN = (4, 2)
_REPEATABLE_READ, _SERIALIZABLE = 4, 8
_FETCH_ROWS = 1_000  # what a driver holds of a result at a time, where it can
_FIRST_ROWS = 1_000
_BLOCK_BYTES = 8 << 20


class JdbcDriver:
    """A connection of a driver. What it raises is `machine.Error`."""

    def __init__(self, driver_class: str, url: str, properties: Mapping[str, str]) -> None:
        stated = jpype.JClass("java.util.Properties")()
        for name, value in properties.items():
            stated.setProperty(name, value)
        # Not through DriverManager, which tries every driver that it knows with the password.
        self._connection = _called(lambda: driver_of(driver_class).connect(url, stated))
        self._deadline: Deadline | None = None
        self._statement: Any = None
        self.facts: Any = _called(self._connection.getMetaData)
        version = (int(self.facts.getJDBCMajorVersion()), int(self.facts.getJDBCMinorVersion()))
        self.is_modern = version >= _MODERN
        self.quote = str(self.facts.getIdentifierQuoteString()).strip()

    def begin(self, deadline: Deadline) -> None:
        """Read only, and one picture where the database has such a thing."""
        self._deadline = deadline
        connection = self._connection
        _called(lambda: connection.setReadOnly(True))
        levels = (_REPEATABLE_READ, _SERIALIZABLE)
        level = next((each for each in levels if self.facts.supportsTransactionIsolationLevel(each)), None)
        if level is not None:
            _called(lambda: connection.setTransactionIsolation(level))
        _called(lambda: connection.setAutoCommit(False))

    def execute(self, statement: str, parameters: Sequence[Any]) -> JdbcResult:
        """See the protocol of sessions."""
        result = _called(lambda: self._executed(statement, parameters))
        return JdbcResult(result, modern=self.is_modern)

    def arrow(self, statement: str, parameters: Sequence[Any], *, rows: int) -> Generator[pa.RecordBatch, None, None]:
        """The result in batches of at most so many rows: text that spells the values, bytes as they are.

        After the first it is known how wide a row is, and a block is kept small enough for Java.
        """
        result = self.execute(statement, parameters)
        block = Block([each.kind for each in result.description], modern=self.is_modern)
        asked = min(rows, _FIRST_ROWS)
        while (batch := _called(lambda: block.read(result.rows, asked))).num_rows:  # noqa: B023 - called at once
            yield batch
            if batch.num_rows < asked:
                return
            asked = max(1, min(rows, _BLOCK_BYTES * batch.num_rows // max(1, batch.nbytes)))

    def rollback(self) -> None:
        self._give_up()
        if not self._connection.getAutoCommit():
            _called(self._connection.rollback)

    def close(self) -> None:
        self._give_up()
        _called(self._connection.close)

    def _executed(self, statement: str, parameters: Sequence[Any]) -> Any:
        self._give_up()
        prepared = self._statement = self._connection.prepareStatement(statement)
        prepared.setFetchSize(_FETCH_ROWS)
        if self._deadline:
            prepared.setQueryTimeout(max(1, int(self._deadline.bound(self._deadline.seconds_left()))))
        for index, value in enumerate(parameters, start=1):
            prepared.setObject(index, _in_java(value))
        return prepared.executeQuery()

    def _give_up(self) -> None:
        """What is open of the last statement."""
        statement, self._statement = self._statement, None
        if statement is not None:
            _called(statement.close)


class JdbcResult:
    """A result: its columns, and its rows a few at a time; blocks of it are read by `Block`."""

    def __init__(self, rows: Any, *, modern: bool) -> None:
        self.rows = rows
        self._modern = modern
        facts = rows.getMetaData()
        count = int(facts.getColumnCount())
        self.description = tuple(_described(facts, index) for index in range(1, count + 1))

    def fetchmany(self, size: int) -> list[Any]:
        """Python's values, exact. Cell by cell: that is for bounds and counts, a block costs more to prepare."""
        rows: list[list[Any]] = []
        while len(rows) < size and _called(self.rows.next):
            rows.append(_called(self._row))
        columns = [
            _values(list(texts), each) for texts, each in zip(zip(*rows, strict=True), self.description, strict=False)
        ]
        return list(zip(*columns, strict=True))

    def _row(self) -> list[Any]:
        return [_spelled(self.rows, index, each.kind, modern=self._modern) for index, each in self._numbered()]

    def _numbered(self) -> Iterator[tuple[int, Described]]:
        return enumerate(self.description, start=1)


def driver_of(name: str) -> Any:
    """A driver by its class. Raises TypeError where the jars hold none of that name."""
    return jpype.JClass(name)()


def _spelled(rows: Any, index: int, kind: Kind, *, modern: bool) -> str | bytes | None:
    """A value as `Block` spells it."""
    if modern and kind.java_class:
        value = rows.getObject(index, jpype.JClass(kind.java_class))
    else:
        value = getattr(rows, kind.getter if modern else kind.old_getter)(index)
    if value is None:
        return None
    if kind is Kind.BINARY:
        return bytes(value)
    if kind is Kind.DECIMAL:
        return str(value.toPlainString())
    return str(value.toInstant() if kind is Kind.MOMENT_IN_ZONE else value)


def _values(texts: list[Any], column: Described) -> list[Any]:
    if column.type is None:
        return [None if text is None else Decimal(text) for text in texts]
    stored = pa.array(texts, pa.binary() if column.kind is Kind.BINARY else pa.string())
    return list(fitted(stored, to_arrow(column.type)).to_pylist())


def _described(facts: Any, index: int) -> Described:
    return Described(
        name=str(facts.getColumnLabel(index)),
        number=int(facts.getColumnType(index)),
        type_name=str(facts.getColumnTypeName(index)),
        precision=int(facts.getPrecision(index)),
        scale=int(facts.getScale(index)),
        is_signed=bool(facts.isSigned(index)),
    )


def _in_java(value: Any) -> Any:
    """A Python value as the class that JDBC 4.2 binds."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return jpype.JClass("java.lang.Long")(value)
    if isinstance(value, Decimal):
        return jpype.JClass("java.math.BigDecimal")(f"{value:f}")
    if isinstance(value, float):
        return jpype.JClass("java.lang.Double")(value)
    if isinstance(value, datetime):
        name = "java.time.OffsetDateTime" if value.tzinfo else "java.time.LocalDateTime"
        return jpype.JClass(name).parse(value.isoformat())
    if isinstance(value, date):
        return jpype.JClass("java.time.LocalDate").parse(value.isoformat())
    return str(value)


def _called(call: Any) -> Any:
    try:
        return call()
    except jpype.JException as error:
        raise machine.Error(error) from None


class JdbcSql(PlainDialect):
    """What SQLAlchemy has to know of a database that only its driver knows."""

    name = "finport_jdbc"
    driver = "jdbc"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return machine

    def initialize(self, connection: sa.Connection) -> None:
        """Names are quoted as the driver says."""
        quote = _driver(connection).quote
        if quote:
            self.identifier_preparer = self.preparer(self, initial_quote=quote, escape_quote=quote)

    def get_schema_names(self, connection: sa.Connection, **options: Any) -> list[str]:
        return [row[0] for row in _listed(_driver(connection).facts.getSchemas(), "TABLE_SCHEM")]

    def get_table_names(self, connection: sa.Connection, schema: str | None = None, **options: Any) -> list[str]:
        found = _driver(connection).facts.getTables(None, schema, "%", None)
        return [row[0] for row in _listed(found, "TABLE_NAME")]

    def get_view_names(self, connection: sa.Connection, schema: str | None = None, **options: Any) -> list[str]:
        return []  # they are among the tables

    def has_table(self, connection: sa.Connection, table_name: str, schema: str | None = None, **options: Any) -> bool:
        facts = _driver(connection).facts
        escape = str(facts.getSearchStringEscape() or "")
        pattern = "".join(f"{escape}{letter}" if letter in ("_", "%", escape) else letter for letter in table_name)
        found = _listed(facts.getTables(None, schema, pattern, None), "TABLE_NAME")
        return any(row[0] == table_name for row in found)

    def get_pk_constraint(
        self, connection: sa.Connection, table_name: str, schema: str | None = None, **options: Any
    ) -> Any:
        rows = _listed(_driver(connection).facts.getPrimaryKeys(None, schema, table_name), "KEY_SEQ", "COLUMN_NAME")
        return {"constrained_columns": [name for _, name in sorted(rows, key=lambda row: int(row[0]))], "name": None}


registry.register(JdbcSql.name, __name__, JdbcSql.__name__)


def _driver(connection: sa.Connection) -> JdbcDriver:
    session: Any = connection.connection.driver_connection
    driver: JdbcDriver = session.driver
    return driver


def _listed(rows: Any, *columns: str) -> list[tuple[str, ...]]:
    """What the driver says of its catalogue."""

    def read() -> list[tuple[str, ...]]:
        found = []
        while rows.next():
            found.append(tuple(str(rows.getString(column)) for column in columns))
        rows.close()
        return found

    listed: list[tuple[str, ...]] = _called(read)
    return listed


def engine_of(driver_class: str, url: str, properties: Mapping[str, str]) -> sa.Engine:
    """Connects when it is asked to."""

    def connected() -> Session:
        return Session(JdbcDriver(driver_class, url, properties))

    return sa.create_engine(f"{JdbcSql.name}://", creator=connected, poolclass=sa.NullPool, hide_parameters=True)
