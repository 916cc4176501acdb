"""Connections to MySQL and MariaDB: over a socket to a checked address, TLS on top of it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.network.sockets import connected as connected_socket
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.sources.database.way import demand_private, is_local_socket, named_server
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pymysql

_DEFAULT_PORT = 3306
_WEAKENING = (
    "ssl",
    "ssl_mode",
    "ssl_disabled",
    "ssl_ca",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "unix_socket",
    "local_infile",
    "read_default_file",
)
_TLS_ERROR = 2026
_NO_TLS = "server doesn't support it"
Address = tuple[str, int, str]


def server(access: Access) -> Address:
    """Host, port and database. Raises ConfigError where the connection does not name them, or weakens TLS."""
    return named_server(access, port=_DEFAULT_PORT, weakening=_WEAKENING)


def connected(access: Access, where: Address) -> pymysql.Connection:
    """A new connection; the caller closes it.

    Raises:
        pymysql.MySQLError: The server refuses.
        SourceUnavailable, AddressRefused: It is not reached, or may not be.
        ConfigError: It has no TLS, and the source demands it.
    """
    import pymysql

    host, _, database = where
    what = f"{access.source}: MySQL or MariaDB at {host}"
    connection = access.connection
    login = {
        "user": connection.login if connection else None,
        "password": ((connection.secret() if connection else None) or "").encode(),
        "database": database,
        "charset": "utf8mb4",
        "read_timeout": max(1.0, access.deadline.bound(access.deadline.seconds_left())),
        "write_timeout": access.request_timeout_seconds,
        "program_name": "finport-ingestion",
    }
    if is_local_socket(host):
        demand_private(access, host)
        return pymysql.connect(**login, unix_socket=host, ssl_disabled=True)
    try:
        return _over(access, where, what=what, login={**login, "ssl": _tls(access)})
    except pymysql.OperationalError as error:
        if error.args[0] != _TLS_ERROR or _NO_TLS not in str(error):
            raise
    access.protection.demand_tls(what=what, fix="let the server have a certificate ('ssl_cert')")
    return _over(access, where, what=what, login={**login, "ssl_disabled": True})


def _over(access: Access, where: Address, *, what: str, login: dict[str, Any]) -> pymysql.Connection:
    import pymysql

    host, port, _ = where
    timeout = access.deadline.bound(access.request_timeout_seconds)
    # The driver asks for TLS under this name, and resolves it no more.
    connection = pymysql.Connection(**login, host=host, port=port, defer_connect=True)
    connection.connect(connected_socket(host, port, protection=access.protection, timeout_seconds=timeout, what=what))
    return connection


def _tls(access: Access) -> ssl.SSLContext:
    context = client_tls(access.protection, source=access.source)
    extra = access.connection.extra if access.connection else {}
    if "ssl_cert" in extra:
        context.load_cert_chain(extra["ssl_cert"], extra.get("ssl_key"))
    return context
