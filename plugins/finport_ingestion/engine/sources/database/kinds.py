"""The kinds of databases, by the type of a connection."""

from __future__ import annotations

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.registry import Entry, Registry
from finport_ingestion.engine.sources.database.dialect import Dialect
from finport_ingestion.engine.sources.interface import Access

_POSTGRESQL = Entry("finport_ingestion.engine.sources.database.postgresql:PostgresqlDialect", "pip install psycopg")

_MYSQL = Entry("finport_ingestion.engine.sources.database.mysql:MysqlDialect")

DATABASES: Registry[type[Dialect]] = Registry(
    "type of database connection",
    {
        "duckdb": Entry("finport_ingestion.engine.sources.database.duckdb_file:DuckdbDialect"),
        "mariadb": _MYSQL,
        "mssql": Entry("finport_ingestion.engine.sources.database.mssql:MssqlDialect"),
        "mysql": _MYSQL,
        "oracle": Entry("finport_ingestion.engine.sources.database.oracle:OracleDialect"),
        "postgres": _POSTGRESQL,
        "postgresql": _POSTGRESQL,
        "sqlite": Entry("finport_ingestion.engine.sources.database.sqlite:SqliteDialect"),
    },
)


def dialect_of(access: Access) -> Dialect:
    """How to speak to the database of the connection.

    Raises:
        ConfigError: There is no connection.
        UnknownPlugin: Its type is unknown, or a driver is missing.
    """
    if access.connection is None:
        raise ConfigError(f"{access.source}: no connection.", hint="state 'connection' in the source")
    return DATABASES.get(access.connection.kind)()
