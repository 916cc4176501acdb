"""Connections to PostgreSQL: to a checked address, over verified TLS, or without it where that is allowed."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from finport_ingestion.engine.sources.database.way import Server, authorities_file, server_of
from finport_ingestion.engine.sources.interface import Access

APPLICATION = "finport-ingestion"
_DEFAULT_PORT = 5432
_WEAKENING = (
    "sslmode",
    "sslrootcert",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "sslcrl",
    "sslcertmode",
    "hostaddr",
    "service",
    "gssencmode",
    "options",
)
_OWN_CERTIFICATE = ("sslcert", "sslkey", "sslpassword")
_NO_TLS = "server does not support SSL"


def server(access: Access) -> Server:
    """Where the database is. Raises as `server_of` does."""
    return server_of(access, port=_DEFAULT_PORT, weakening=_WEAKENING)


def connected(access: Access, where: Server, *, what: str) -> psycopg.Connection[Any]:
    """A new connection; the caller closes it.

    Raises:
        psycopg.Error: It is not reached, or refuses.
        ConfigError: It has no TLS, and the source demands it.
    """
    parameters = _parameters(access, where)
    try:
        return psycopg.connect(**parameters, sslmode="verify-full")
    except psycopg.OperationalError as error:
        if _NO_TLS not in str(error):
            raise
    access.protection.demand_tls(what=f"{what} at {where.host}", fix="switch 'ssl' on at the server")
    return psycopg.connect(**parameters, sslmode="disable")


def address(access: Access, *, encrypted: bool) -> str:
    """What libpq needs to connect once more, password included, as one text.

    Args:
        encrypted: Whether the first connection was.
    """
    mode = "verify-full" if encrypted else "disable"
    return make_conninfo("", **_parameters(access, server(access)), sslmode=mode)


def _parameters(access: Access, where: Server) -> dict[str, Any]:
    """libpq verifies the name of `host`, and connects to `hostaddr` without asking for the name again."""
    connection = access.connection
    extra = connection.extra if connection else {}
    hosts = [where.host] * len(where.ips) or [where.host]
    return {
        "host": ",".join(hosts),
        **({"hostaddr": ",".join(where.ips)} if where.ips else {}),
        "port": where.port,
        "dbname": where.database,
        "user": connection.login if connection else None,
        "password": connection.secret() if connection else None,
        "sslrootcert": authorities_file(access),
        **{key: extra[key] for key in _OWN_CERTIFICATE if key in extra},
        "ssl_min_protocol_version": f"TLSv{access.protection.min_tls}",
        "connect_timeout": max(2, round(access.deadline.bound(access.request_timeout_seconds))),
        # A peer that vanished is noticed, whatever is waited for.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "application_name": APPLICATION,
        "client_encoding": "UTF8",
        "gssencmode": "disable",
    }
