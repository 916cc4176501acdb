"""MySQL and MariaDB, through PyMySQL, which has to be installed beside this package."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ConfigError, FinportError, UnknownPlugin
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import mysql_connecting, values
from finport_ingestion.engine.sources.database.mysql_errors import translated
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.database.statement import declared_table
from finport_ingestion.engine.sources.database.way import DATABASES_EXTRA
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions

_BLOBS = (mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)
_BINARY = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.BIT, *_BLOBS)
_UTC = LogicalType("timestamp", time_zone="UTC")
_UNSIGNED_DIGITS = 20


class MysqlDialect:
    """See the module.

    Raises:
        UnknownPlugin: The driver is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("pymysql") is None:
            raise UnknownPlugin("a MySQL or MariaDB source needs pymysql.", hint=f"pip install '{DATABASES_EXTRA}'")

    def engine(self, access: Access) -> sa.Engine:
        """See the protocol."""
        where = mysql_connecting.server(access)
        return sa.create_engine(
            "mysql+pymysql://",
            creator=lambda: mysql_connecting.connected(access, where),
            poolclass=sa.NullPool,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
        )

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """Read only, in UTC, and no statement outlives the deadline."""
        seconds = max(0.001, deadline.bound(deadline.seconds_left()))
        if getattr(connection.dialect, "is_mariadb", False):
            connection.exec_driver_sql(f"SET SESSION max_statement_time = {seconds:.3f}")
        else:
            connection.exec_driver_sql(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
        connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """Tables and views only: the driver does not tell text from bytes in the columns of a query."""
        if options.table is None:
            raise ConfigError(
                f"{source}: MySQL and MariaDB are read by table or view, not by query.",
                hint="create a view of the query, and name it as 'table'",
            )
        with warnings.catch_warnings():
            # Of types that it does not know, such as INET6, SQLAlchemy warns; here they are read as text.
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            return declared_table(connection, options.table, source=source, column_of=_column)

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """None: every decimal of a table has its digits."""
        return {}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """None: the driver gives rows."""
        return None

    def spelled(self, value: Any) -> str:
        """See the protocol."""
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """A time without its zone: the session is in UTC, and the driver drops zones."""
        value = values.parsed(text, column.kind)
        return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value

    def protection(self, connection: sa.Connection) -> str:
        """Asks the server."""
        cipher = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Ssl_version'").one()[1]
        return f"over {cipher}" if cipher else "without TLS"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return translated(error, what=what, connection_id=connection_id)


def _column(stored: sa.ColumnElement[Any], declared: sa.types.TypeEngine[Any]) -> Column:
    name = str(stored.key)
    if isinstance(declared, sa.Float):
        # The server shows a FLOAT with six digits; as a DOUBLE it shows all of them.
        double: sa.ColumnElement[Any] = stored.op("+")(sa.literal_column("0e0"))
        return Column(name=name, type=LogicalType("float"), selected=double, ordered=stored)
    if isinstance(declared, mysql.TIMESTAMP):
        return Column(name=name, type=_UTC, selected=stored, ordered=stored, exact=_in_utc)
    if kind := _plain(declared):
        return Column(name=name, type=kind, selected=stored, ordered=stored)
    text = sa.cast(stored, mysql.CHAR(charset="utf8mb4"))
    as_text = LogicalType("json" if isinstance(declared, sa.JSON) else "text")
    return Column(name=name, type=as_text, selected=text, ordered=sa.collate(text, "utf8mb4_bin"))


def _plain(declared: sa.types.TypeEngine[Any]) -> LogicalType | None:
    """The type of a column whose values are taken as they come."""
    if isinstance(declared, sa.Integer | mysql.YEAR):
        large = isinstance(declared, sa.BigInteger) and getattr(declared, "unsigned", False)
        return LogicalType("decimal", _UNSIGNED_DIGITS, 0) if large else LogicalType("integer")
    if isinstance(declared, sa.Numeric):
        return LogicalType("decimal", declared.precision or 10, declared.scale or 0)
    if isinstance(declared, sa.DateTime):
        return LogicalType("timestamp")
    if isinstance(declared, sa.Date):
        return LogicalType("date")
    return LogicalType("binary") if isinstance(declared, _BINARY) else None


def _in_utc(value: Any) -> datetime:
    if not isinstance(value, datetime):
        # The driver gives a date that is none ("0000-00-00") as text.
        raise TypeError("no time")
    return value.replace(tzinfo=UTC)
