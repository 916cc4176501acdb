"""MySQL and MariaDB, through PyMySQL, which has to be installed beside this package."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ConfigError, FinportError, UnknownPlugin
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import values
from finport_ingestion.engine.sources.database.mysql_errors import translated
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.database.statement import named_table
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    from finport_ingestion.engine.sources.sql import SqlOptions

_DEFAULT_PORT = 3306
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
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
            raise UnknownPlugin("a MySQL or MariaDB source needs pymysql.", hint="pip install pymysql")

    def engine(self, access: Access) -> sa.Engine:
        """Off this machine with TLS only. Raises ConfigError where the connection names no host or database."""
        connection = access.connection
        if connection is None or not connection.host or not connection.schema:
            raise ConfigError(
                f"{access.source}: no host or no database.", hint="fill in the connection's host and schema"
            )
        url = sa.URL.create(
            "mysql+pymysql",
            username=connection.login,
            password=connection.secret(),
            host=connection.host,
            port=connection.port or _DEFAULT_PORT,
            database=connection.schema,
            query={"charset": "utf8mb4"},
        )
        arguments: dict[str, Any] = {
            "connect_timeout": max(1, round(access.deadline.bound(access.request_timeout_seconds)))
        }
        if connection.host not in _LOOPBACK or connection.extra.get("ca_file"):
            from finport_ingestion.engine.network.tls import client_tls

            arguments["ssl"] = client_tls(access.protection, source=access.source)
        return sa.create_engine(
            url, poolclass=sa.NullPool, hide_parameters=True, isolation_level="AUTOCOMMIT", connect_args=arguments
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

    def relation(self, connection: sa.Connection, options: SqlOptions, *, source: str) -> Relation:
        """Tables and views only: the driver does not tell text from bytes in the columns of a query."""
        if options.table is None:
            raise ConfigError(
                f"{source}: MySQL and MariaDB are read by table or view, not by query.",
                hint="create a view of the query, and name it as 'table'",
            )
        table = named_table(connection, options.table, source=source)
        inspector = sa.inspect(connection)
        key = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
        declared = inspector.get_columns(table.name, schema=table.schema)
        rows = sa.table(table.name, *(sa.column(each["name"]) for each in declared), schema=table.schema)
        columns = tuple(_column(rows.c[each["name"]], each["type"]) for each in declared)
        return Relation(name=options.table, rows=rows, columns=columns, key=tuple(key))

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """None: every decimal of a table has its digits."""
        return {}

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
