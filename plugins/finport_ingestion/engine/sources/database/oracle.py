"""Oracle, through python-oracledb in thin mode. Written by its documentation: no server was at hand.

The connection's schema, or `service_name` in its extra, is the service. The way is TCPS, whose certificate has to be
valid for the host's name; `protocol: tcp` in the extra asks for none, and needs `allowPlaintext`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import FinportError, UnknownPlugin
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.sources.database import values
from finport_ingestion.engine.sources.database.oracle_columns import columns_of
from finport_ingestion.engine.sources.database.oracle_errors import translated
from finport_ingestion.engine.sources.database.relation import Column, Relation, decimal_type
from finport_ingestion.engine.sources.database.statement import checked_names, named_table, subquery
from finport_ingestion.engine.sources.database.way import DATABASES_EXTRA, Server, server_of
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import oracledb
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions

_TCPS_PORT, _TCP_PORT = 2484, 1521
_WEAKENING = (
    "ssl_server_dn_match",
    "ssl_server_cert_dn",
    "wallet_location",
    "config_dir",
    "dsn",
    "thick_mode",
    "thick_mode_lib_dir",
)
_SETTINGS = (
    "ALTER SESSION SET TIME_ZONE = '+00:00'",
    "ALTER SESSION SET NLS_COMP = BINARY",
    "ALTER SESSION SET NLS_SORT = BINARY",
    "SET TRANSACTION READ ONLY",
)
_TEXT_BYTES = 255  # more than any number's digits


class OracleDialect:
    """See the module.

    Raises:
        UnknownPlugin: The driver is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("oracledb") is None:
            raise UnknownPlugin("an Oracle source needs oracledb.", hint=f"pip install '{DATABASES_EXTRA}'")

    def engine(self, access: Access) -> sa.Engine:
        """See the protocol."""
        import oracledb

        parameters = parameters_of(access)
        return sa.create_engine(
            "oracle+oracledb://",
            creator=lambda: oracledb.connect(params=parameters),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """Read only in one picture, in UTC; no call to the server outlives the deadline."""
        driver: Any = connection.connection.driver_connection
        driver.call_timeout = max(1, int(deadline.bound(deadline.seconds_left()) * 1000))
        driver.outputtypehandler = exactly
        for setting in _SETTINGS:
            connection.exec_driver_sql(setting)

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """Table and query alike are asked for no rows, to hear their columns."""
        if options.table:
            table = named_table(connection, options.table, source=source)
            key = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
            described = _described(connection, table, source=source)
            rows: sa.FromClause = sa.table(table.name, *(sa.column(each[0]) for each in described), schema=table.schema)
            stored = {name.casefold(): name for name in (str(each[0]) for each in described)}
            names = tuple(stored[name.casefold()] for name in key)
            return Relation(name=options.table, rows=rows, columns=columns_of(rows, described), key=names)
        described = _described(connection, subquery(str(options.query), ()), source=source)
        rows = subquery(str(options.query), [each[0] for each in described])
        return Relation(name="the query", rows=rows, columns=columns_of(rows, described))

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """Computed by the server, out of NUMBER's text in the shortest form."""
        columns = [column for column in relation.columns if column.type is None]
        row = connection.execute(digits_of(relation, columns, where)).one()
        found = zip(columns, row[::2], row[1::2], strict=True)
        return {column.name: decimal_type(whole or 0, max(0, (behind or 0) - 1)) for column, whole, behind in found}

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """None: the driver's own Arrow makes doubles of numbers without declared digits."""
        return None

    def spelled(self, value: Any) -> str:
        """See the protocol."""
        return values.spelled(value)

    def bound(self, text: str, column: Column) -> Any:
        """A moment without its zone: it is compared in UTC."""
        value = values.parsed(text, column.kind)
        return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value

    def protection(self, connection: sa.Connection) -> str:
        """Asks the server."""
        way = connection.exec_driver_sql("SELECT SYS_CONTEXT('USERENV', 'NETWORK_PROTOCOL') FROM DUAL").scalar()
        return "over TLS" if way == "tcps" else "without TLS"

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """See the protocol."""
        return translated(error, what=what, connection_id=connection_id)


def parameters_of(access: Access) -> oracledb.ConnectParams:
    """How to connect.

    With TLS the driver is given the name, which it verifies; it resolves it once more, and an address that was put in
    its place since it was checked has no certificate for it. Without TLS it is given the checked address.

    Raises:
        ConfigError: No host or service; TLS is weakened; plaintext is asked for and not allowed.
        AddressRefused, SourceUnavailable: As of all servers.
    """
    import oracledb

    connection = access.connection
    extra = connection.extra if connection else {}
    plaintext = extra.get("protocol") == "tcp"
    where = server_of(access, port=_TCP_PORT if plaintext else _TCPS_PORT, weakening=_WEAKENING)
    if plaintext:
        what = f"{access.source}: Oracle at {where.host}"
        access.protection.demand_tls(what=what, fix="take 'protocol' out of the connection's extra")
    parameters: oracledb.ConnectParams = oracledb.ConnectParams(
        user=connection.login if connection else None,
        password=connection.secret() if connection else None,
        host=where.ips[0] if plaintext else where.host,
        port=where.port,
        protocol="tcp" if plaintext else "tcps",
        service_name=_service(extra.get("service_name"), where),
        tcp_connect_timeout=max(1.0, access.deadline.bound(access.request_timeout_seconds)),
        ssl_server_dn_match=True,
        ssl_context=None if plaintext else client_tls(access.protection, source=access.source),
        program="finport-ingestion",
    )
    return parameters


def _service(stated: Any, where: Server) -> str:
    return str(stated) if stated else where.database


def exactly(cursor: Any, metadata: Any) -> Any:
    """A variable for what the driver would round, or give as a handle: numbers as decimals, large objects whole."""
    import oracledb

    kind = metadata.type_code
    if kind is oracledb.DB_TYPE_NUMBER:
        return cursor.var(oracledb.DB_TYPE_VARCHAR, _TEXT_BYTES, cursor.arraysize, outconverter=Decimal)
    whole = {
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
    }.get(kind)
    return cursor.var(whole, arraysize=cursor.arraysize) if whole else None


def digits_of(relation: Relation, columns: Sequence[Column], where: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Of each column the most digits before the point, and behind it with the point itself."""
    digits: list[sa.ColumnElement[Any]] = []
    for column in columns:
        number = sa.func.abs(column.selected)
        parts = (sa.func.trunc(number), number - sa.func.trunc(number))
        texts = (sa.func.to_char(part, sa.literal_column("'TM9'")) for part in parts)
        digits += [sa.func.max(sa.func.length(text)) for text in texts]
    return sa.select(*digits).select_from(relation.rows).where(*where)


def _described(connection: sa.Connection, rows: sa.FromClause, *, source: str) -> Sequence[Any]:
    with connection.execute(sa.select(sa.text("*")).select_from(rows).where(sa.text("1 = 0"))) as result:
        found: Any = result.cursor.description if result.cursor else ()
    checked_names([str(each[0]) for each in found], source=source)
    return tuple(found)
