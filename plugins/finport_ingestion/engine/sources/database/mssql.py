"""SQL Server, through mssql-python. Written by its documentation: no server was at hand.

The driver trusts the authorities of the machine, and of no `ca_file`. It takes TLS 1.3 where the server has it
(`Encrypt=strict`), and does not say which version it took; `minTls: "1.2"` lets it speak to servers before 2022.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ConfigError, FinportError, UnknownPlugin
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database import values
from finport_ingestion.engine.sources.database.mssql_errors import translated
from finport_ingestion.engine.sources.database.nanoseconds import of_moment, of_time
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.database.statement import declared_table
from finport_ingestion.engine.sources.database.way import DATABASES_EXTRA, server_of
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions

_DEFAULT_PORT = 1433
_WEAKENING = (
    "Encrypt",
    "encrypt",
    "TrustServerCertificate",
    "trustServerCertificate",
    "HostNameInCertificate",
    "ServerCertificate",
    "Driver",
    "driver",
    "dsn",
)
_LOGIN_TIMEOUT = 103  # ODBC's SQL_ATTR_LOGIN_TIMEOUT, in seconds
_BY_BYTES = "Latin1_General_100_BIN2_UTF8"
_ENCRYPT = {"1.3": "strict", "1.2": "yes"}
_BINARY = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mssql.IMAGE, mssql.TIMESTAMP, mssql.ROWVERSION)
_TEXT = 40  # more than any time's digits


class MssqlDialect:
    """See the module.

    Raises:
        UnknownPlugin: The driver is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("mssql_python") is None:
            raise UnknownPlugin("a SQL Server source needs mssql-python.", hint=f"pip install '{DATABASES_EXTRA}'")

    def engine(self, access: Access) -> sa.Engine:
        """See the protocol."""
        import mssql_python

        stated = connection_string(access)
        login = max(1, round(access.deadline.bound(access.request_timeout_seconds)))
        timeout = max(1, int(access.deadline.bound(access.deadline.seconds_left())))
        return sa.create_engine(
            "mssql+mssqlpython://",
            creator=lambda: mssql_python.connect(stated, attrs_before={_LOGIN_TIMEOUT: login}, timeout=timeout),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """One picture where the database allows it (ALLOW_SNAPSHOT_ISOLATION), else repeatable reads; locks are waited
        for until the deadline."""
        milliseconds = max(1, int(deadline.bound(deadline.seconds_left()) * 1000))
        allowed = connection.exec_driver_sql(
            "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"
        ).scalar()
        connection.exec_driver_sql(f"SET LOCK_TIMEOUT {milliseconds}")
        connection.rollback()
        connection.exec_driver_sql(
            f"SET TRANSACTION ISOLATION LEVEL {'SNAPSHOT' if allowed == 1 else 'REPEATABLE READ'}"
        )

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """Tables and views only: the driver does not say the digits of a query's decimals."""
        if options.table is None:
            raise ConfigError(
                f"{source}: SQL Server is read by table or view, not by query.",
                hint="create a view of the query, and name it as 'table'",
            )
        return declared_table(connection, options.table, source=source, column_of=column_of)

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """None: every decimal of a table has its digits."""
        return {}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """None: rows are what was read of the driver's documentation."""
        return None

    def spelled(self, value: Any) -> str:
        """See the protocol."""
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """See the protocol."""
        return values.parsed(text, column.kind)

    def protection(self, connection: sa.Connection) -> str:
        """Asks the server."""
        encrypted = connection.exec_driver_sql(
            "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
        ).scalar()
        return "over TLS" if encrypted == "TRUE" else "without TLS"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return translated(error, what=what, connection_id=connection_id)


def connection_string(access: Access) -> str:
    """How to connect: to the checked address, with a certificate for the host's name.

    Raises:
        ConfigError: No host or database; TLS is weakened; a `ca_file` is stated, which the driver cannot take.
        AddressRefused, SourceUnavailable: As of all servers.
    """
    where = server_of(access, port=_DEFAULT_PORT, weakening=_WEAKENING)
    if access.protection.ca_file:
        raise ConfigError(
            f"{access.source}: the driver of SQL Server takes no ca_file.",
            hint="add the authority to those of the worker's machine, and take 'ca_file' out",
        )
    connection = access.connection
    stated = {
        "Server": f"tcp:{where.ips[0] if where.ips else where.host},{where.port}",
        "Database": where.database,
        "UID": (connection.login if connection else None) or "",
        "PWD": (connection.secret() if connection else None) or "",
        "Encrypt": _ENCRYPT[access.protection.min_tls],
        "TrustServerCertificate": "no",
        "HostnameInCertificate": where.host,
        "ConnectRetryCount": "0",
        "ApplicationIntent": "ReadOnly",
    }
    return "".join(f"{name}={quoted(value)};" for name, value in stated.items() if value)


def quoted(value: str) -> str:
    """A value of a connection string, in braces, so that it ends where it ends."""
    return "{" + value.replace("}", "}}") + "}"


def column_of(stored: sa.ColumnElement[Any], declared: sa.types.TypeEngine[Any]) -> Column:
    """A column as it was declared; what Python does not hold exactly is asked for as text."""
    name = str(stored.key)
    if kind := _plain(declared):
        return Column(
            name=name, type=kind, selected=stored, ordered=stored, sorts=not isinstance(declared, mssql.IMAGE)
        )
    if isinstance(declared, mssql.DATETIMEOFFSET | mssql.DATETIME2 | mssql.TIME):
        return _moment(stored, declared)
    text = sa.cast(stored, mssql.NVARCHAR(None))
    ordered = sa.collate(text, _BY_BYTES)
    return Column(name=name, type=LogicalType("text"), selected=text, ordered=ordered)


def _plain(declared: sa.types.TypeEngine[Any]) -> LogicalType | None:
    if isinstance(declared, mssql.MONEY | mssql.SMALLMONEY):
        return LogicalType("decimal", 19 if isinstance(declared, mssql.MONEY) else 10, 4)
    if isinstance(declared, mssql.BIT):
        return LogicalType("boolean")
    if isinstance(declared, mssql.DATETIMEOFFSET | mssql.DATETIME2 | mssql.TIME):
        return None
    kinds: tuple[tuple[Any, str], ...] = (
        (sa.Integer, "integer"),
        (sa.Float, "float"),
        (sa.DateTime, "timestamp"),
        (sa.Date, "date"),
        (_BINARY, "binary"),
    )
    found = next((name for types, name in kinds if isinstance(declared, types)), None)
    if found is None and isinstance(declared, sa.Numeric):
        return LogicalType("decimal", declared.precision or 18, declared.scale or 0)
    return LogicalType(found) if found else None


def _moment(stored: sa.ColumnElement[Any], declared: sa.types.TypeEngine[Any]) -> Column:
    """As text, since they hold seven digits of a second, and Python's six; in UTC where they have a zone."""
    in_zone = isinstance(declared, mssql.DATETIMEOFFSET)
    moment: sa.ColumnElement[Any] = sa.func.switchoffset(stored, "+00:00") if in_zone else stored
    is_time = isinstance(declared, mssql.TIME)
    return Column(
        name=str(stored.key),
        type=LogicalType("time" if is_time else "timestamp", time_zone="UTC" if in_zone else None),
        selected=sa.cast(moment, mssql.NVARCHAR(_TEXT)),
        ordered=stored,
        exact=of_time if is_time else of_moment,
        finer_than_microseconds=True,
    )
