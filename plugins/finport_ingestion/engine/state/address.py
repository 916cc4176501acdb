"""The state database's address out of the connection `finport_state`."""

from __future__ import annotations

from sqlalchemy.engine import URL

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError

_POSTGRESQL = ("finport_state", "postgres", "postgresql")
_LIBPQ = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "channel_binding",
    "target_session_attrs",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "options",
)
"""The extras that mean something to the client library; Airflow keeps others in the same place."""


def state_url(connection: ConnectionSpec) -> URL:
    """What `State` takes. Of SQLite the path is the connection's host; extras of PostgreSQL are libpq's options.

    Raises:
        ConfigError: The connection is of another kind, or names no database.
    """
    if connection.kind == "sqlite":
        path = connection.host or (f"/{connection.schema}" if connection.schema else None)
        if path is None:
            raise ConfigError(f"connection '{connection.id}' names no file.", hint="write its path as the host")
        return URL.create("sqlite", database=path)
    if connection.kind not in _POSTGRESQL:
        raise ConfigError(
            f"connection '{connection.id}' is of type '{connection.kind}'; the state lies in sqlite or postgres.",
            hint="use a Postgres connection",
        )
    return URL.create(
        "postgresql+psycopg",
        username=connection.login,
        password=connection.secret(),
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query={name: str(value) for name, value in connection.extra.items() if name in _LIBPQ},
    )
